"""A job is rewritten at every step of its life: tidy up after a fiftieth of the rows, not after a fifth."""

from django.db import migrations

SETTINGS = "autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor"


class Migration(migrations.Migration):
    dependencies = [("core", "0006_event_customer_alone")]

    operations = [
        migrations.RunSQL(
            sql="ALTER TABLE core_job SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02)",
            reverse_sql=f"ALTER TABLE core_job RESET ({SETTINGS})",
        ),
    ]

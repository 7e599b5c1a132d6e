"""Every answer rewrites its ticket: tidy up after a fiftieth of the rows, not after a fifth, or every list walks over dead ones."""

from django.db import migrations

SETTINGS = "autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor"


class Migration(migrations.Migration):
    dependencies = [("tickets", "0031_archives_to_take_out")]

    operations = [
        migrations.RunSQL(
            sql="ALTER TABLE tickets_ticket SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02)",
            reverse_sql=f"ALTER TABLE tickets_ticket RESET ({SETTINGS})",
        ),
    ]

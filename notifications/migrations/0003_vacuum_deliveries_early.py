"""A message is rewritten at every step of its way: tidy up after a fiftieth of the rows, not after a fifth."""

from django.db import migrations

SETTINGS = "autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor"


class Migration(migrations.Migration):
    dependencies = [("notifications", "0002_fetch_mail")]

    operations = [
        migrations.RunSQL(
            sql="ALTER TABLE notifications_delivery SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02)",
            reverse_sql=f"ALTER TABLE notifications_delivery RESET ({SETTINGS})",
        ),
    ]

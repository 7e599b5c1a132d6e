"""What is known of parcels that are there: when they moved last, and of lost ones that loss is no rank."""

from django.db import migrations

FORTH = """
UPDATE orders_parcel SET moved_at = COALESCE(last_scan_at, rank_at, shipped_at)
 WHERE status NOT IN ('created', 'lost') AND COALESCE(last_scan_at, rank_at, shipped_at) IS NOT NULL;
UPDATE orders_parcel SET lost_at = COALESCE(rank_at, last_scan_at, created_at), rank = 30 WHERE status = 'lost';
"""
BACK = """
UPDATE orders_parcel SET rank = 55, rank_at = lost_at WHERE status = 'lost';
"""


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0007_parcel_news'),
    ]

    operations = [migrations.RunSQL(FORTH, BACK)]

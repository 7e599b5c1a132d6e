"""Small indexes of open orders and parcels for the views of the order list; made while people work."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('orders', '0022_found_clusters'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='order',
            index=models.Index(condition=models.Q(('status__in', ('placed', 'paid', 'packed', 'shipped'))), fields=['promised_at', 'id'], name='order_open_promised'),
        ),
        AddIndexConcurrently(
            model_name='order',
            index=models.Index(condition=models.Q(('is_partly_sent', True), ('status__in', ('placed', 'paid', 'packed', 'shipped'))), fields=['-placed_at', '-id'], name='order_partly_sent'),
        ),
        AddIndexConcurrently(
            model_name='parcel',
            index=models.Index(condition=models.Q(('late_level__gt', 0), ('status__in', ('created', 'picked_up', 'in_transit', 'out_for_delivery', 'ready_for_pickup'))), fields=['order'], name='parcel_at_risk'),
        ),
    ]

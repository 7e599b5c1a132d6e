"""Finding what concerns a customer and neither an order nor a ticket, however much else they did."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0005_fold_window")]

    operations = [
        migrations.AddIndex(
            "event",
            models.Index(
                fields=["customer_id", "at", "id"],
                name="event_customer_alone",
                condition=models.Q(customer_id__isnull=False, order_id__isnull=True, ticket_id__isnull=True),
            ),
        ),
    ]

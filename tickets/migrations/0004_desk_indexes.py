"""Indexes for the desk's views of waiting tickets and spam."""

from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("tickets", "0003_defaults")]

    operations = [
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                F("last_message_at").desc(),
                F("id").desc(),
                condition=Q(status="waiting_customer"),
                name="ticket_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(F("last_message_at").desc(), F("id").desc(), condition=Q(is_spam=True), name="ticket_spam"),
        ),
    ]

"""Indexes for what somebody has in work and for what waits in a team's queue; made while people work."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("tickets", "0016_routing")]

    operations = [
        AddIndexConcurrently(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(("is_spam", False), ("merged_into__isnull", True), ("status__in", ["new", "open"])),
                fields=["assignee", "channel"],
                name="ticket_in_work",
            ),
        ),
        AddIndexConcurrently(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(
                    ("is_spam", False),
                    ("merged_into__isnull", True),
                    ("status__in", ["new", "open"]),
                    ("assignee__isnull", True),
                ),
                fields=["team", "-priority", "next_due_at"],
                name="ticket_queue",
            ),
        ),
    ]

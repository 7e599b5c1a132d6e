"""One index for the nearest deadline in place of one per clock; made while people work."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("tickets", "0011_sla_clocks")]

    operations = [
        RemoveIndexConcurrently(
            model_name="ticket",
            name="ticket_first_due",
        ),
        RemoveIndexConcurrently(
            model_name="ticket",
            name="ticket_solve_due",
        ),
        AddIndexConcurrently(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(
                    ("status__in", ["new", "open", "waiting_customer", "waiting_department"]),
                    ("is_spam", False),
                    ("merged_into__isnull", True),
                    ("next_due_at__isnull", False),
                ),
                fields=["next_due_at"],
                include=("warn_at", "team", "assignee", "shop"),
                name="ticket_next_due",
            ),
        ),
    ]

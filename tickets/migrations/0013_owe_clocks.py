"""Have a worker build the clocks of the tickets that are open already, from the log."""

from django.db import migrations
from django.utils import timezone


def owe_clocks(apps, schema_editor):
    """Owe the first batch; each owes the next. A new installation has nothing to build."""
    active = ["new", "open", "waiting_customer", "waiting_department"]
    if not apps.get_model("tickets", "Ticket").objects.filter(status__in=active, policy__isnull=False).exists():
        return
    apps.get_model("core", "Job").objects.get_or_create(
        name="tickets.build_clocks", key="after:0", defaults={"payload": {"after": 0}, "due_at": timezone.now()}
    )


def keep(apps, schema_editor):
    """Leave the clocks; they go with their table."""


class Migration(migrations.Migration):
    dependencies = [("core", "0005_fold_window"), ("tickets", "0012_next_due_index")]

    operations = [migrations.RunPython(owe_clocks, keep)]

"""Many tickets changed at once: the order, and what became of each ticket."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from tickets.enums import BulkAction, BulkItemState, BulkState


class BulkRun(models.Model):
    """One change to many tickets. Its items are the progress; the row itself is written at its turns only.

    `value` is the action's argument ({"assignee": 5}, {"status": "open"}, {"tags": ["vip"]}…). It can be undone until
    `undo_until`.
    """

    staff = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="bulk_runs")
    action = models.CharField(max_length=16, choices=BulkAction)
    value = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=BulkState, default=BulkState.RUNNING)
    total = models.IntegerField()
    client_id = models.UUIDField(null=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    undo_until = models.DateTimeField()

    class Meta:
        db_table = "tickets_bulk_run"
        constraints = [
            models.UniqueConstraint(
                fields=["staff", "client_id"], name="bulk_run_once", condition=Q(client_id__isnull=False)
            ),
            models.CheckConstraint(condition=Q(action__in=BulkAction.values), name="bulk_action_known"),
            models.CheckConstraint(condition=Q(state__in=BulkState.values), name="bulk_state_known"),
        ]
        indexes = [models.Index(fields=["staff", "-id"], name="bulk_run_newest")]

    def __str__(self) -> str:
        return f"{self.action} of {self.total}"


class BulkItem(models.Model):
    """One ticket of a run. `before` and `after` are the touched field's values; `refusal` says why not."""

    run = models.ForeignKey(BulkRun, on_delete=models.CASCADE, related_name="items")
    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, choices=BulkItemState, default=BulkItemState.WAITING)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    refusal = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        db_table = "tickets_bulk_item"
        constraints = [
            models.UniqueConstraint(fields=["run", "ticket"], name="bulk_item_once"),
            models.CheckConstraint(condition=Q(state__in=BulkItemState.values), name="bulk_item_state_known"),
        ]
        indexes = [models.Index(fields=["run", "state", "ticket"], name="bulk_item_next")]

    def __str__(self) -> str:
        return f"ticket {self.ticket_id} of run {self.run_id}"

"""What customers were promised, with a date."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from core.models.fields import ClockTimestamp
from tickets.work_enums import PROMISE_OWED, PromiseKind, PromiseState

OWED = Q(state__in=[state.value for state in PROMISE_OWED])


class Commitment(models.Model):
    """A promise: what, by when, to whom, said in which message, and what became of it.

    It is broken the moment `due_at` passes (`broken_at`) and stays owed as overdue until it is settled. `round` counts
    due times agreed: deadlines of earlier rounds say nothing any more. `told` is the message in which the customer
    heard that it is done.
    """

    event_type = "promise"

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="promises")
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, null=True, related_name="promises")
    message = models.ForeignKey("tickets.Message", on_delete=models.SET_NULL, null=True, related_name="promises")
    told = models.ForeignKey("tickets.Message", on_delete=models.SET_NULL, null=True, related_name="+")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="promises")
    kind = models.CharField(max_length=16, choices=PromiseKind)
    state = models.CharField(max_length=12, choices=PromiseState, default=PromiseState.OPEN)
    words = models.CharField(max_length=200)
    made_at = models.DateTimeField()
    due_at = models.DateTimeField()
    warn_at = models.DateTimeField()
    warned_at = models.DateTimeField(null=True)
    broken_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    round = models.PositiveSmallIntegerField(default=1)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "tickets_commitment"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=PromiseState.values), name="promise_state_known"),
            models.CheckConstraint(condition=Q(kind__in=PromiseKind.values), name="promise_kind_known"),
            models.CheckConstraint(
                condition=(OWED & Q(settled_at__isnull=True)) | (~OWED & Q(settled_at__isnull=False)),
                name="promise_settled_has_time",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["overdue", "broken"], broken_at__isnull=False)
                | Q(state__in=["open", "kept", "withdrawn"], broken_at__isnull=True),
                name="promise_broken_has_time",
            ),
            models.CheckConstraint(
                condition=Q(due_at__gt=F("made_at"), warn_at__lte=F("due_at")), name="promise_due_after_made"
            ),
            models.UniqueConstraint(
                fields=["message", "kind"],
                name="promise_once_per_message",
                condition=Q(message__isnull=False) & ~Q(state="withdrawn"),
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], include=["ticket", "owner"], name="promise_owed", condition=OWED),
            models.Index(fields=["owner", "due_at", "id"], name="promise_own", condition=OWED),
            models.Index(fields=["state", "-settled_at", "-id"], name="promise_settled", condition=~OWED),
        ]

    def __str__(self) -> str:
        return f"promise {self.pk}"

    @property
    def is_owed(self) -> bool:
        """Say whether somebody still has to act."""
        return self.state in PROMISE_OWED

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this promise belong to (its ticket must be loaded)."""
        return self.ticket.event_streams()

"""Answers that wait: for the ten seconds in which they can be taken back, or for the time they are planned for."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from core.models.fields import ClockTimestamp
from tickets.enums import HeldReason, HeldState, MessageKind


class HeldMessage(models.Model):
    """An answer (or the steps of a macro) pressed but not gone: it gets its seq when it goes.

    `source` is what was typed, marks and all, so that taking it back gives it back as it was. `pressed_at` is the
    moment the agent sent it: first-response figures count that. `version` changes with every edit; the job that
    releases it is keyed by it. `steps` are a macro's other steps, as tickets.services.macro_steps reads them.
    `promise` is what the answer promises, as tickets.services.undo_send reads it: made when the answer goes.
    """

    event_type = "held_message"

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="held")
    staff = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    client_id = models.UUIDField()
    kind = models.CharField(max_length=8, choices=MessageKind, default=MessageKind.PUBLIC)
    why = models.CharField(max_length=12, choices=HeldReason)
    state = models.CharField(max_length=12, choices=HeldState, default=HeldState.HELD)
    source = models.TextField(blank=True, default="")
    then_status = models.CharField(max_length=20, blank=True, default="")
    macro = models.ForeignKey("tickets.Macro", on_delete=models.SET_NULL, null=True, related_name="+")
    steps = models.JSONField(default=dict)
    promise = models.JSONField(default=dict)
    mentioned = ArrayField(models.BigIntegerField(), default=list)
    ticket_version = models.IntegerField(default=0)
    pressed_at = models.DateTimeField()
    due_at = models.DateTimeField()
    message = models.OneToOneField("tickets.Message", on_delete=models.SET_NULL, null=True, related_name="+")
    stop_code = models.CharField(max_length=40, blank=True, default="")
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "tickets_held_message"
        constraints = [
            models.UniqueConstraint(fields=["ticket", "client_id"], name="held_message_client_id"),
            models.CheckConstraint(condition=Q(state__in=HeldState.values), name="held_message_state_known"),
            models.CheckConstraint(condition=Q(why__in=HeldReason.values), name="held_message_reason_known"),
            models.CheckConstraint(
                condition=Q(message__isnull=True) | Q(state="sent"), name="held_message_only_sent_has_message"
            ),
        ]
        indexes = [
            models.Index(fields=["ticket"], name="held_message_open", condition=Q(state__in=["held", "stopped"]))
        ]

    def __str__(self) -> str:
        return f"held message {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this message belong to (its ticket must be loaded)."""
        return self.ticket.event_streams()

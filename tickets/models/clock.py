"""The clocks of a ticket: one row for the first reply, one for each next reply, one for the solution."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import F, Q

from tickets.enums import ClockKind, ClockState

OPEN = Q(state__in=["running", "paused"])


class SlaClock(models.Model):
    """One promise being kept. Written only under its ticket's lock.

    `due_at` and `warn_at` are the deadlines as things stand: while paused, as they stood when the pause began; None
    when the calendar never gets there. `round` counts the customer's turns of a ticket (next replies), else 1.
    `generation` rises whenever a deadline moves, so that due rows owed for an older one do nothing. The policy's
    and the calendar's version say by which terms it was priced; `target` is in seconds.
    """

    event_type = "sla_clock"

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="clocks", db_index=False)
    kind = models.CharField(max_length=16, choices=ClockKind)
    round = models.PositiveIntegerField(default=1)
    generation = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=8, choices=ClockState, default=ClockState.RUNNING)

    policy = models.ForeignKey("tickets.SlaPolicy", on_delete=models.PROTECT, related_name="+")
    policy_version = models.IntegerField()
    calendar_id = models.BigIntegerField(null=True)
    calendar_version = models.IntegerField(default=0)
    target = models.IntegerField()

    started_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    warn_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    met_at = models.DateTimeField(null=True)
    warned_at = models.DateTimeField(null=True)
    breached_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tickets_sla_clock"
        constraints = [
            models.UniqueConstraint(fields=["ticket", "kind", "round"], name="sla_clock_round"),
            models.UniqueConstraint(fields=["ticket", "kind"], name="sla_clock_one_open", condition=OPEN),
            models.CheckConstraint(condition=Q(kind__in=ClockKind.values), name="sla_clock_kind_known"),
            models.CheckConstraint(condition=Q(state__in=ClockState.values), name="sla_clock_state_known"),
            models.CheckConstraint(
                condition=Q(state="met", met_at__isnull=False) | (~Q(state="met") & Q(met_at__isnull=True)),
                name="sla_clock_met_has_time",
            ),
            models.CheckConstraint(
                condition=Q(state="paused", paused_at__isnull=False) | (~Q(state="paused") & Q(paused_at__isnull=True)),
                name="sla_clock_paused_has_time",
            ),
            models.CheckConstraint(
                condition=Q(met_at__isnull=True) | Q(met_at__gte=F("started_at")), name="sla_clock_met_after_start"
            ),
            models.CheckConstraint(
                condition=Q(breached_at__isnull=True) | Q(due_at__isnull=False), name="sla_clock_breach_has_deadline"
            ),
            models.CheckConstraint(condition=Q(target__gt=0, round__gt=0), name="sla_clock_positive"),
        ]
        indexes = [models.Index(fields=["policy", "ticket"], name="sla_clock_priced_by", condition=OPEN)]

    def __str__(self) -> str:
        return f"{self.kind} {self.round} of ticket {self.ticket_id}"

    @property
    def is_open(self) -> bool:
        """Say whether the promise is still to be kept."""
        return self.state in {ClockState.RUNNING, ClockState.PAUSED}

    @property
    def is_running(self) -> bool:
        """Say whether its time passes."""
        return self.state == ClockState.RUNNING

    @property
    def length(self) -> timedelta:
        """Return the target as a length of time."""
        return timedelta(seconds=self.target)

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this clock belong to: its ticket's."""
        return self.ticket.event_streams()

"""How a kind of request is handled: steps, owner, time, standard solutions; versions never change."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models.fields import ClockTimestamp


class ServiceStandard(models.Model):
    """The standard of one category; `current` is the version new tickets begin with."""

    event_type = "standard"

    category = models.OneToOneField("tickets.Category", on_delete=models.PROTECT, related_name="standard")
    current = models.ForeignKey("tickets.StandardVersion", on_delete=models.PROTECT, null=True, related_name="+")
    is_active = models.BooleanField(default=True)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "tickets_service_standard"

    def __str__(self) -> str:
        return f"standard {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this standard belong to: none."""
        return {}


class StandardVersion(models.Model):
    """One wording of a standard, in force from `published_at` until the next.

    `steps` is a list of {key, title, hint, is_required}; `solutions` one of {title, body}; `time_limit_minutes` counts
    business time from the ticket's opening. A trigger refuses changes.
    """

    standard = models.ForeignKey(ServiceStandard, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    summary = models.TextField(blank=True, default="")
    owner_role = models.CharField(max_length=32, blank=True, default="")
    time_limit_minutes = models.PositiveIntegerField(null=True)
    steps = models.JSONField(default=list)
    solutions = models.JSONField(default=list)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        db_table = "tickets_standard_version"
        constraints = [models.UniqueConstraint(fields=["standard", "number"], name="standard_version_number")]

    def __str__(self) -> str:
        return f"standard {self.standard_id} v{self.number}"

    def required_keys(self) -> list[str]:
        """Return the steps a ticket cannot be resolved without."""
        return [step["key"] for step in self.steps if step.get("is_required")]


class TicketStep(models.Model):
    """A step of a standard that was done on a ticket."""

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="steps")
    standard_version = models.ForeignKey(StandardVersion, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=12)
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    done_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "tickets_ticket_step"
        constraints = [
            models.UniqueConstraint(fields=["ticket", "standard_version", "key"], name="ticket_step_once"),
            models.CheckConstraint(condition=~Q(key=""), name="ticket_step_has_key"),
        ]

    def __str__(self) -> str:
        return f"step {self.key} of ticket {self.ticket_id}"

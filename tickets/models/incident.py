"""What an incident means for conversations: linked tickets, updates, and who was told what."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models.fields import ClockTimestamp
from tickets.incident_enums import LinkedHow, NoticeChannel, NoticeState, Reason, UpdateState


class IncidentTicket(models.Model):
    """A ticket about an affected order or of an affected customer; one taken away keeps its row."""

    incident = models.ForeignKey("orders.Incident", on_delete=models.CASCADE, related_name="linked_tickets")
    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="incident_links")
    how = models.CharField(max_length=8, choices=LinkedHow)
    linked_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tickets_incident_ticket"
        constraints = [
            models.UniqueConstraint(fields=["incident", "ticket"], name="incident_ticket_once"),
            models.CheckConstraint(condition=Q(how__in=LinkedHow.values), name="incident_ticket_how_known"),
        ]

    def __str__(self) -> str:
        return f"ticket {self.ticket_id} of incident {self.incident_id}"


class IncidentUpdate(models.Model):
    """One message to all customers of an incident. `texts` = {language: text with variables}.

    The one draft of an incident is its prepared answer; sending gives it its `number`. `audience` is how many customers
    there were then; who was found later is told the newest one too. `is_final` says that the matter is settled.
    """

    event_type = "incident_update"

    incident = models.ForeignKey("orders.Incident", on_delete=models.CASCADE, related_name="updates")
    number = models.PositiveIntegerField(null=True)
    state = models.CharField(max_length=10, choices=UpdateState, default=UpdateState.DRAFT)
    texts = models.JSONField(default=dict)
    is_final = models.BooleanField(default=False)
    audience = models.IntegerField(default=0)
    sent_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    sent_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    turn = models.IntegerField(default=0)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "tickets_incident_update"
        constraints = [
            models.UniqueConstraint(fields=["incident", "number"], name="incident_update_number"),
            models.UniqueConstraint(fields=["incident"], name="incident_update_one_draft", condition=Q(state="draft")),
            models.UniqueConstraint(
                fields=["incident"], name="incident_update_one_going", condition=Q(state__in=["sending", "paused"])
            ),
            models.CheckConstraint(condition=Q(state__in=UpdateState.values), name="incident_update_state_known"),
            models.CheckConstraint(
                condition=Q(state="draft", number__isnull=True, sent_at__isnull=True)
                | (~Q(state="draft") & Q(number__isnull=False, sent_at__isnull=False)),
                name="incident_update_sent_has_number",
            ),
        ]

    def __str__(self) -> str:
        return f"update {self.number} of incident {self.incident_id}"

    def event_streams(self) -> dict[str, int | None]:
        """An update belongs to no stream of its own: each customer's copy is a message or a delivery."""
        return {}


class IncidentNotice(models.Model):
    """One customer's copy of an update: one row each, so that nobody is told twice.

    `order` is the newest of the customer's affected orders, whose numbers stand in the text.
    """

    update = models.ForeignKey(IncidentUpdate, on_delete=models.CASCADE, related_name="notices")
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    order = models.ForeignKey("orders.Order", on_delete=models.SET_NULL, null=True, related_name="+")
    state = models.CharField(max_length=12, choices=NoticeState, default=NoticeState.WAITING)
    channel = models.CharField(max_length=8, choices=NoticeChannel, blank=True, default="")
    reason = models.CharField(max_length=12, choices=Reason, blank=True, default="")
    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.SET_NULL, null=True, related_name="+")
    delivery_id = models.BigIntegerField(null=True)
    told_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tickets_incident_notice"
        constraints = [
            models.UniqueConstraint(fields=["update", "customer"], name="incident_notice_once"),
            models.CheckConstraint(condition=Q(state__in=NoticeState.values), name="incident_notice_state_known"),
            models.CheckConstraint(
                condition=~Q(state="told") | (Q(told_at__isnull=False) & ~Q(channel="")),
                name="incident_notice_told_has_way",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["unreachable", "failed", "dropped"]) | ~Q(reason=""),
                name="incident_notice_untold_has_reason",
            ),
        ]
        indexes = [models.Index(fields=["update", "id"], name="incident_notice_waiting", condition=Q(state="waiting"))]

    def __str__(self) -> str:
        return f"customer {self.customer_id} of update {self.update_id}"

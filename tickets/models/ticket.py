"""The ticket: one conversation with a customer, whatever the channel."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce

from core.models.fields import ClockTimestamp
from tickets.enums import Channel, Priority, TicketStatus

NUMBER_OFFSET = 100_000
NEVER = datetime(9999, 12, 31, tzinfo=UTC)  # stands for a time that is not set, so that it sorts last
ACTIVE = Q(status__in=["new", "open", "waiting_customer", "waiting_department"])
IN_WORK = Q(status__in=["new", "open"], is_spam=False, merged_into__isnull=True)
LISTED = ACTIVE & Q(is_spam=False, merged_into__isnull=True)


class Ticket(models.Model):
    """One conversation. `last_seq` and `last_public_seq` are taken under this row's lock by each message.

    Clocks stand in SlaClock; `first_response_due_at`, `next_response_due_at` and `resolution_due_at` are copies.
    `next_due_at` and `warn_at` are the nearest deadline and warning point of the clocks that run now, None when all
    stand still: lists and counts read only these. `waiting_seconds` is the time spent waiting for the customer so far
    (a resolution that did not hold counts too), `waiting_since` the start of the present wait. `resolved_at` is the
    latest resolution, cleared by a reopening.
    `preview` is the first 160 characters of the newest message people exchanged.
    `contact_enc` is the encrypted mail address answers go to; `order_given` the order number the customer typed when no
    order could be matched; `client_id` makes opening idempotent.
    """

    event_type = "ticket"

    # Three keys stand in an index below anyway: one of their own only costs time at every answer.
    shop = models.ForeignKey("orders.Shop", on_delete=models.PROTECT, null=True, related_name="tickets")
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        related_name="tickets",
        db_index=False,
    )
    order = models.ForeignKey(
        "orders.Order", on_delete=models.SET_NULL, null=True, related_name="tickets", db_index=False
    )
    category = models.ForeignKey("tickets.Category", on_delete=models.PROTECT, null=True, related_name="tickets")
    team = models.ForeignKey("accounts.Team", on_delete=models.SET_NULL, null=True, related_name="tickets")
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="assigned_tickets",
    )
    mailbox_id = models.BigIntegerField(null=True)
    channel = models.CharField(max_length=12, choices=Channel)
    status = models.CharField(max_length=20, choices=TicketStatus, default=TicketStatus.NEW)
    priority = models.SmallIntegerField(choices=Priority, default=Priority.NORMAL)
    language = models.CharField(max_length=10, default="zh-hans")
    subject = models.CharField(max_length=200)
    preview = models.CharField(max_length=160, blank=True, default="")
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    watchers = ArrayField(models.BigIntegerField(), null=True)
    order_given = models.CharField(max_length=64, blank=True, default="")
    contact_enc = models.BinaryField(null=True)
    client_id = models.UUIDField(null=True, unique=True)
    is_spam = models.BooleanField(default=False)
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="merged_from", db_index=False
    )
    policy = models.ForeignKey("tickets.SlaPolicy", on_delete=models.PROTECT, null=True, related_name="+")

    opened_at = models.DateTimeField()
    first_response_due_at = models.DateTimeField(null=True)
    first_response_at = models.DateTimeField(null=True)
    next_response_due_at = models.DateTimeField(null=True)
    resolution_due_at = models.DateTimeField(null=True)
    next_due_at = models.DateTimeField(null=True)
    warn_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    waiting_since = models.DateTimeField(null=True)
    waiting_seconds = models.IntegerField(default=0)
    customer_turn_at = models.DateTimeField(null=True)
    last_message_at = models.DateTimeField(null=True)
    last_message_by = models.CharField(max_length=12, blank=True, default="")
    last_seq = models.IntegerField(default=0)
    last_public_seq = models.IntegerField(default=0)
    reopen_count = models.PositiveSmallIntegerField(default=0)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "tickets_ticket"
        constraints = [
            models.CheckConstraint(condition=Q(status__in=TicketStatus.values), name="ticket_status_known"),
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="ticket_channel_known"),
            models.CheckConstraint(condition=Q(priority__in=Priority.values), name="ticket_priority_known"),
            models.CheckConstraint(
                condition=Q(status__in=["resolved", "closed"], resolved_at__isnull=False)
                | (~Q(status__in=["resolved", "closed"]) & Q(resolved_at__isnull=True)),
                name="ticket_resolved_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="closed") | Q(closed_at__isnull=False),
                name="ticket_closed_has_time",
            ),
            models.CheckConstraint(
                condition=Q(status="waiting_customer", waiting_since__isnull=False)
                | (~Q(status="waiting_customer") & Q(waiting_since__isnull=True)),
                name="ticket_waiting_has_start",
            ),
            models.CheckConstraint(
                condition=Q(last_public_seq__gte=0, last_seq__gte=F("last_public_seq")),
                name="ticket_seqs_in_step",
            ),
            models.CheckConstraint(condition=~Q(merged_into=F("id")), name="ticket_not_merged_into_itself"),
        ]
        # The views are counted and listed from these alone (index-only): hence the included columns of the door.
        indexes = [
            models.Index(
                fields=["assignee", "-last_message_at", "-id"],
                include=["team", "shop"],
                name="ticket_mine",
                condition=LISTED,
            ),
            models.Index(
                fields=["-last_message_at", "-id"],
                include=["team", "shop", "assignee"],
                name="ticket_unassigned",
                condition=LISTED & Q(assignee__isnull=True),
            ),
            models.Index(
                fields=["team", "-last_message_at", "-id"],
                include=["assignee", "shop"],
                name="ticket_team",
                condition=LISTED,
            ),
            models.Index(
                fields=["-last_message_at", "-id"],
                include=["team", "assignee", "shop"],
                name="ticket_active",
                condition=LISTED,
            ),
            models.Index(F("last_message_at").desc(), F("id").desc(), name="ticket_all"),
            models.Index(
                fields=["-last_message_at", "-id"],
                include=["team", "assignee", "shop"],
                name="ticket_waiting",
                condition=Q(status="waiting_customer", is_spam=False, merged_into__isnull=True),
            ),
            models.Index(
                fields=["-last_message_at", "-id"],
                include=["team", "assignee", "shop"],
                name="ticket_spam",
                condition=Q(is_spam=True, merged_into__isnull=True),
            ),
            models.Index(
                Coalesce("customer_turn_at", Value(NEVER)),
                F("id"),
                name="ticket_longest_waiting",
                condition=LISTED,
            ),
            models.Index(fields=["-priority", "-last_message_at", "-id"], name="ticket_most_urgent", condition=LISTED),
            GinIndex(fields=["tags"], name="ticket_tags", condition=LISTED),
            GinIndex(fields=["watchers"], name="ticket_watchers", condition=Q(watchers__isnull=False)),
            models.Index(
                F("resolved_at").desc(),
                name="ticket_resolved",
                condition=Q(status="resolved"),
            ),
            models.Index(
                fields=["next_due_at"],
                include=["warn_at", "team", "assignee", "shop"],
                name="ticket_next_due",
                condition=LISTED & Q(next_due_at__isnull=False),
            ),
            models.Index(fields=["customer", "-opened_at"], name="ticket_customer"),
            models.Index(fields=["assignee", "channel"], name="ticket_in_work", condition=IN_WORK),
            models.Index(
                fields=["team", "-priority", "next_due_at"],
                name="ticket_queue",
                condition=IN_WORK & Q(assignee__isnull=True),
            ),
            models.Index(fields=["order"], name="ticket_order", condition=Q(order__isnull=False)),
            models.Index(fields=["merged_into"], name="ticket_merged", condition=Q(merged_into__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"#{self.number}"

    @property
    def number(self) -> str:
        """Return the number people say: the key plus an offset, so that it is never short."""
        return str(self.pk + NUMBER_OFFSET)

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this ticket belong to."""
        return {
            "ticket_id": self.pk,
            "order_id": self.order_id,
            "customer_id": self.customer_id,
            "shop_id": self.shop_id,
        }

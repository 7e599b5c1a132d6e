"""What outgoing webhooks tell of tickets: number, state, channel and category, not a word of the conversation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.models import Event
from notifications.webhook_kinds import register_webhook_kinds
from tickets.models import Ticket


@dataclass(frozen=True)
class TicketNews:
    """A ticket as it stands when the message is written; `type` says what happened to it."""

    ticket_id: int
    ticket_number: str
    shop: str
    channel: str
    category: str
    priority: int
    status: str
    order_id: int | None
    order_number: str
    happened_at: datetime


def ticket_news(events: list[Event]) -> dict[int, Any]:
    """Return the payloads of ticket events by event id; one statement. Spam is told to nobody."""
    ids = {event.ticket_id for event in events if event.ticket_id}
    rows = Ticket.objects.select_related("shop", "category", "order").filter(is_spam=False).in_bulk(ids)
    return {event.pk: _ticket(rows[event.ticket_id], event) for event in events if event.ticket_id in rows}


def _ticket(ticket: Ticket, event: Event) -> TicketNews:
    return TicketNews(
        ticket.pk, ticket.number, ticket.shop.code if ticket.shop else "", ticket.channel,
        ticket.category.key if ticket.category else "", ticket.priority, ticket.status, ticket.order_id,
        ticket.order.number if ticket.order else "", event.at,
    )  # fmt: skip


register_webhook_kinds(
    _("Tickets"),
    {
        "ticket.opened": _("Ticket opened"),
        "message.received": _("Customer wrote"),
        "message.sent": _("Answer sent"),
        "ticket.resolved": _("Ticket resolved"),
        "ticket.reopened": _("Ticket reopened"),
        "ticket.closed": _("Ticket closed"),
    },
    payload=TicketNews,
    build=ticket_news,
)

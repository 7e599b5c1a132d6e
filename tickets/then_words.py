"""Which tickets about an order were open at a moment of the past, told by their events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext

from core import ui
from core.models import Event
from core.stories import Then, register_teller
from tickets.enums import TicketStatus
from tickets.models.ticket import NUMBER_OFFSET

STATE_KINDS = (
    "ticket.opened", "ticket.status_changed", "ticket.resolved", "ticket.reopened", "ticket.closed", "ticket.merged",
    "ticket.unmerged", "ticket.marked_spam", "ticket.unmarked_spam",
)  # fmt: skip
OVER = {TicketStatus.RESOLVED, TicketStatus.CLOSED}


def fold_tickets(events: Iterable[Event]) -> dict[int, str]:
    """Return ticket id → status of those open after these events, given by id."""
    statuses: dict[int, str] = {}
    away: set[int] = set()
    for event in events:
        pk, step = event.subject_id, event.kind.removeprefix("ticket.")
        match step:
            case "opened":
                statuses[pk] = TicketStatus.NEW
            case "reopened":
                statuses[pk] = TicketStatus.OPEN
            case "merged" | "marked_spam":
                away.add(pk)
            case "unmerged" | "unmarked_spam":
                away.discard(pk)
                statuses.setdefault(pk, TicketStatus.OPEN)
            case "status_changed":
                statuses[pk] = event.data["after"]
            case _:
                statuses[pk] = step
    return {pk: status for pk, status in statuses.items() if pk not in away and status not in OVER}


def tell_tickets(events: list[Event], viewer: Any) -> list[Then]:
    """Return a line for each ticket that was open."""
    return [
        Then(
            "ticket",
            gettext("Open ticket"),
            format_html(
                '<a class="num" href="{}">#{}</a> {}',
                reverse("tickets:ticket", args=[pk]),
                pk + NUMBER_OFFSET,
                ui.status(status, TicketStatus(status).label),
            ),
        )
        for pk, status in fold_tickets(events).items()
    ]


register_teller("tickets", STATE_KINDS, tell_tickets)

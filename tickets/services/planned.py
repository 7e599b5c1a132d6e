"""Stop what waits to go when the ground under it has moved."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F

from accounts.services import notify
from core.live import announce
from tickets.enums import HeldReason, HeldState
from tickets.models import HeldMessage, Ticket
from tickets.permissions import desk_url


def stop_planned(ticket: Ticket, *, at: datetime, code: str = "customer_wrote") -> int:
    """Stop answers planned for later in a locked ticket and tell their writers; nothing is lost. Returns how many."""
    waiting = HeldMessage.objects.filter(ticket=ticket, state=HeldState.HELD, why=HeldReason.SCHEDULED)
    writers = list(waiting.values_list("staff_id", flat=True))
    if not writers:
        return 0
    waiting.update(state=HeldState.STOPPED, stop_code=code, version=F("version") + 1)
    for staff_id in writers:
        tell_stopped(ticket, staff_id, at)
    return len(writers)


def tell_stopped(ticket: Ticket, staff_id: int, at: datetime) -> None:
    """Tell a writer that her answer waits for her, and have the ticket's pages look."""
    params = {"ticket_id": ticket.pk, "number": ticket.number}
    notify(staff_id=staff_id, kind="ticket.answer_stopped", params=params, url=desk_url(ticket.pk), at=at)
    announce_held(ticket)


def announce_held(ticket: Ticket) -> None:
    """After commit, have the pages that show the ticket look at what waits; that is no new version of the ticket."""
    announce(f"ticket.{ticket.pk}", "held", ticket.pk)

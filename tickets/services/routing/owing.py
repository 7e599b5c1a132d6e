"""Owe the handing out of a team's queue, and of a ticket that came back to somebody who is not here."""

from __future__ import annotations

from datetime import datetime

from accounts.enums import PresenceStatus
from accounts.models import Staff
from core.events.log import current_origin
from core.jobs import schedule
from core.models import Origin
from tickets.models import Ticket
from tickets.selectors.routing import IN_WORK, is_automatic

DRAIN_JOB = "tickets.drain_queue"
TAKE_BACK_JOB = "tickets.take_back_ticket"


def owe_drain(*, team_id: int | None, key: str, at: datetime) -> bool:
    """Owe a round of handing out when the team works that way; `key` makes it once. Call inside the transaction."""
    if team_id is None or current_origin() != Origin.LIVE or not is_automatic(team_id):
        return False
    return schedule(DRAIN_JOB, key=f"{team_id}:{key}", due_at=at, payload={"team_id": team_id})


def owe_for_ticket(ticket: Ticket, at: datetime) -> bool:
    """Owe a round because this ticket came into the queue or left a place free."""
    return owe_drain(team_id=ticket.team_id, key=f"ticket:{ticket.pk}:{ticket.version}", at=at)


def note_moved(ticket: Ticket, *, before: str, at: datetime) -> None:
    """Owe what a change of status means for routing: a place is free, or the ticket needs its agent again.

    One that comes back to an agent who is off shift or has left goes to the queue.
    """
    was, now = before in IN_WORK, ticket.status in IN_WORK
    if was == now:
        return
    if now and ticket.assignee_id is not None:
        if current_origin() == Origin.LIVE and is_gone(ticket.assignee_id):
            payload = {"ticket_id": ticket.pk}
            schedule(TAKE_BACK_JOB, key=f"{ticket.pk}:{ticket.version}", due_at=at, payload=payload)
        return
    owe_for_ticket(ticket, at)


def is_gone(staff_id: int) -> bool:
    """Tell whether somebody has left or is off shift; one of whom nobody ever heard is not."""
    row = Staff.objects.filter(pk=staff_id).values_list("is_active", "presence__status").first()
    return row is None or not row[0] or row[1] == PresenceStatus.OFFLINE

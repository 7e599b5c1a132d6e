"""Move a ticket along: status, resolution, reopening, closing."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.actors import SYSTEM, Actor
from core.errors import InvalidInput
from tickets.enums import TicketStatus
from tickets.models import Ticket
from tickets.services.assigning import note_on
from tickets.services.locking import lock_ticket, not_before, save_ticket
from tickets.services.moving import move_and_record


@transaction.atomic
def change_status(
    *, ticket_id: int, status: str, actor: Actor, at: datetime, reason: str = "", why: str = ""
) -> Ticket:
    """Put a ticket into another status; the one it has already is nothing to do. Raises TransitionNotAllowed.

    `reason` is a code for the figures; `why`, in a person's words, stays in the ticket as an internal note.
    """
    if status not in TicketStatus.values:
        raise InvalidInput(fields={"status": [_("This status does not exist.")]})
    ticket = lock_ticket(ticket_id)
    if ticket.status == status:
        return ticket
    at = not_before(ticket, at)
    ticket.version += 1
    if ticket.assignee_id is None and actor.is_person and status == TicketStatus.RESOLVED:
        ticket.assignee_id = actor.id  # whoever solves an untaken ticket is its agent
    if why.strip():
        note_on(ticket, why.strip(), actor, at)
    move_and_record(ticket, to=status, actor=actor, at=at, reason=reason)
    save_ticket(ticket)
    return ticket


def resolve_ticket(*, ticket_id: int, actor: Actor, at: datetime, reason: str = "", why: str = "") -> Ticket:
    """Resolve a ticket; it closes by itself after the policy's days. Raises TransitionNotAllowed."""
    return change_status(ticket_id=ticket_id, status=TicketStatus.RESOLVED, actor=actor, at=at, reason=reason, why=why)


def reopen_ticket(*, ticket_id: int, actor: Actor, at: datetime, reason: str = "") -> Ticket:
    """Open a resolved or closed ticket again. Raises TransitionNotAllowed."""
    return change_status(ticket_id=ticket_id, status=TicketStatus.OPEN, actor=actor, at=at, reason=reason)


@transaction.atomic
def close_resolved_ticket(*, ticket_id: int, round_: int, at: datetime) -> bool:
    """Close a ticket that stayed resolved since its `round_`th reopening; return whether it did."""
    ticket = Ticket.objects.select_for_update(no_key=True).filter(pk=ticket_id).first()
    if ticket is None or ticket.status != TicketStatus.RESOLVED or ticket.reopen_count != round_:
        return False
    ticket.version += 1
    move_and_record(ticket, to=TicketStatus.CLOSED, actor=SYSTEM, at=not_before(ticket, at), reason="by_time")
    save_ticket(ticket)
    return True

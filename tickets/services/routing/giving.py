"""Give one queued ticket to one agent, or not: the database decides, under both locks."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from django.db import transaction

from accounts.availability import limits_of
from accounts.enums import Permission, PresenceStatus
from accounts.models import Presence, Staff
from accounts.services import lock_presence
from core.actors import Actor
from tickets.models import Ticket
from tickets.selectors.routing import QUEUED, loads_of
from tickets.services.assigning import Why, hand_ticket


class Outcome(Enum):
    """What became of an attempt."""

    GIVEN = "given"
    GONE = "gone"  # the ticket was taken, moved or locked by somebody else
    FULL = "full"  # she has no room any more, or is not here


@transaction.atomic
def give_ticket(
    *, ticket_id: int, team_id: int, staff_id: int, actor: Actor, at: datetime, reason: str, rivals: int | None
) -> Outcome:
    """Give a ticket that still waits to somebody who still is here and has room.

    The ticket's lock is never waited for: whoever holds it is doing something with it. The agent's row is locked last
    and alone, so that two rounds at once can neither overfill her nor wait for each other in a circle.
    """
    rows = Ticket.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
    waiting = rows.select_related("customer", "category", "policy").filter(QUEUED, pk=ticket_id, team_id=team_id)
    ticket = next(iter(waiting), None)
    if ticket is None:
        return Outcome.GONE
    presence = lock_presence(staff_id)
    load = _room_for(ticket, staff_id, presence, is_offer=not actor.is_person)
    if presence is None or load is None:
        return Outcome.FULL
    why = Why(load=load, rivals=rivals)
    hand_ticket(ticket, to=staff_id, team_id=ticket.team_id, actor=actor, at=at, reason=reason, why=why)
    presence.given_at = max(at, presence.given_at or at)
    presence.save(update_fields=["given_at"])
    return Outcome.GIVEN


def _room_for(ticket: Ticket, staff_id: int, presence: Presence | None, *, is_offer: bool) -> int | None:
    """Return how much she has in work when one more fits and she is here, else None; read under her lock."""
    staff = Staff.objects.select_related("capacity").filter(pk=staff_id, is_active=True).first()
    if staff is None or presence is None or not staff.may(Permission.TICKET_REPLY):
        return None
    if presence.status == PresenceStatus.OFFLINE or (is_offer and presence.status != PresenceStatus.ONLINE):
        return None
    loads = loads_of([staff_id]).get(staff_id, {})
    return sum(loads.values()) if limits_of(staff).has_room(loads, ticket.channel) else None

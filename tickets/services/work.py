"""Who works on a ticket and what it is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.errors import InvalidInput, StaleEdit
from core.events import Code, record
from core.text import normalise
from orders.models import Order
from tickets.enums import Priority
from tickets.errors import AlreadyTaken
from tickets.events import Dimensions, TicketChanged
from tickets.models import Category, Ticket
from tickets.services.assigning import check_agent, check_team, hand_ticket, note_on, remember_given_back
from tickets.services.locking import dimensions, lock_ticket, not_before, save_ticket, touch_clocks
from tickets.services.routing.owing import owe_for_ticket
from tickets.services.sla.rebuilding import follow_rules


@transaction.atomic
def assign_ticket(
    *,
    ticket_id: int,
    assignee_id: int | None,
    actor: Actor,
    at: datetime,
    team_id: int | None = None,
    reason: str = "",
) -> Ticket:
    """Give a ticket to a person, or back to the queue with None; `team_id` None keeps the team.

    Capacity binds what is handed out, not what people decide. Raises InvalidInput for somebody who cannot answer
    customers or is off shift, or a team that is gone.
    """
    ticket = lock_ticket(ticket_id)
    if team_id is not None:
        check_team(team_id)
    if assignee_id is not None:
        check_agent(assignee_id, actor)
    hand_ticket(ticket, to=assignee_id, team_id=team_id or ticket.team_id, actor=actor, at=at, reason=reason)
    return ticket


@transaction.atomic
def take_ticket(*, ticket_id: int, actor: Actor, at: datetime) -> Ticket:
    """Take an untaken ticket oneself; of two who take it at once one gets it. Raises AlreadyTaken."""
    ticket = lock_ticket(ticket_id)
    if ticket.assignee_id not in {None, actor.id}:
        raise AlreadyTaken(assignee_id=ticket.assignee_id)
    return assign_ticket(ticket_id=ticket_id, assignee_id=actor.id, actor=actor, at=at, reason="taken")


@dataclass(frozen=True)
class Target:
    """Where a ticket goes: to a person, or to a team's queue."""

    staff_id: int | None = None
    team_id: int | None = None


@transaction.atomic
def transfer_ticket(*, ticket_id: int, to: Target, note: str, actor: Actor, at: datetime) -> Ticket:
    """Hand a ticket on to a colleague or a team, with a note that says what is to be done.

    Raises InvalidInput without a note or a place to go, for somebody off shift, and when it is there already.
    """
    if not note.strip():
        raise InvalidInput(fields={"note": [_("Say in a few words what is to be done.")]})
    if (to.staff_id is None) == (to.team_id is None):
        raise InvalidInput(fields={"to": [_("Choose who shall have it.")]})
    ticket = lock_ticket(ticket_id)
    before_id = ticket.assignee_id
    if to.team_id is not None:
        check_team(to.team_id)
    if to.staff_id is not None:
        check_agent(to.staff_id, actor)
    if (to.staff_id, to.team_id or ticket.team_id) == (before_id, ticket.team_id):
        raise InvalidInput(fields={"to": [_("It is there already.")]})
    at = not_before(ticket, at)
    note_on(ticket, note, actor, at)
    if to.staff_id is None and before_id is not None:
        remember_given_back(ticket, before_id, at)
    hand_ticket(ticket, to=to.staff_id, team_id=to.team_id or ticket.team_id, actor=actor, at=at, reason="transferred")
    return ticket


@transaction.atomic
def return_ticket(*, ticket_id: int, actor: Actor, at: datetime, note: str = "") -> Ticket:
    """Put a ticket back to its team's queue; it is not handed to the same person again for some hours."""
    ticket = lock_ticket(ticket_id)
    if ticket.assignee_id is None:
        return ticket
    at = not_before(ticket, at)
    if note.strip():
        note_on(ticket, note, actor, at)
    remember_given_back(ticket, ticket.assignee_id, at)
    hand_ticket(ticket, to=None, team_id=ticket.team_id, actor=actor, at=at, reason="returned")
    return ticket


@transaction.atomic
def categorise_ticket(
    *, ticket_id: int, category_id: int | None, actor: Actor, at: datetime, version: int | None = None
) -> Ticket:
    """Say what a ticket is about. Raises InvalidInput, StaleEdit when a colleague chose another one meanwhile."""
    ticket = lock_ticket(ticket_id)
    category = Category.objects.filter(pk=category_id, is_active=True).first() if category_id else None
    if category_id and category is None:
        raise InvalidInput(fields={"category": [_("This category is no longer there.")]})
    if ticket.category_id == category_id:
        return ticket
    _check_version(ticket, version, "category", category_id, ticket.category_id)
    ticket.category = category
    return _save_change(ticket, "category", actor, at)


@transaction.atomic
def set_priority(*, ticket_id: int, priority: int, actor: Actor, at: datetime, version: int | None = None) -> Ticket:
    """Set how urgent a ticket is. Raises InvalidInput, StaleEdit."""
    if priority not in Priority.values:
        raise InvalidInput(fields={"priority": [_("This priority does not exist.")]})
    ticket = lock_ticket(ticket_id)
    if ticket.priority == priority:
        return ticket
    _check_version(ticket, version, "priority", priority, ticket.priority)
    ticket.priority = priority
    return _save_change(ticket, "priority", actor, at)


@transaction.atomic
def tag_ticket(
    *, ticket_id: int, tags: Iterable[str], actor: Actor, at: datetime, version: int | None = None
) -> Ticket:
    """Set the tags of a ticket. Raises InvalidInput past twenty, StaleEdit."""
    wanted = sorted({normalise(tag)[:40] for tag in tags if normalise(tag)})
    if len(wanted) > 20:
        raise InvalidInput(fields={"tags": [_("Twenty tags are the most.")]})
    ticket = lock_ticket(ticket_id)
    if ticket.tags == wanted:
        return ticket
    _check_version(ticket, version, "tags", wanted, ticket.tags)
    ticket.tags = wanted
    return _save_change(ticket, "tags", actor, at)


@transaction.atomic
def change_tags(
    *, ticket_id: int, add: Iterable[str] = (), remove: Iterable[str] = (), actor: Actor, at: datetime
) -> Ticket:
    """Add and remove tags; what colleagues do to others at the same moment stays. Raises InvalidInput past twenty."""
    gone = {normalise(tag) for tag in remove}
    tags = {normalise(tag) for tag in (*lock_ticket(ticket_id).tags, *add)}
    return tag_ticket(ticket_id=ticket_id, tags=tags - gone, actor=actor, at=at)


@transaction.atomic
def connect_order(*, ticket_id: int, order_id: int | None, actor: Actor, at: datetime) -> Ticket:
    """Say which order a ticket is about; the caller has checked that the actor may see it."""
    order = Order.objects.filter(pk=order_id).first() if order_id else None
    if order_id and order is None:
        raise InvalidInput(fields={"order": [_("This order is not there.")]})
    ticket = lock_ticket(ticket_id)
    if ticket.order_id == order_id:
        return ticket
    ticket.order = order
    return _save_change(ticket, "order", actor, at)


@transaction.atomic
def mark_spam(*, ticket_id: int, actor: Actor, at: datetime, is_spam: bool = True) -> Ticket:
    """Put a ticket among the spam, or take it out again."""
    ticket = lock_ticket(ticket_id)
    if ticket.is_spam == is_spam:
        return ticket
    at = not_before(ticket, at)
    ticket.is_spam = is_spam
    ticket.version += 1
    touch_clocks(ticket, actor=actor, at=at)
    kind = "ticket.marked_spam" if is_spam else "ticket.unmarked_spam"
    record(kind, subject=ticket, actor=actor, at=at, data=Dimensions(**dimensions(ticket)))
    save_ticket(ticket)
    owe_for_ticket(ticket, at)
    return ticket


def _check_version(ticket: Ticket, version: int | None, name: str, yours: object, theirs: object) -> None:
    """Refuse a choice made on an older page when this very field was changed by others since."""
    if version is None or version >= ticket.version:
        return
    from core.models import Event

    changed = Event.objects.filter(ticket_id=ticket.pk, kind="ticket.changed").order_by("-at", "-id")[:30]
    if any(event.data.get("version", 0) > version and name in event.data.get("fields", ()) for event in changed):
        raise StaleEdit(changes=[{"field": name, "yours": yours, "theirs": theirs}])


def _save_change(ticket: Ticket, name: str, actor: Actor, at: datetime) -> Ticket:
    at = not_before(ticket, at)
    ticket.version += 1
    if name in {"category", "priority"} and follow_rules(ticket, at=at):
        touch_clocks(ticket, actor=actor, at=at)
    data = TicketChanged(**dimensions(ticket), fields=(Code(name),))
    record("ticket.changed", subject=ticket, actor=actor, at=at, data=data)
    save_ticket(ticket)
    return ticket

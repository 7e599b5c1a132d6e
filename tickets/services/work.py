"""Who works on a ticket and what it is about."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from accounts.models import Staff, Team
from accounts.services import notify
from core.actors import Actor
from core.errors import InvalidInput, StaleEdit
from core.events import Code, record
from core.text import normalise
from orders.models import Order
from tickets.enums import Priority
from tickets.errors import AlreadyTaken
from tickets.events import Dimensions, TicketAssigned, TicketChanged
from tickets.models import Category, Ticket
from tickets.permissions import desk_url
from tickets.services.locking import announce_ticket, dimensions, lock_ticket, not_before, save_ticket


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

    Raises InvalidInput for somebody who cannot answer customers or a team that is gone.
    """
    ticket = lock_ticket(ticket_id)
    before_id, before_team = ticket.assignee_id, ticket.team_id
    if assignee_id is not None:
        _check_agent(assignee_id)
    if team_id is not None and not Team.objects.filter(pk=team_id, archived_at__isnull=True).exists():
        raise InvalidInput(fields={"team": [_("This team is no longer there.")]})
    team_id = team_id or before_team
    if (assignee_id, team_id) == (before_id, before_team):
        return ticket
    at = not_before(ticket, at)
    ticket.assignee_id, ticket.team_id = assignee_id, team_id
    ticket.version += 1
    data = TicketAssigned(agent_id=assignee_id, team_id=team_id, before_id=before_id, version=ticket.version)
    record("ticket.assigned", subject=ticket, actor=actor, at=at, reason=reason, data=data)
    save_ticket(ticket)
    announce_ticket(ticket, before_id)
    if assignee_id is not None and assignee_id != before_id and not (actor.is_person and actor.id == assignee_id):
        params = {"ticket_id": ticket.pk, "number": ticket.number}
        notify(staff_id=assignee_id, kind="ticket.assigned", params=params, url=desk_url(ticket.pk), at=at)
    return ticket


@transaction.atomic
def take_ticket(*, ticket_id: int, actor: Actor, at: datetime) -> Ticket:
    """Take an untaken ticket oneself; of two who take it at once one gets it. Raises AlreadyTaken."""
    ticket = lock_ticket(ticket_id)
    if ticket.assignee_id not in {None, actor.id}:
        raise AlreadyTaken(assignee_id=ticket.assignee_id)
    return assign_ticket(ticket_id=ticket_id, assignee_id=actor.id, actor=actor, at=at, reason="taken")


def _check_agent(staff_id: int) -> None:
    staff = Staff.objects.filter(pk=staff_id, is_active=True).first()
    if staff is None or not staff.may(Permission.TICKET_REPLY):
        raise InvalidInput(fields={"assignee": [_("Choose somebody who works here and may answer customers.")]})


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
    kind = "ticket.marked_spam" if is_spam else "ticket.unmarked_spam"
    record(kind, subject=ticket, actor=actor, at=at, data=Dimensions(**dimensions(ticket)))
    save_ticket(ticket)
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
    data = TicketChanged(**dimensions(ticket), fields=(Code(name),))
    record("ticket.changed", subject=ticket, actor=actor, at=at, data=data)
    save_ticket(ticket)
    return ticket

"""The life of a ticket: the only reader of the transition table and the only writer of `status`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.errors import TransitionNotAllowed
from core.events import Code, record
from core.jobs import cancel, schedule
from tickets.enums import TICKET_TRANSITIONS, AuthorType, MessageKind, TicketStatus
from tickets.errors import FieldsMissing
from tickets.events import StatusChanged, TicketReopened, TicketResolved
from tickets.models import Message, Ticket
from tickets.selectors.fields import missing_fields
from tickets.services.locking import dimensions, touch_clocks
from tickets.services.routing.owing import note_moved
from tickets.services.standards import check_work_done
from tickets.services.watching import tell_watchers

DONE = frozenset({TicketStatus.RESOLVED, TicketStatus.CLOSED})
CLOSE_JOB = "tickets.close_resolved"


def move(ticket: Ticket, *, to: str, at: datetime) -> None:
    """Put a locked ticket into another status and keep its times in step. Raises TransitionNotAllowed.

    Time spent waiting for the customer, and time between a resolution and the reopening that undid it, is added to
    `waiting_seconds`.
    """
    if to not in TICKET_TRANSITIONS[ticket.status]:
        raise TransitionNotAllowed(before=ticket.status, after=to)
    paused_at = ticket.waiting_since
    if ticket.status in DONE and to not in DONE:
        paused_at = ticket.resolved_at
        ticket.resolved_at = ticket.closed_at = None
        ticket.reopen_count += 1
    if paused_at is not None:
        ticket.waiting_seconds += int((at - paused_at).total_seconds())
    ticket.waiting_since = at if to == TicketStatus.WAITING_CUSTOMER else None
    if to == TicketStatus.RESOLVED:
        ticket.resolved_at = at
    if to == TicketStatus.CLOSED:
        ticket.closed_at = at
    ticket.status = to


def move_and_record(ticket: Ticket, *, to: str, actor: Actor, at: datetime, reason: str = "") -> None:
    """Move a locked ticket and write down what that means: changed, resolved, reopened or closed."""
    before = ticket.status
    if to == TicketStatus.RESOLVED and actor.is_person:
        check_may_resolve(ticket)
    move(ticket, to=to, at=at)
    touch_clocks(ticket, actor=actor, at=at)
    if to == TicketStatus.RESOLVED:
        _record_resolved(ticket, actor, at, reason)
        tell_watchers(ticket, "resolved", actor=actor, at=at)
    elif before in DONE and to not in DONE:
        cancel(CLOSE_JOB, _close_key(ticket, ticket.reopen_count - 1))
        data = TicketReopened(**dimensions(ticket), before=Code(before), waited=ticket.waiting_seconds)
        record("ticket.reopened", subject=ticket, actor=actor, at=at, reason=reason, data=data)
        tell_watchers(ticket, "reopened", actor=actor, at=at)
    else:
        kind = "ticket.closed" if to == TicketStatus.CLOSED else "ticket.status_changed"
        change = StatusChanged(Code(before), Code(to), ticket.waiting_seconds, ticket.version)
        record(kind, subject=ticket, actor=actor, at=at, reason=reason, data=change)
    note_moved(ticket, before=before, at=at)


def check_may_resolve(ticket: Ticket, category_id: int | None = None) -> None:
    """Refuse to resolve while required fields are empty or work is owed.

    Raises FieldsMissing with fields named field_<id>, StepsLeft, DepartmentsOwe.
    """
    check_work_done(ticket)
    missing = missing_fields(ticket, category_id)
    if missing:
        raise FieldsMissing(fields={f"field_{row.pk}": [_("This is needed before resolving.")] for row in missing})


def _record_resolved(ticket: Ticket, actor: Actor, at: datetime, reason: str) -> None:
    answers = Message.objects.filter(ticket=ticket, kind=MessageKind.PUBLIC, author_type=AuthorType.STAFF)
    counts = answers.aggregate(replies=Count("pk"), agents=Count("author_id", distinct=True, filter=~Q(author_id=None)))
    solver = actor.id if actor.is_person else None
    data = TicketResolved(**dimensions(ticket, agent_id=solver), waited=ticket.waiting_seconds, **counts)
    record("ticket.resolved", subject=ticket, actor=actor, at=at, reason=reason, data=data)
    days = ticket.policy.close_after_days if ticket.policy else 7
    schedule(
        CLOSE_JOB,
        key=_close_key(ticket, ticket.reopen_count),
        due_at=at + timedelta(days=days),
        payload={"ticket_id": ticket.pk, "round": ticket.reopen_count},
    )


def _close_key(ticket: Ticket, round_: int) -> str:
    return f"{ticket.pk}:{round_}"


STANDING = ("status", "resolved_at", "closed_at", "waiting_since", "waiting_seconds", "reopen_count")


def set_aside(ticket: Ticket, *, at: datetime) -> dict[str, Any]:
    """Close a locked ticket because it was joined into another, and return how it stood.

    Not a transition: nothing was solved here, so nobody is asked how it went and no figure counts it.
    """
    before = {name: _plain(getattr(ticket, name)) for name in STANDING}
    ticket.waiting_since = None
    ticket.resolved_at = ticket.resolved_at or at
    ticket.closed_at = ticket.closed_at or at
    ticket.status = TicketStatus.CLOSED
    return before


def bring_back(ticket: Ticket, before: dict[str, Any], *, key: str) -> None:
    """Let a ticket stand as `set_aside` found it; one that was resolved closes by itself again."""
    for name in STANDING:
        value = before[name]
        setattr(ticket, name, parse_datetime(value) if name.endswith(("_at", "_since")) and value else value)
    if ticket.status == TicketStatus.RESOLVED and ticket.resolved_at is not None:
        days = ticket.policy.close_after_days if ticket.policy else 7
        payload = {"ticket_id": ticket.pk, "round": ticket.reopen_count}
        due_at = ticket.resolved_at + timedelta(days=days)
        schedule(CLOSE_JOB, key=f"{_close_key(ticket, ticket.reopen_count)}:{key}", due_at=due_at, payload=payload)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value

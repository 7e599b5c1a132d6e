"""What a bulk change does to one ticket: read the touched field, change it, put it back. Each by the usual service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import Staff, Team
from accounts.permissions import team_scope
from core.actors import Actor
from core.errors import InvalidInput
from core.text import normalise
from tickets.enums import BulkAction, Priority, TicketStatus
from tickets.errors import NothingToUndo
from tickets.models import Category, Ticket
from tickets.services.locking import lock_ticket
from tickets.services.status import change_status, resolve_ticket
from tickets.services.work import assign_ticket, categorise_ticket, change_tags, mark_spam, set_priority, tag_ticket

BY_HAND = (TicketStatus.OPEN, TicketStatus.WAITING_CUSTOMER, TicketStatus.WAITING_DEPARTMENT)
DONE = (TicketStatus.RESOLVED, TicketStatus.CLOSED)
UNDONE = "undone"


@dataclass(frozen=True)
class Act:
    """How one action reads, changes and restores a ticket."""

    read: Callable[[Ticket], dict[str, Any]]
    do: Callable[[int, dict[str, Any], Actor, datetime], object]
    restore: Callable[[int, dict[str, Any], Actor, datetime], object]


def _owner(ticket: Ticket) -> dict[str, Any]:
    return {"assignee": ticket.assignee_id, "team": ticket.team_id}


def _status(ticket: Ticket) -> dict[str, Any]:
    return {"status": ticket.status, "reopened": ticket.reopen_count}


def _take(pk: int, _value: dict[str, Any], actor: Actor, at: datetime) -> object:
    return assign_ticket(ticket_id=pk, assignee_id=actor.id, actor=actor, at=at)


def _assign(pk: int, value: dict[str, Any], actor: Actor, at: datetime) -> object:
    return assign_ticket(ticket_id=pk, assignee_id=value["assignee"], actor=actor, at=at)


def _give_team(pk: int, value: dict[str, Any], actor: Actor, at: datetime) -> object:
    ticket = lock_ticket(pk)
    keeps = ticket.team_id == value["team"]
    assignee = ticket.assignee_id if keeps else None
    return assign_ticket(ticket_id=pk, assignee_id=assignee, team_id=value["team"], actor=actor, at=at)


def _give_back(pk: int, before: dict[str, Any], actor: Actor, at: datetime) -> object:
    ticket = assign_ticket(
        ticket_id=pk, assignee_id=before["assignee"], team_id=before["team"], actor=actor, at=at, reason=UNDONE
    )
    if ticket.team_id != before["team"]:  # a ticket that had no team cannot be taken out of one
        raise NothingToUndo(code="changed_since")
    return ticket


def _set_status(pk: int, value: dict[str, Any], actor: Actor, at: datetime) -> object:
    return change_status(ticket_id=pk, status=value["status"], actor=actor, at=at)


def _resolve(pk: int, _value: dict[str, Any], actor: Actor, at: datetime) -> object:
    return resolve_ticket(ticket_id=pk, actor=actor, at=at)


def _restore_status(pk: int, before: dict[str, Any], actor: Actor, at: datetime) -> object:
    """Lead the ticket back over the ways there are; nothing becomes new again, so open stands for it."""
    wanted = TicketStatus.OPEN if before["status"] == TicketStatus.NEW else before["status"]
    ticket = lock_ticket(pk)
    if ticket.status in DONE and wanted not in {*DONE, TicketStatus.OPEN}:
        change_status(ticket_id=pk, status=TicketStatus.OPEN, actor=actor, at=at, reason=UNDONE)
    elif wanted == TicketStatus.CLOSED and ticket.status != TicketStatus.RESOLVED:
        change_status(ticket_id=pk, status=TicketStatus.RESOLVED, actor=actor, at=at, reason=UNDONE)
    return change_status(ticket_id=pk, status=wanted, actor=actor, at=at, reason=UNDONE)


def _prioritise(pk: int, value: dict[str, Any], actor: Actor, at: datetime) -> object:
    return set_priority(ticket_id=pk, priority=value["priority"], actor=actor, at=at)


def _categorise(pk: int, value: dict[str, Any], actor: Actor, at: datetime) -> object:
    return categorise_ticket(ticket_id=pk, category_id=value["category"], actor=actor, at=at)


def _add_tags(pk: int, value: dict[str, Any], actor: Actor, at: datetime) -> object:
    return change_tags(ticket_id=pk, add=value["tags"], actor=actor, at=at)


def _remove_tags(pk: int, value: dict[str, Any], actor: Actor, at: datetime) -> object:
    return change_tags(ticket_id=pk, remove=value["tags"], actor=actor, at=at)


def _restore_tags(pk: int, before: dict[str, Any], actor: Actor, at: datetime) -> object:
    return tag_ticket(ticket_id=pk, tags=before["tags"], actor=actor, at=at)


def _spam(pk: int, _value: dict[str, Any], actor: Actor, at: datetime) -> object:
    return mark_spam(ticket_id=pk, is_spam=True, actor=actor, at=at)


def _restore_spam(pk: int, before: dict[str, Any], actor: Actor, at: datetime) -> object:
    return mark_spam(ticket_id=pk, is_spam=before["spam"], actor=actor, at=at)


def _tags(ticket: Ticket) -> dict[str, Any]:
    return {"tags": ticket.tags}


ACTIONS: dict[str, Act] = {
    BulkAction.TAKE: Act(_owner, _take, _give_back),
    BulkAction.ASSIGN: Act(_owner, _assign, _give_back),
    BulkAction.TEAM: Act(_owner, _give_team, _give_back),
    BulkAction.STATUS: Act(_status, _set_status, _restore_status),
    BulkAction.RESOLVE: Act(_status, _resolve, _restore_status),
    BulkAction.PRIORITY: Act(lambda ticket: {"priority": ticket.priority}, _prioritise, _prioritise),
    BulkAction.CATEGORY: Act(lambda ticket: {"category": ticket.category_id}, _categorise, _categorise),
    BulkAction.ADD_TAGS: Act(_tags, _add_tags, _restore_tags),
    BulkAction.REMOVE_TAGS: Act(_tags, _remove_tags, _restore_tags),
    BulkAction.SPAM: Act(lambda ticket: {"spam": ticket.is_spam}, _spam, _restore_spam),
}


def check_value(action: str, value: dict[str, Any], staff: Staff) -> dict[str, Any]:
    """Return the action's argument with nothing else in it. Raises InvalidInput for one that is not there."""
    match action:
        case BulkAction.ASSIGN:
            wanted = value.get("assignee")
            known = wanted is None or Staff.objects.filter(pk=wanted, is_active=True).exists()
            return _given(known, "assignee", wanted)
        case BulkAction.TEAM:
            scope, team = team_scope(staff), value.get("team")
            in_reach = scope is None or team in scope
            known = in_reach and Team.objects.filter(pk=team or 0, archived_at__isnull=True).exists()
            return _given(known, "team", team)
        case BulkAction.STATUS:
            return _given(value.get("status") in BY_HAND, "status", value.get("status"))
        case BulkAction.PRIORITY:
            return _given(value.get("priority") in Priority.values, "priority", value.get("priority"))
        case BulkAction.CATEGORY:
            known = Category.objects.filter(pk=value.get("category") or 0, is_active=True).exists()
            return _given(known, "category", value.get("category"))
        case BulkAction.ADD_TAGS | BulkAction.REMOVE_TAGS:
            tags = sorted({normalise(str(tag))[:40] for tag in value.get("tags") or () if normalise(str(tag))})
            return _given(0 < len(tags) <= 20, "tags", tags)
    return {}


def _given(is_known: bool, name: str, value: Any) -> dict[str, Any]:
    if not is_known:
        words = _("Choose what to change first.")
        raise InvalidInput(words, fields={name: [words]})
    return {name: value}

"""Connect tickets that have to do with each other, without making them one."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.services import notify
from core.actors import Actor
from core.errors import InvalidInput, NotFound
from core.events import Code, record
from tickets.enums import LinkKind
from tickets.errors import TicketMerged
from tickets.events import TicketsLinked
from tickets.models import Ticket, TicketLink
from tickets.permissions import desk_url
from tickets.services.locking import lock_tickets, not_before, save_ticket

OPPOSITE = {LinkKind.PARENT.value: LinkKind.CHILD.value, LinkKind.CHILD.value: LinkKind.PARENT.value}
BY_HAND = frozenset({LinkKind.RELATED, LinkKind.DUPLICATE, LinkKind.PARENT, LinkKind.CHILD})
MOST = 50


@transaction.atomic
def link_tickets(*, ticket_id: int, other_id: int, kind: str, actor: Actor, at: datetime) -> TicketLink:
    """Connect two tickets; a second link of the pair replaces the first, the same one again is nothing to do.

    `kind` reads from `ticket_id`: "parent" makes it the whole of which the other is a part. Raises NotFound,
    InvalidInput, TicketMerged.
    """
    if kind not in BY_HAND or ticket_id == other_id:
        raise InvalidInput(fields={"kind": [_("These two cannot be linked like that.")]})
    ticket, other = _lock_pair(ticket_id, other_id)
    if TicketLink.objects.filter(ticket_id__in=[ticket_id, other_id]).count() >= MOST:
        raise InvalidInput(fields={"other": [_("There are too many links already.")]})
    low, high, stored = _stored(ticket_id, other_id, kind)
    link = TicketLink.objects.filter(ticket_id=low, other_id=high).first()
    if link is not None and link.kind in {stored, LinkKind.SPLIT}:
        return link
    values = {"kind": stored, "linked_at": at, "linked_by_id": actor.id if actor.is_person else None}
    link, _is_new = TicketLink.objects.update_or_create(ticket_id=low, other_id=high, defaults=values)
    _record(ticket, other, "ticket.linked", kind, actor, at)
    if kind == LinkKind.DUPLICATE:
        _tell(ticket, other, actor, at)
    return link


@transaction.atomic
def unlink_tickets(*, ticket_id: int, other_id: int, actor: Actor, at: datetime) -> bool:
    """Take a connection away; return whether there was one. What was split off stays connected."""
    ticket, other = _lock_pair(ticket_id, other_id)
    low, high = sorted((ticket_id, other_id))
    link = TicketLink.objects.filter(ticket_id=low, other_id=high).exclude(kind=LinkKind.SPLIT).first()
    if link is None:
        return False
    kind = link.kind if low == ticket_id else OPPOSITE.get(link.kind, link.kind)
    link.delete()
    _record(ticket, other, "ticket.unlinked", kind, actor, at)
    return True


def _lock_pair(ticket_id: int, other_id: int) -> tuple[Ticket, Ticket]:
    locked = lock_tickets([ticket_id, other_id])
    if len(locked) != 2:
        raise NotFound
    for ticket in locked.values():
        if ticket.merged_into_id is not None:
            raise TicketMerged(into_id=ticket.merged_into_id)
    return locked[ticket_id], locked[other_id]


def _stored(ticket_id: int, other_id: int, kind: str) -> tuple[int, int, str]:
    if ticket_id < other_id:
        return ticket_id, other_id, kind
    return other_id, ticket_id, OPPOSITE.get(kind, kind)


def _record(ticket: Ticket, other: Ticket, event: str, kind: str, actor: Actor, at: datetime) -> None:
    for one, two, read in ((ticket, other, kind), (other, ticket, OPPOSITE.get(kind, kind))):
        one.version += 1
        data = TicketsLinked(two.pk, Code(str(read)), one.version)
        record(event, subject=one, actor=actor, at=not_before(one, at), data=data)
        save_ticket(one)


def _tell(ticket: Ticket, other: Ticket, actor: Actor, at: datetime) -> None:
    """Tell both agents of a duplicate, so that it is answered once."""
    me = actor.id if actor.is_person else None
    for one, two in ((ticket, other), (other, ticket)):
        if one.assignee_id is not None and one.assignee_id != me:
            params = {"ticket_id": one.pk, "number": one.number, "other": two.number}
            notify(staff_id=one.assignee_id, kind="ticket.duplicate", params=params, url=desk_url(one.pk), at=at)

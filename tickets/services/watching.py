"""Who watches a ticket without working on it: told in the notification centre when something happens there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Notification, Staff
from accounts.services import notify
from core.actors import Actor
from core.errors import InvalidInput, NotFound
from core.live import announce
from tickets.models import Ticket
from tickets.permissions import desk_url, tickets_visible_to

KIND = "ticket.watched"
MOST = 50
_WATCH = (
    "UPDATE tickets_ticket SET watchers = array_append(array_remove(coalesce(watchers, '{}'), %s), %s) WHERE id = %s"
    " AND (cardinality(coalesce(watchers, '{}')) < %s OR %s = ANY(watchers))"
)
_STOP = "UPDATE tickets_ticket SET watchers = nullif(array_remove(watchers, %s), '{}') WHERE id = %s"
_STOP_ALL = (
    "UPDATE tickets_ticket SET watchers = nullif(array_remove(watchers, %s), '{}')"
    " WHERE watchers @> ARRAY[%s]::bigint[]"
)


@transaction.atomic
def watch_ticket(*, ticket_id: int, staff_id: int) -> None:
    """Have a person told what happens in a ticket; watching twice is watching. Raises NotFound, InvalidInput past MOST.

    One statement, so that of two people at the same moment both watch. After commit: the open ticket looks again.
    """
    with connection.cursor() as cursor:
        cursor.execute(_WATCH, [staff_id, staff_id, ticket_id, MOST, staff_id])
        if cursor.rowcount == 0:
            if not Ticket.objects.filter(pk=ticket_id).exists():
                raise NotFound
            raise InvalidInput(_("Fifty people watch this ticket already."))
    _look_again(ticket_id, staff_id)


@transaction.atomic
def stop_watching(*, ticket_id: int, staff_id: int) -> None:
    """Leave a person in peace about a ticket from now on."""
    with connection.cursor() as cursor:
        cursor.execute(_STOP, [staff_id, ticket_id])
    _look_again(ticket_id, staff_id)


@transaction.atomic
def stop_watching_all(*, staff_id: int) -> int:
    """Take somebody who left off every ticket; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(_STOP_ALL, [staff_id, staff_id])
        return cursor.rowcount


def bring_watchers(*, into_id: int, watchers: Iterable[int] | None) -> None:
    """Let those who watched a ticket that was joined into another watch that one."""
    for staff_id in watchers or ():
        with connection.cursor() as cursor:
            cursor.execute(_WATCH, [staff_id, staff_id, into_id, MOST, staff_id])


def tell_watchers(ticket: Ticket, what: str, *, actor: Actor, at: datetime) -> None:
    """Tell those who watch a locked ticket what happened (a code); nothing to read for a ticket nobody watches.

    Not told: whoever did it, the ticket's agent (who is told anyway), who may not see the ticket any more, and who has
    an unread entry about the same ticket.
    """
    doer = actor.id if actor.is_person else None
    for staff_id in ticket.watchers or ():
        if staff_id in {doer, ticket.assignee_id}:
            continue
        url = desk_url(ticket.pk)
        if Notification.objects.filter(staff_id=staff_id, kind=KIND, url=url, read_at__isnull=True).exists():
            continue
        staff = Staff.objects.filter(pk=staff_id, is_active=True).first()
        if staff is not None and tickets_visible_to(staff).filter(pk=ticket.pk).exists():
            params = {"ticket_id": ticket.pk, "number": ticket.number, "what": what}
            notify(staff_id=staff_id, kind=KIND, params=params, url=url, at=at)


def _look_again(ticket_id: int, staff_id: int) -> None:
    announce(f"ticket.{ticket_id}", "ticket", ticket_id, 0)
    announce(f"staff.{staff_id}", "ticket", ticket_id, 0)

"""Take a ticket's row before writing to it, save it once, and tell the pages that show it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from core.actors import Actor
from core.errors import NotFound
from core.kept import Kept
from core.live import announce
from tickets.errors import TicketMerged
from tickets.models import Ticket
from tickets.slots import TICKET, one_ticket

MUTABLE = (
    "order", "category", "team", "assignee", "status", "priority", "subject", "preview", "tags", "is_spam",
    "merged_into", "policy", "order_given", "contact_enc", "first_response_due_at", "first_response_at",
    "next_response_due_at", "resolution_due_at", "next_due_at", "warn_at", "resolved_at", "closed_at", "waiting_since",
    "waiting_seconds", "customer_turn_at", "last_message_at", "last_message_by", "last_seq", "last_public_seq",
    "reopen_count", "version",
)  # fmt: skip
BESIDE = ("customer", "category", "policy", "shop", "order")
_locking = Kept(one_ticket)


def lock_ticket(ticket_id: int, *, merged_too: bool = False) -> Ticket:
    """Lock and return a ticket with customer, category, policy, shop and order.

    Raises NotFound, and TicketMerged for one that was joined into another: it is not written to any more.
    """
    found = _locking.instances("", lambda: _locked().filter(pk=TICKET.sample), ticket=ticket_id)
    if not found:
        raise NotFound
    ticket = _in_step(found[0])
    if ticket.merged_into_id is not None and not merged_too:
        raise TicketMerged(into_id=ticket.merged_into_id)
    return ticket


def lock_tickets(ids: Iterable[int]) -> dict[int, Ticket]:
    """Lock several tickets, joined ones too, in the one order that cannot deadlock, and return them by id."""
    return {ticket.pk: _in_step(ticket) for ticket in _locked().filter(pk__in=set(ids)).order_by("pk")}


def _locked() -> QuerySet[Ticket]:
    return Ticket.objects.select_for_update(no_key=True, of=("self",)).select_related(*BESIDE)


def _in_step(ticket: Ticket) -> Ticket:
    """Forget the rows beside a ticket that are not those it names: they are read anew when asked for.

    Whoever waits for a lock gets the ticket as it is then, but beside it what stood there when she began to wait.
    """
    for name in BESIDE:
        row = ticket._state.fields_cache.get(name)
        if (row.pk if row else None) != getattr(ticket, f"{name}_id"):
            ticket._state.fields_cache.pop(name, None)
    return ticket


def lock_canonical(ticket_id: int) -> Ticket:
    """Lock the ticket a joined one points to; messages go there.

    The lock on a joined ticket is let go (with its savepoint) before the other is taken: a merge locks the two by
    their ids, and whoever held one while waiting for the other could meet it halfway.
    """
    wanted = ticket_id
    for _step in range(8):
        try:
            with transaction.atomic():
                return lock_ticket(wanted)
        except TicketMerged as merged:
            wanted = merged.context["into_id"]
    raise NotFound


def not_before(ticket: Ticket, at: datetime) -> datetime:
    """Return `at`, or the ticket's newest time when that is later.

    `at` was read before the lock was given: whoever waited longer in the queue must not stand before what is there.
    """
    known = (ticket.opened_at, ticket.last_message_at, ticket.waiting_since, ticket.resolved_at, ticket.closed_at)
    return max(at, *(moment for moment in known if moment is not None))


def touch_clocks(ticket: Ticket, *, actor: Actor, at: datetime) -> None:
    """Say that something clocks care about has changed: `save_ticket` brings them into step, once."""
    ticket.__dict__["_touched"] = (actor, at)


def save_ticket(ticket: Ticket) -> None:
    """Bring the clocks into step, write the locked row and announce its new version after commit."""
    touched = ticket.__dict__.pop("_touched", None)
    if touched is not None:
        from tickets.services.clocks import follow  # clocks write events with this module's dimensions

        follow(ticket, actor=touched[0], at=touched[1])
    ticket.save(update_fields=MUTABLE)
    announce_ticket(ticket)


def announce_ticket(ticket: Ticket, *also_staff: int | None) -> None:
    """After commit, have lists, the open ticket and its people's pages look again."""
    groups = ["tickets", f"ticket.{ticket.pk}"]
    groups += [f"staff.{pk}" for pk in {ticket.assignee_id, *also_staff} if pk is not None]
    for group in groups:
        announce(group, "ticket", ticket.pk, ticket.version)


def dimensions(ticket: Ticket, *, agent_id: int | None = None) -> dict[str, Any]:
    """Return where a fact about this ticket is counted now: the fields of events.Dimensions."""
    category = ticket.category
    return {
        "channel": ticket.channel,
        "priority": ticket.priority,
        "category": category.key if category else None,
        "stage": category.stage if category else None,
        "is_complaint": bool(category and category.is_complaint),
        "tier": ticket.customer.tier if ticket.customer else None,
        "team_id": ticket.team_id,
        "agent_id": agent_id if agent_id is not None else ticket.assignee_id,
        "version": ticket.version,
    }

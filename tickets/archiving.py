"""Everything said, as lines of JSON: for leaving us, or for another reader. `import_tickets` reads it too.

A line is a ticket with all its messages, notes marked as not public, files by name and key. People stand in a file of
their own. Streamed: no more than a batch is in memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import batched
from typing import Any

from accounts.models import Staff
from core.snapshot import one_snapshot
from customers.enums import IdentityKind
from customers.models import Customer, Identity
from tickets.enums import AuthorType, MessageKind, Priority, TicketStatus
from tickets.models import FormerAgent, Message, Ticket

BATCH = 200
STATUSES = {
    TicketStatus.NEW: "new", TicketStatus.OPEN: "open", TicketStatus.WAITING_CUSTOMER: "pending",
    TicketStatus.WAITING_DEPARTMENT: "hold", TicketStatus.RESOLVED: "solved", TicketStatus.CLOSED: "closed",
}  # fmt: skip
PRIORITIES = {Priority.LOW: "low", Priority.NORMAL: "normal", Priority.HIGH: "high", Priority.URGENT: "urgent"}


def ticket_lines() -> Iterator[str]:
    """Yield every ticket that is no spam as a line of JSON, oldest first."""
    with one_snapshot():
        rows = Ticket.objects.filter(is_spam=False).select_related("order", "category", "team").order_by("pk")
        for batch in batched(rows.iterator(chunk_size=BATCH), BATCH):
            messages = _messages(batch)
            for ticket in batch:
                yield _line(_ticket(ticket, messages.get(ticket.pk, [])))


def user_lines() -> Iterator[str]:
    """Yield every customer, colleague and former colleague as a line of JSON; erased people have no name left."""
    with one_snapshot():
        for batch in batched(Customer.objects.order_by("pk").iterator(chunk_size=BATCH), BATCH):
            contacts = _contacts(batch)
            for customer in batch:
                yield _line(_customer(customer, contacts.get(customer.pk, [])))
        for staff in Staff.objects.order_by("pk").iterator(chunk_size=BATCH):
            told = {"id": f"s{staff.pk}", "name": staff.display_name, "email": staff.email, "role": "agent"}
            yield _line(told | {"active": staff.is_active})
        for agent in FormerAgent.objects.order_by("pk").iterator(chunk_size=BATCH):
            yield _line({"id": f"s{-agent.pk}", "name": agent.name, "role": "agent", "active": False})


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _messages(tickets: Iterable[Ticket]) -> dict[int, list[Message]]:
    found: dict[int, list[Message]] = {}
    rows = Message.objects.filter(ticket__in=list(tickets), moved_to__isnull=True).prefetch_related("attachments")
    for message in rows.order_by("ticket_id", "seq"):
        found.setdefault(message.ticket_id, []).append(message)
    return found


def _ticket(ticket: Ticket, messages: list[Message]) -> dict[str, Any]:
    times = [ticket.opened_at, ticket.closed_at, ticket.resolved_at, ticket.last_message_at]
    return {
        "id": ticket.pk,
        "number": ticket.number,
        "subject": ticket.subject,
        "status": STATUSES.get(TicketStatus(ticket.status), "open"),
        "priority": PRIORITIES.get(Priority(ticket.priority), "normal"),
        "via": {"channel": ticket.channel},
        "tags": ticket.tags,
        "created_at": _time(ticket.opened_at),
        "updated_at": _time(max(time for time in times if time is not None)),
        "solved_at": _time(ticket.resolved_at),
        "requester_id": f"c{ticket.customer_id}" if ticket.customer_id else None,
        "assignee_id": f"s{ticket.assignee_id}" if ticket.assignee_id else None,
        "group": ticket.team.name if ticket.team else None,
        "category": ticket.category.key if ticket.category else None,
        "order_number": ticket.order.number if ticket.order else ticket.order_given or None,
        "merged_into_id": ticket.merged_into_id,
        "comments": [_comment(message, ticket) for message in messages],
    }


def _comment(message: Message, ticket: Ticket) -> dict[str, Any]:
    author = None
    if message.author_type == AuthorType.STAFF and message.author_id:
        author = f"s{message.author_id}"
    elif message.author_type == AuthorType.CUSTOMER and ticket.customer_id:
        author = f"c{ticket.customer_id}"
    return {
        "id": message.pk,
        "author_id": author,
        "public": message.kind != MessageKind.NOTE,
        "automatic": message.kind == MessageKind.AUTO,
        "created_at": _time(message.at),
        "plain_body": message.text,
        "html_body": message.html or None,
        "attachments": [
            {"file_name": file.name, "content_type": file.mime, "size": file.size, "key": file.key}
            for file in message.attachments.all()
        ],
    }


def _contacts(customers: Iterable[Customer]) -> dict[int, list[Identity]]:
    found: dict[int, list[Identity]] = {}
    for identity in Identity.objects.filter(customer__in=list(customers)).order_by("-is_primary", "pk"):
        found.setdefault(identity.customer_id, []).append(identity)
    return found


def _customer(customer: Customer, contacts: list[Identity]) -> dict[str, Any]:
    def first(kind: str) -> str | None:
        return next((one.value for one in contacts if one.kind == kind), None)

    return {
        "id": f"c{customer.pk}",
        "name": customer.name,
        "role": "end-user",
        "email": first(IdentityKind.EMAIL),
        "phone": first(IdentityKind.PHONE),
        "identities": [{"type": one.kind, "value": one.value} for one in contacts],
        "tags": customer.tags,
        "tier": customer.tier,
        "notes": customer.note,
        "same_as": f"c{customer.merged_into_id}" if customer.merged_into_id else None,
    }


def _time(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None

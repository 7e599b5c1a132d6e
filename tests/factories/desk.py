"""Tickets with conversations for tests of the desk; written straight to the database."""

import itertools
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Staff, Team
from customers.models import Customer
from orders.models import Order, Shop
from tickets.models import CannedReply, Category, Message, Ticket

_number = itertools.count(1)


def make_shop(**fields: Any) -> Shop:
    """Make a shop."""
    n = next(_number)
    return Shop.objects.create(**{"code": f"shop-{n}", "name": f"青禾家居 {n}", **fields})


def make_person(name: str = "", **fields: Any) -> Customer:
    """Make a customer."""
    return Customer.objects.create(name=name or f"顾客{next(_number)}", **fields)


def make_desk_order(*, shop: Shop | None = None, customer: Customer | None = None, **fields: Any) -> Order:
    """Make an order of a customer."""
    n = next(_number)
    values = {"number": f"QH2026{n:06d}", "placed_at": timezone.now() - timedelta(days=3), "total": "199.00", **fields}
    return Order.objects.create(shop=shop or make_shop(), customer=customer or make_person(), **values)


def make_category(**fields: Any) -> Category:
    """Make a category."""
    n = next(_number)
    return Category.objects.create(**{"key": f"kind-{n}", "name_zh": f"物流 {n}", "name_en": f"Delivery {n}", **fields})


def make_desk_ticket(
    *,
    text: str = "包裹三天没有更新了，麻烦帮我查一下。",
    customer: Customer | None = None,
    assignee: Staff | None = None,
    team: Team | None = None,
    opened_at: datetime | None = None,
    **fields: Any,
) -> Ticket:
    """Make a ticket with the customer's first message."""
    at = opened_at or timezone.now() - timedelta(minutes=10)
    values: dict[str, Any] = {
        "channel": "form",
        "subject": "物流一直没有更新",
        "preview": text[:160],
        "opened_at": at,
        "first_response_due_at": at + timedelta(hours=2),
        "resolution_due_at": at + timedelta(hours=48),
        "last_message_at": at,
        "last_message_by": "customer",
        "last_seq": 1,
        "last_public_seq": 1,
        "customer_turn_at": at,
    }
    values.update(fields)
    if "next_due_at" not in values and values.get("status", "new") in {"new", "open", "waiting_department"}:
        first = None if values.get("first_response_at") else values["first_response_due_at"]
        values["next_due_at"] = due_at = min(filter(None, [first, values["resolution_due_at"]]), default=None)
        values["warn_at"] = due_at - max((due_at - at) * 0.25, timedelta(minutes=30)) if due_at else None
    ticket = Ticket.objects.create(customer=customer or make_person(), assignee=assignee, team=team, **values)
    Message.objects.create(
        ticket=ticket, seq=1, public_seq=1, kind="public", author_type="customer", author_id=ticket.customer_id,
        channel=ticket.channel, text=text, at=at,
    )  # fmt: skip
    return ticket


def add_message(
    ticket: Ticket, text: str, *, author: Staff | None = None, kind: str = "public", **fields: Any
) -> Message:
    """Append a message by a colleague, or by the customer when `author` is None."""
    ticket.last_seq += 1
    public = kind != "note"
    ticket.last_public_seq += public
    at = fields.pop("at", None) or timezone.now()
    if public:
        ticket.last_message_at, ticket.last_message_by, ticket.preview = (
            at,
            "staff" if author else "customer",
            text[:160],
        )
    ticket.save()
    return Message.objects.create(
        ticket=ticket, seq=ticket.last_seq, public_seq=ticket.last_public_seq if public else None, kind=kind,
        author_type="staff" if author else "customer", author_id=author.pk if author else ticket.customer_id,
        channel=ticket.channel, text=text, at=at, **fields,
    )  # fmt: skip


def make_tickets(count: int, **fields: Any) -> list[Ticket]:
    """Make several tickets, the first one oldest."""
    now = timezone.now()
    return [make_desk_ticket(opened_at=now - timedelta(minutes=count - n), **fields) for n in range(count)]


def make_canned(
    title: str = "物流查询", body: str = "{customer_name}您好，订单 {order_number} 我们马上为您查。", **fields: Any
) -> CannedReply:
    """Make a canned reply for everybody."""
    return CannedReply.objects.create(**{"title": title, "shortcut": f"wl{next(_number)}", "body": body, **fields})


def seqs(messages: Iterable[Message]) -> list[int]:
    """Return the seqs of messages."""
    return [message.seq for message in messages]

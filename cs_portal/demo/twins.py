"""Two customers of the demo whom the shops know twice, so that the page of duplicates has something to show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.actors import SYSTEM
from core.crypto import decrypt
from customers.services import edit_customer, find_duplicates, find_or_add_customer
from customers.services.records import CustomerDraft
from orders.models import Order
from tickets.enums import Channel
from tickets.services import NewTicket, open_ticket, resolve_ticket

QUESTIONS = ("上次买的杯子还能配到同色的盖子吗？", "发票抬头填错了，可以重开吗？")


def tell_twins(orders: Sequence[Order], now: datetime) -> int:
    """Add a second record to two customers, each with a finished question of its own; return the pairs proposed."""
    people: dict[int, Order] = {}
    for order in orders:
        if order.phone_enc and len(order.recipient) > 1:
            people.setdefault(order.customer_id, order)
    for number, order in enumerate(list(people.values())[10:12]):
        digits = decrypt(bytes(order.phone_enc or b""))[-4:]
        at = now - timedelta(days=9 + number)
        twin = find_or_add_customer(
            phone=f"1990000{digits}", email=f"twin{number}@mail.example", name=order.recipient,
            shop_id=order.shop_id, source="form", actor=SYSTEM, at=at,
        )  # fmt: skip
        draft = CustomerDraft(twin.name, "silver", ("老客户",), "换过手机号。")
        edit_customer(customer_id=twin.pk, version=twin.version, draft=draft, actor=SYSTEM, at=at)
        data = NewTicket(
            channel=Channel.FORM, text=QUESTIONS[number], shop_id=order.shop_id, customer_id=twin.pk, acknowledge=False
        )
        ticket = open_ticket(data=data, actor=SYSTEM, at=at)
        resolve_ticket(ticket_id=ticket.pk, actor=SYSTEM, at=at + timedelta(hours=2))
    return find_duplicates(at=now)

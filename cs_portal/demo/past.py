"""The demo's past: six weeks of orders and two of conversations, told through the ordinary services."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from core.actors import SYSTEM, Actor
from cs_portal.demo.people import STAFF, Cast
from cs_portal.demo.words import (
    ARRIVED,
    CASES,
    GIVEN,
    NOT_SENT,
    ON_THE_WAY,
    PRODUCTS,
    QUESTIONS,
    REGIONS,
    SURNAMES,
    Case,
)
from orders.models import Order, OrderItem
from orders.services import ItemData, OrderData, ParcelData, PaymentData, ScanData, add_scans, upsert_order
from tickets import services as tickets
from tickets.models import Category, Ticket

DAYS_OF_ORDERS, DAYS_OF_TICKETS = 42, 14
CARRIERS = {"shunfeng": "SF", "zhongtong": "78", "yuantong": "YT", "jd": "JD"}
"""Who brings the demo's parcels, with how their numbers begin."""


@dataclass(frozen=True)
class Person:
    """A customer of the demo."""

    name: str
    phone: str
    email: str
    region: str
    street: str


def people(dice: random.Random, count: int) -> list[Person]:
    """Return invented customers; their phones lie in ranges nobody uses here."""
    found, taken = [], {name for _email, name, _roles, _label in STAFF}
    for number in range(count):
        region, street = dice.choice(REGIONS)
        while (name := dice.choice(SURNAMES) + dice.choice(GIVEN)) in taken:
            pass
        found.append(
            Person(
                name,
                f"1{dice.choice('3578')}900{number:06d}",
                f"customer{number:03d}@mail.example",
                region,
                street.format(n=dice.randrange(1, 300), b=dice.randrange(1, 20), r=dice.randrange(101, 2800)),
            )
        )
    return found


def order_data(dice: random.Random, shop: str, number: str, person: Person, placed_at: datetime) -> OrderData:
    """Return a fresh, paid order of one or two products."""
    goods = dice.sample([row for row in PRODUCTS if row[0] == shop], dice.choice([1, 1, 2]))
    items = tuple(
        ItemData(title=name, sku=sku, quantity=dice.choice([1, 1, 1, 2]), unit_price=Decimal(price))
        for _shop, sku, name, _category, price, _stock in goods
    )
    total = sum((item.unit_price * item.quantity for item in items), Decimal(0))
    paid_at = placed_at + timedelta(minutes=2)
    return OrderData(
        number=number,
        placed_at=placed_at,
        status="paid",
        total=total,
        paid=total,
        paid_at=paid_at,
        recipient=person.name,
        phone=person.phone,
        email=person.email,
        region=person.region,
        street=person.street,
        items=items,
        payments=(
            PaymentData(
                method=dice.choice(["wechat", "alipay"]), reference=f"P{number}", amount=total, paid_at=paid_at
            ),
        ),
    )


def told_to_its_end(dice: random.Random, data: OrderData, placed_at: datetime, now: datetime) -> OrderData:
    """Let an order go on as far as the present allows: shipped, delivered, completed."""
    assert data.placed_at is not None
    shipped = placed_at + timedelta(hours=dice.randrange(3, 26))
    delivered = shipped + timedelta(hours=dice.randrange(30, 96))
    completed = delivered + timedelta(days=dice.randrange(1, 7))
    if shipped > now:
        return data
    carrier = dice.choice(list(CARRIERS))
    parcel = ParcelData(
        carrier=carrier,
        tracking_number=f"{CARRIERS[carrier]}{dice.randrange(10**11, 10**12)}",
        shipped_at=shipped,
        status="in_transit",
        expected_at=delivered,
    )
    if delivered > now:
        return replace(data, status="shipped", shipped_at=shipped, parcels=(parcel,))
    parcel = replace(parcel, status="delivered", delivered_at=delivered)
    data = replace(data, status="delivered", shipped_at=shipped, delivered_at=delivered, parcels=(parcel,))
    return data if completed > now else replace(data, status="completed", completed_at=completed)


def tell_orders(cast: Cast, crowd: list[Person], count: int, now: datetime, dice: random.Random) -> list[Order]:
    """Tell the shops' orders, the oldest first; a few people buy often."""
    told = []
    for number in range(count):
        age = timedelta(days=DAYS_OF_ORDERS * (1 - number / count), minutes=dice.randrange(600))
        placed_at = min(now - age, now - timedelta(minutes=30))
        person = dice.choice(crowd[:9]) if dice.random() < 0.3 else dice.choice(crowd)
        shop = dice.choices(["sunny", "bedding"], [2, 1])[0]
        data = order_data(dice, shop, f"{placed_at:%y%m%d}{number:05d}", person, placed_at)
        data = told_to_its_end(dice, data, placed_at, now)
        order, _what = upsert_order(
            shop_id=cast.shops[shop].pk, data=data, actor=SYSTEM, at=now, origin="demo", source="demo"
        )
        _tell_scans(order, data, now)
        told.append(order)
    return told


def _tell_scans(order: Order, data: OrderData, now: datetime) -> None:
    parcel = order.parcels.order_by("id").first()
    if parcel is None or not data.shipped_at:
        return
    city = data.region.split()[1] if len(data.region.split()) > 1 else data.region
    steps = [
        (timedelta(0), "103", "picked_up", "【杭州市】快件已揽收", "杭州市"),
        (timedelta(hours=5), "1002", "in_transit", "【杭州转运中心】快件已发出，下一站【" + city + "】", "杭州市"),
        (timedelta(hours=26), "1001", "in_transit", f"【{city}】快件已到达目的地城市", city),
    ]
    if data.delivered_at:
        steps += [
            (data.delivered_at - data.shipped_at - timedelta(hours=3), "5", "out_for_delivery", "派送中", city),
            (data.delivered_at - data.shipped_at, "301", "delivered", "已签收，感谢使用", city),
        ]
    scans = [
        ScanData(at=data.shipped_at + after, code=code, status=status, text=text, place=place)
        for after, code, status, text, place in steps
        if data.shipped_at + after <= now
    ]
    add_scans(parcel_id=parcel.pk, scans=scans, actor=SYSTEM, received_at=now, origin="demo")


class Storyteller:
    """Tells conversations so that the board has a past and the desk a present."""

    def __init__(self, cast: Cast, orders: list[Order], now: datetime, dice: random.Random) -> None:
        self.cast, self.orders, self.now, self.dice = cast, orders, now, dice
        self.asked: set[int] = set()
        self.skus: dict[int, set[str]] = {}
        for order_id, sku in OrderItem.objects.values_list("order_id", "sku"):
            self.skus.setdefault(order_id, set()).add(sku)
        self.categories = {row.key: row.pk for row in Category.objects.all()}
        self.agents = [
            cast.staff[name] for name in ("agent@demo.example", "agent2@demo.example", "agent3@demo.example")
        ]

    def tell_past(self, count: int) -> Iterator[Ticket]:
        """Tell solved conversations of the last two weeks; yields each ticket."""
        for number in range(count):
            age = timedelta(days=DAYS_OF_TICKETS * (1 - number / count))
            opened = self.now - age + timedelta(minutes=self.dice.randrange(-200, 200))
            if opened > self.now - timedelta(hours=8):
                opened = self.now - timedelta(hours=8 + self.dice.randrange(10))
            yield self._tell(CASES[number % len(CASES)], opened)

    def _tell(self, case: Case, opened: datetime) -> Ticket:
        ticket = self.open_case(case, opened)
        agent = Actor.staff(self.dice.choice(self.agents))
        first = opened + timedelta(minutes=min(self.dice.expovariate(1 / 38) + 3, 400))
        at = first
        self._reply(ticket, case.reply, agent, at, "waiting_customer" if case.then else None)
        if case.then:
            at += timedelta(minutes=self.dice.randrange(10, 240))
            tickets.add_customer_message(
                ticket_id=ticket.pk,
                text=case.then,
                channel=ticket.channel,
                actor=Actor.customer(ticket.customer_id or 0),
                at=at,
            )
            at += timedelta(minutes=self.dice.randrange(4, 90))
            self._reply(ticket, case.close or "好的。", agent, at, None)
        at += timedelta(minutes=self.dice.randrange(1, 60))
        tickets.resolve_ticket(ticket_id=ticket.pk, actor=agent, at=min(at, self.now))
        if self.dice.random() < 0.04:
            tickets.add_customer_message(
                ticket_id=ticket.pk,
                text="还是没有解决，麻烦再看一下。",
                channel=ticket.channel,
                actor=Actor.customer(ticket.customer_id or 0),
                at=min(at + timedelta(hours=2), self.now),
            )
        return ticket

    def tell_present(self, count: int) -> None:
        """Tell open conversations: fresh ones nobody took, some in work, a few late."""
        me = Actor.staff(self.cast.staff["agent@demo.example"])
        for number in range(count):
            minutes = [4, 11, 26, 47, 83, 105, 128, 190, 260, 420][number % 10] + number
            opened = self.now - timedelta(minutes=minutes)
            ticket = self.open_case(self._question(number, opened), opened)
            if number % 4 == 1:
                tickets.assign_ticket(
                    ticket_id=ticket.pk, assignee_id=me.id, actor=me, at=opened + timedelta(minutes=1)
                )
            elif number % 4 == 2:
                self._reply(
                    ticket,
                    "您好，我先核实一下情况，半小时内给您答复。",
                    me if number % 8 == 2 else Actor.staff(self.dice.choice(self.agents[1:])),
                    opened + timedelta(minutes=3),
                    None,
                )
                if number % 3 == 0:
                    tickets.add_note(
                        ticket_id=ticket.pk,
                        text="仓库说这一批包装换过供应商，已经让他们抽检。",
                        actor=me,
                        at=opened + timedelta(minutes=3, seconds=30),
                        client_id=None,
                    )

    def open_case(self, case: Case, opened: datetime) -> Ticket:
        """Have the customer of a recent order ask what fits it; each order once while there are others."""
        fitting = self._fitting(case, opened) or self._recent(opened)
        order = self.dice.choice([order for order in fitting if order.pk not in self.asked] or fitting)
        self.asked.add(order.pk)
        category, text = case.category, case.text
        data: dict[str, Any] = {
            "channel": self.dice.choices(["form", "email"], [2, 1])[0],
            "text": text,
            "subject": "",
            "shop_id": order.shop_id,
            "customer_id": order.customer_id,
            "order_id": None if category == "presale" else order.pk,
            "category_id": self.categories.get(category),
        }
        actor = Actor.customer(order.customer_id)
        return tickets.open_ticket(data=tickets.NewTicket(**data), actor=actor, at=opened)

    def _question(self, number: int, opened: datetime) -> Case:
        """Return the next question in turn that an order nobody asked about yet can raise."""
        turn = [QUESTIONS[(number + n) % len(QUESTIONS)] for n in range(len(QUESTIONS))]
        fresh = (case for case in turn if any(o.pk not in self.asked for o in self._fitting(case, opened)))
        return next(fresh, turn[0])

    def _recent(self, at: datetime) -> list[Order]:
        return [order for order in self.orders if order.placed_at <= at][-120:] or self.orders[:1]

    def _fitting(self, case: Case, at: datetime) -> list[Order]:
        return [order for order in self._recent(at) if self._fits(case, order, at)]

    def _fits(self, case: Case, order: Order, at: datetime) -> bool:
        """Whether a case can be about an order as it stood at a moment."""
        if case.sku and not any(sku.startswith(case.sku) for sku in self.skus.get(order.pk, ())):
            return False
        if order.delivered_at is not None and order.delivered_at <= at:
            state = ARRIVED
        else:
            state = ON_THE_WAY if order.shipped_at is not None and order.shipped_at <= at else NOT_SENT
        return case.state in ("", state)

    def _reply(self, ticket: Ticket, text: str, actor: Actor, at: datetime, then: str | None) -> None:
        at = min(at, self.now)
        tickets.reply_to_ticket(ticket_id=ticket.pk, text=text, actor=actor, at=at, client_id=None, then_status=then)

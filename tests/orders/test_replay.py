"""An order at a moment of the past is what its rows were then: by the events alone, whatever came in between."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from core.actors import SYSTEM, Actor
from core.models import Event
from orders.models import Order, Parcel, ParcelException
from orders.selectors.replay import STATE_KINDS, OrderThen, events_until, fold_order
from orders.services import ScanData, add_scans, cancel_order, complete_order
from orders.services.exceptions.judging import judge_parcel
from orders.services.upserting import upsert_order
from orders.views.stream import read_moment, write_moment
from tests.factories.accounts import make_staff
from tests.factories.orders import AT, make_order, order_data, parcel_data
from tests.factories.tickets import make_ticket
from tickets.enums import TICKET_TRANSITIONS
from tickets.models import Ticket
from tickets.services.conversation import add_note
from tickets.services.status import change_status
from tickets.then_words import STATE_KINDS as TICKET_KINDS
from tickets.then_words import fold_tickets

pytestmark = pytest.mark.django_db
SCANS = ("picked_up", "in_transit", "out_for_delivery", "ready_for_pickup", "delivered", "returning", "returned",
         "refused", "problem", "lost")  # fmt: skip


def rows_now(order: Order) -> tuple[OrderThen, dict[int, str]]:
    """Return the state of the rows, as a replay of this moment must tell it."""
    order.refresh_from_db()
    then = OrderThen(
        status=order.status,
        promised_at=order.promised_at,
        parcels=dict(Parcel.objects.filter(order=order).values_list("pk", "status")),
        exceptions=dict(ParcelException.objects.filter(order=order).exclude(state="closed").values_list("pk", "kind")),
    )
    open_ones = Ticket.objects.filter(order=order).exclude(status__in=["resolved", "closed"])
    return then, dict(open_ones.values_list("pk", "status"))


def replayed(order: Order, at: datetime) -> tuple[OrderThen, dict[int, str]]:
    events = list(Event.objects.filter(order_id=order.pk, at__lte=at).order_by("id"))
    return (
        fold_order(event for event in events if event.kind in STATE_KINDS),
        fold_tickets(event for event in events if event.kind in TICKET_KINDS),
    )


class Life:
    """A random life of one order, told through the services, one thing after the other."""

    def __init__(self, seed: int) -> None:
        self.pick = Random(seed)
        self.at = AT - timedelta(days=6)
        self.told = order_data(placed_at=self.at, promised_at=self.at + timedelta(days=4))
        self.order = make_order(at=self.at, **{name: getattr(self.told, name) for name in ("number", "placed_at")},
                                promised_at=self.told.promised_at)  # fmt: skip
        self.staff = Actor.staff(make_staff(roles=["manager"]))
        self.tickets: list[Ticket] = []

    def step(self) -> None:
        self.at += timedelta(minutes=self.pick.randrange(20, 300))
        self.pick.choice([self.pay, self.send, self.scan, self.scan, self.scan, self.promise, self.ask, self.settle,
                          self.finish])()  # fmt: skip

    def tell(self, **fields: Any) -> None:
        data = {"number": self.order.number, "items": (), **fields}
        upsert_order(shop_id=self.order.shop_id, data=order_data(**data), actor=SYSTEM, at=self.at, source="api")

    def pay(self) -> None:
        self.tell(paid_at=self.at)

    def send(self) -> None:
        if self.order.parcels.count() < 3:
            self.tell(parcels=(parcel_data(),))

    def scan(self) -> None:
        if parcels := list(self.order.parcels.order_by("pk")):
            parcel = self.pick.choice(parcels)
            told = ScanData(self.at, self.pick.choice(SCANS), "1002", f"站 {self.at}", "上海市")
            add_scans(parcel_id=parcel.pk, scans=[told], actor=SYSTEM, received_at=self.at)
            judge_parcel(parcel_id=parcel.pk, at=self.at)

    def promise(self) -> None:
        self.tell(promised_at=self.at + timedelta(days=self.pick.randrange(1, 6)))

    def ask(self) -> None:
        self.tickets.append(
            make_ticket(customer=self.order.customer, shop_id=self.order.shop_id, order_id=self.order.pk, at=self.at)
        )

    def settle(self) -> None:
        if self.tickets:
            ticket = self.pick.choice(self.tickets)
            ticket.refresh_from_db()
            if steps := sorted(TICKET_TRANSITIONS[ticket.status]):
                to = self.pick.choice(steps)
                change_status(ticket_id=ticket.pk, status=to, actor=self.staff, at=self.at)

    def finish(self) -> None:
        self.order.refresh_from_db()
        if self.order.status == "delivered":
            complete_order(order_id=self.order.pk, actor=self.staff, at=self.at)
        elif self.order.status in {"placed", "paid"} and self.pick.random() < 0.1:
            cancel_order(order_id=self.order.pk, actor=self.staff, at=self.at, reason="by_staff")


@pytest.mark.parametrize("seed", range(6))
def test_the_state_replayed_at_each_moment_is_what_the_rows_were_then(seed: int) -> None:
    life = Life(seed)
    taken = [(life.at, rows_now(life.order))]
    for _ in range(25):
        life.step()
        taken.append((life.at, rows_now(life.order)))
    for at, snapshot in taken:
        assert replayed(life.order, at) == snapshot, at
    assert replayed(life.order, taken[0][0] - timedelta(days=1))[0] == OrderThen()


def test_news_that_came_late_stands_at_its_own_moment() -> None:
    order = make_order(parcels=(parcel_data(),))
    parcel = order.parcels.get()
    add_scans(
        parcel_id=parcel.pk, actor=SYSTEM, received_at=AT,
        scans=[ScanData(AT - timedelta(hours=20), "picked_up", "103", "已揽收", "杭州市")],
    )  # fmt: skip
    assert replayed(order, AT - timedelta(hours=21))[0].parcels.get(parcel.pk, "created") == "created"
    assert replayed(order, AT - timedelta(hours=19))[0].parcels == {parcel.pk: "picked_up"}


def test_the_page_shows_the_past_as_the_past(client: Any) -> None:
    order = make_order(paid_at=AT - timedelta(days=4), parcels=(parcel_data(shipped_at=AT - timedelta(days=2)),))
    client.force_login(make_staff(roles=["manager"]))
    url = f"/desk/orders/{order.pk}/"
    then = client.get(url, {"at": write_moment(AT - timedelta(days=3))})
    html = then.content.decode()
    assert 'class="story-then"' in html
    told = " ".join(fact.html for fact in then.context["stream"]["then"]["facts"])
    assert "已付款" in told or "Paid" in told
    assert html.count("story-item") < client.get(url).content.decode().count("story-item")
    seen, at = [], then.context["stream"]["then"]
    while at["steps"][2]["url"]:
        seen.append(at["at"])
        at = client.get(at["steps"][2]["url"]).context["stream"]["then"]
    moments = Event.objects.filter(order_id=order.pk, at__gt=seen[0]).values_list("at", flat=True)
    assert [*seen[1:], at["at"]] == sorted(set(moments))
    assert 'class="story-then"' not in client.get(at["now_url"]).content.decode()


def test_a_moment_nobody_can_read_is_said_so_and_nothing_is_lost(client: Any) -> None:
    order = make_order()
    client.force_login(make_staff())
    for asked in ("gestern", "2026-13-01", "9999-01-01T00:00", "0001-01-01"):
        page = client.get(f"/desk/orders/{order.pk}/", {"at": asked, "story": "order"})
        assert page.status_code == 200
        assert page.context["stream"]["is_bad_moment"]
        assert asked in page.content.decode()
        assert page.context["stream"]["part"] == "order"


def test_a_moment_without_a_zone_is_the_readers() -> None:
    assert read_moment("2026-11-20T12:00") == datetime.fromisoformat("2026-11-20T12:00+08:00")
    at = AT.replace(microsecond=5)
    assert read_moment(write_moment(at)) == at


def test_a_reader_without_the_ticket_is_not_told_that_one_was_open() -> None:
    order = make_order()
    ticket = make_ticket(customer=order.customer, shop_id=order.shop_id, order_id=order.pk, at=AT)
    add_note(ticket_id=ticket.pk, text="x", actor=Actor.staff(make_staff()), at=AT)
    stranger, manager = make_staff(teams=[]), make_staff(roles=["manager"])
    late = AT + timedelta(days=30)
    assert fold_tickets(e for e in events_until(order, manager, late) if e.kind in TICKET_KINDS) == {ticket.pk: "new"}
    assert [e for e in events_until(order, stranger, late) if e.kind in TICKET_KINDS] == []

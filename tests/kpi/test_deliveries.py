"""On time equals a recount of orders, parcels and promises, whatever is told late."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.actors import SYSTEM
from core.events import Code, record
from core.folds import FOLDS, rebuild
from kpi.models import Fact
from kpi.services import advance_folds
from notifications.events import DeliveryMoved
from notifications.models import Delivery
from orders.models import DeliveryPromise, Order, Parcel
from orders.services import ScanData, add_scans
from orders.services.promising.passing import pass_due
from tests.factories.accounts import make_staff
from tests.factories.orders import make_order, make_parcel
from tests.kpi.test_folds import assert_rollups_agree

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


def scan(parcel: Parcel, status: str, at: datetime) -> None:
    row = ScanData(at=at, status=status, text=status, code="")
    add_scans(parcel_id=parcel.pk, scans=[row], actor=SYSTEM, received_at=timezone.now())


def counted() -> dict[tuple[str, str], tuple[int, datetime]]:
    rows = Fact.objects.filter(metric__in=["on_time_rate", "parcel_on_time_rate"])
    return {(one.metric, one.fact_key): (int(one.numerator), one.at) for one in rows}


def recount() -> dict[tuple[str, str], tuple[int, datetime]]:
    """Count orders, parcels and promises' own rows."""
    found: dict[tuple[str, str], tuple[int, datetime]] = {}
    promises = {row.order_id: row for row in DeliveryPromise.objects.all()}
    for order in Order.objects.filter(is_history=False):
        promise = promises.get(order.pk)
        if promise is None:
            continue
        things = [("on_time_rate", f"order:{order.pk}", order.delivered_at)]
        parcels = order.parcels.exclude(status="created")
        things += [("parcel_on_time_rate", f"parcel:{one.pk}", one.delivered_at) for one in parcels]
        for metric, key, arrived in things:
            if arrived is not None and arrived <= promise.counted_at:
                found[metric, key] = (1, arrived)
            elif arrived is not None or promise.passed_at is not None:
                found[metric, key] = (0, promise.counted_at)
    return found


def test_on_time_equals_a_recount_and_a_late_telling_takes_the_passing_back(client: Client) -> None:
    now = timezone.now().replace(microsecond=0)
    dice = random.Random(98)
    late: list[tuple[Parcel, datetime]] = []
    for index in range(14):
        promised = now - dice.randrange(1, 5) * DAY if index % 5 else now + 2 * DAY
        order = make_order(placed_at=now - 8 * DAY, promised_at=promised, at=now - 8 * DAY)
        for _number in range(dice.randrange(1, 3)):
            parcel = make_parcel(order)
            scan(parcel, "in_transit", now - 7 * DAY)
            arrived = now - dice.randrange(1, 6) * DAY
            if index % 3 == 0:
                scan(parcel, "delivered", arrived)
            elif index % 3 == 1:
                late.append((parcel, promised - DAY if promised < now else now - DAY))
    make_order(placed_at=now - 8 * DAY, promised_at=now - DAY, at=now, origin="import")
    advance_folds(at=now)
    while pass_due(at=now):
        pass
    advance_folds(at=now)
    first = counted()
    assert first == recount()
    assert {value for value, _at in first.values()} == {0, 1}
    for parcel, told_at in late:
        scan(parcel, "delivered", told_at)
    advance_folds(at=now)
    second = counted()
    assert second == recount()
    assert any(first.get(key) == (0, first[key][1]) and second[key][0] == 1 for key in first), "taken back"
    assert_rollups_agree()
    facts = set(Fact.objects.values_list("metric", "fact_key", "numerator", "day"))
    rebuild(FOLDS["deliveries"], now)
    assert set(Fact.objects.values_list("metric", "fact_key", "numerator", "day")) == facts
    client.force_login(make_staff(roles=["manager"]))
    page = client.get(reverse("kpi:rows", args=["on_time_rate"]), {"span": "month", "day": now.date().isoformat()})
    assert page.status_code == 200
    assert page.context["card"]["n"] == len(page.context["rows"]) > 0


def test_a_confirmation_reached_when_one_channel_took_it_and_nothing_came_back(client: Client) -> None:
    now = timezone.now().replace(microsecond=0)
    orders = [make_order(placed_at=now - DAY, at=now - DAY) for _number in range(4)]
    make_order(placed_at=now - DAY, at=now, origin="import")
    both, returned, never, other = orders
    tell(both, 1, "failed")
    tell(both, 2, "sent")
    tell(returned, 3, "sent")
    tell(never, 4, "failed")
    tell(other, 5, "sent", template="order.shipped")
    advance_folds(at=now)
    assert reached() == {both.pk: 1, returned.pk: 1, never.pk: 0, other.pk: 0}
    tell(returned, 3, "failed")  # the receipt comes late
    tell(both, 2, "delivered")
    advance_folds(at=now)
    assert reached() == {both.pk: 1, returned.pk: 0, never.pk: 0, other.pk: 0}
    assert_rollups_agree()
    client.force_login(make_staff(roles=["manager"]))
    page = client.get(
        reverse("kpi:rows", args=["confirmation_reach"]), {"span": "month", "day": now.date().isoformat()}
    )
    assert page.status_code == 200
    assert len(page.context["rows"]) == 4


def tell(order: Order, number: int, state: str, *, template: str = "order.confirmation") -> None:
    message = Delivery(pk=number, shop_id=order.shop_id, customer_id=order.customer_id, order_id=order.pk)
    data = DeliveryMoved(Code("sms"), Code(template), Code("notice"), 1)
    with transaction.atomic():
        record(f"delivery.{state}", subject=message, actor=SYSTEM, at=timezone.now(), data=data)


def reached() -> dict[int | None, int]:
    rows = Fact.objects.filter(metric="confirmation_reach")
    return {one.order_id: int(one.numerator) for one in rows}

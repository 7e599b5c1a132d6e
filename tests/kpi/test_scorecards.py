"""The carriers' scorecard equals a recount of the parcels' own rows, and every number opens as many."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from kpi.models import CarrierMonth
from kpi.scorecards.counting import count_month
from kpi.scorecards.rating import grade_of, points_of
from kpi.scorecards.rows import parcels_behind
from orders.gazetteer import region_of
from orders.models import ArrivalEstimate, Carrier, DeliveryPromise, Order, Parcel, ParcelException
from tests.factories.accounts import make_staff, make_team
from tests.factories.orders import make_order, make_parcel, make_shop
from tests.factories.tickets import make_ticket
from tickets.models import Category, Ticket
from tickets.palette import commands

pytestmark = pytest.mark.django_db
MONTH = date(2026, 10, 1)
START = datetime(2026, 10, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
AT = datetime(2026, 11, 20, tzinfo=UTC)


def fill(dice: random.Random, count: int) -> None:
    """Make a month of parcels with whatever may become of them, and some outside of it."""
    shop = make_shop(ships_from="浙江省杭州市")
    category = Category.objects.get(key="complaint-delivery")
    for _number in range(count):
        shipped = START + dice.randrange(-90, 800) * HOUR
        region = dice.choice(["广东省深圳市南山区", "北京市朝阳区", "某处"])
        order = make_order(shop=shop, placed_at=shipped - 5 * HOUR, at=shipped - 5 * HOUR, region=region)
        due = shipped + dice.randrange(30, 100) * HOUR
        DeliveryPromise.objects.filter(order=order).update(
            counted_at=due,
            promised_at=due,
            base_at=due,
            first_at=due,
            passed_at=dice.choice([None, due]),
            looked_at=due,
        )
        for _parcel in range(dice.randrange(1, 3)):
            status = dice.choice(["delivered", "delivered", "delivered", "in_transit", "lost", "returned"])
            came = shipped + dice.randrange(20, 120) * HOUR if status == "delivered" else None
            parcel = make_parcel(
                order, carrier=dice.choice(["shunfeng", "zhongtong"]), status=status, shipped_at=shipped,
                delivered_at=came,
            )  # fmt: skip
            for kind in dice.sample(["stalled", "damaged", "lost", "returned"], dice.choice([0, 0, 0, 1, 2])):
                ParcelException.objects.create(
                    parcel=parcel, order=order, shop=shop, carrier_id=parcel.carrier_id, kind=kind, since=shipped,
                    parcel_version=1, opened_at=shipped, due_at=shipped,
                )  # fmt: skip
            if came and dice.random() < 0.7:
                expected = came + dice.randrange(-20, 20) * HOUR
                ArrivalEstimate.objects.create(
                    parcel=parcel, carrier_id=parcel.carrier_id, status="in_transit", level=0, made_at=shipped,
                    expected_at=expected, low_at=expected - 8 * HOUR, high_at=expected + 8 * HOUR, arrived_at=came,
                )  # fmt: skip
        if dice.random() < 0.2:
            ticket = make_ticket()
            Ticket.objects.filter(pk=ticket.pk).update(category=category, order=order, opened_at=shipped + HOUR)
    Order.objects.filter(pk__in=Order.objects.order_by("pk").values("pk")[:3]).update(is_history=True)


def recount(carrier_id: int, lane: str = "", region: str = "") -> dict[str, Any]:
    """Count one carrier's month parcel by parcel."""
    counts: Counter[str] = Counter()
    hours: list[float] = []
    late: list[float] = []
    rows = Parcel.objects.filter(carrier_id=carrier_id, order__is_history=False).select_related("order__shop")
    for parcel in rows:
        order = parcel.order
        assert parcel.shipped_at is not None
        local = parcel.shipped_at + 8 * HOUR  # Shanghai
        to, origin = region_of(order.region).province, region_of(order.shop.ships_from).province
        if (local.year, local.month) != (2026, 10) or (region and to != region):
            continue
        if lane and (not to or f"{origin}→{to}" != lane):
            continue
        promise = DeliveryPromise.objects.get(order=order)
        kinds = set(ParcelException.objects.filter(parcel=parcel).values_list("kind", flat=True))
        first = min(order.parcels.values_list("pk", flat=True)) == parcel.pk
        came = parcel.delivered_at
        counts["parcels"] += 1
        counts["judged"] += came is not None or promise.passed_at is not None
        counts["on_time"] += came is not None and came <= promise.counted_at
        counts["delivered"] += came is not None
        counts["lost"] += parcel.status == "lost" or "lost" in kinds
        counts["stalled"] += "stalled" in kinds
        counts["damaged"] += "damaged" in kinds
        counts["returned"] += parcel.status == "returned" or "returned" in kinds
        counts["complaints"] += (
            first and Ticket.objects.filter(order=order, category__key="complaint-delivery").exists()
        )
        if came:
            hours.append((came - parcel.shipped_at) / HOUR)
        if estimate := ArrivalEstimate.objects.filter(parcel=parcel).first():
            assert came is not None
            counts["estimates"] += 1
            counts["inside"] += estimate.low_at <= came <= estimate.high_at
            late.append((came - estimate.expected_at) / HOUR)
    return {**counts, "p50": median(hours), "bias": sum(late) / len(late) if late else None}


def test_the_scorecard_equals_a_recount_and_its_numbers_open_as_many_rows() -> None:
    fill(random.Random(12), 50)
    assert count_month(month=MONTH, at=AT) == count_month(month=MONTH, at=AT) > 4
    rows = list(CarrierMonth.objects.all())
    assert {bool(row.lane) + 2 * bool(row.region) for row in rows} == {0, 1, 2}
    for row in rows:
        told = recount(row.carrier_id, row.lane, row.region) if not row.region else None
        told = told or recount(row.carrier_id, region=row.region)
        for name in ("parcels", "judged", "on_time", "delivered", "stalled", "lost", "damaged", "returned",
                     "complaints", "estimates", "inside"):  # fmt: skip
            assert getattr(row, name) == told.get(name, 0), (row, name)
            behind = parcels_behind(MONTH, row.carrier_id, name, lane=row.lane, region=row.region)
            assert len(behind) == getattr(row, name), (row, name)
        if row.transit_p50 is not None:
            assert row.transit_p50 == pytest.approx(told["p50"])
        if row.bias is not None:
            assert row.bias == pytest.approx(told["bias"])


def test_the_rating_is_a_sum_anybody_can_do_again() -> None:
    row = CarrierMonth(parcels=200, judged=100, on_time=96, lost=1, damaged=0, complaints=2, stalled=4)
    assert points_of(row) == pytest.approx(100 - 2 * 2 - 5 - 5 - 2)
    assert [grade_of(points) for points in (None, 100.0, 90.0, 89.9, 80.0, 65.0, 64.9)] == [
        "", "A", "A", "B", "B", "C", "D"
    ]  # fmt: skip
    row.judged = 19
    assert points_of(row) is None


def test_carriers_are_named_in_the_readers_language(client: Client) -> None:
    fill(random.Random(3), 30)
    count_month(month=MONTH, at=AT)
    for language, column in (("en", "name_en"), ("zh-hans", "name")):
        client.force_login(make_staff(roles=["manager"]))
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
        lines = client.get(reverse("kpi:carriers"), {"month": "2026-10"}).context["lines"]
        assert {line["name"] for line in lines} <= set(Carrier.objects.values_list(column, flat=True))
        assert lines


def test_the_pages_open_each_other_and_the_export_holds_the_month(client: Client) -> None:
    fill(random.Random(3), 30)
    count_month(month=MONTH, at=AT)
    boss = make_staff(roles=["manager"])
    client.force_login(boss)
    here = reverse("kpi:carriers")
    page = client.get(here, {"month": "2026-10"})
    lines = page.context["lines"]
    assert page.status_code == 200
    assert sum(line["row"].parcels for line in lines) > 0
    inner = client.get(lines[0]["open_url"])
    assert inner.context["by"] == "lane"
    assert inner.context["lines"]
    rows = client.get(lines[0]["parcels_url"])
    assert len(rows.context["rows"]) == lines[0]["row"].parcels
    assert client.get(reverse("kpi:carrier_rows"), {"what": "x", "carrier": "1"}).status_code == 404
    export = client.get(reverse("kpi:carrier_export"), {"month": "2026-10"})
    assert export.status_code == 200
    assert export.content[:2] == b"PK"
    assert client.get(here, {"month": "2020-01"}).context["lines"] == []
    assert f'href="{here}"' in client.get(reverse("kpi:board")).text
    assert here in {entry.url for entry in commands(boss, "scorecard")}
    one_shop = make_staff(roles=["supervisor"], teams=[make_team(shop_ids=[make_shop().pk])])
    client.force_login(one_shop)
    assert client.get(here).status_code == 403
    assert f'href="{here}"' not in client.get(reverse("kpi:board")).text  # nothing leads there that does not open
    assert here not in {entry.url for entry in commands(one_shop, "scorecard")}


def test_nobody_without_the_board_sees_it(client: Client) -> None:
    client.force_login(make_staff(roles=["agent"]))
    for name in ("kpi:carriers", "kpi:carrier_rows", "kpi:carrier_export"):
        assert client.get(reverse(name)).status_code == 403

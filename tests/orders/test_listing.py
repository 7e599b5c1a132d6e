"""The order list: filters by recount, standard views and their counts, pages, order, columns, faults said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ListFilter
from accounts.selectors import get_preference
from orders.forms.listing import OrderListForm
from orders.models import Order, Parcel
from orders.permissions import orders_visible_to
from orders.selectors.carriers import carrier_ids
from orders.selectors.listing import SORTS, STANDARD, arrange_orders, count_standard, cursor_of, narrow_orders
from tests.factories.accounts import make_staff, make_team
from tests.factories.exceptions import make_exception
from tests.factories.orders import make_order, make_parcel, make_shop

pytestmark = pytest.mark.django_db
URL = "/desk/orders/"


@pytest.fixture
def world() -> list[Order]:
    """Two shops with orders of every status, some late, at risk, silent, partly sent, with exceptions."""
    now = timezone.now()
    statuses = ("placed", "paid", "packed", "shipped", "delivered", "completed", "cancelled")
    made = []
    for n in range(42):
        order = make_order(shop=None if n % 3 else make_shop(f"s{n}") if n < 6 else Order.objects.latest("pk").shop)
        status = statuses[n % 7]
        moment = now - timedelta(days=1)
        dated = {f"{status}_at": moment} if status != "placed" else {}
        Order.objects.filter(pk=order.pk).update(
            status=status,
            placed_at=now - timedelta(hours=n // 2),  # pairs of the same moment
            promised_at=None if n % 5 == 0 else now + timedelta(hours=(n % 9 - 4) * 3),
            total=Decimal(n * 10),
            region="浙江省杭州市" if n % 2 else "上海市",
            source=("api", "hook", "import")[n % 3],
            is_partly_sent=n % 4 == 0,
            **dated,
        )
        parcel = make_parcel(order, carrier="shunfeng" if n % 2 else "zhongtong", status="in_transit")
        Parcel.objects.filter(pk=parcel.pk).update(
            late_level=n % 3,
            quiet_at=now - timedelta(hours=1) if n % 6 == 1 else None,
            estimated_status="in_transit",
        )
        if n % 8 == 2:
            make_exception(parcel, kind="lost" if n % 16 == 2 else "stalled")
        order.refresh_from_db()
        made.append(order)
    return made


OPEN = {"placed", "paid", "packed", "shipped"}
Fits = Callable[[Order, datetime], bool]
RECOUNT: dict[str, Fits] = {
    "view=late": lambda o, now: o.status in OPEN and o.promised_at is not None and o.promised_at < now,
    "view=at_risk": lambda o, now: o.status in OPEN and o.promised_at is not None and o.promised_at >= now
    and any(p.late_level for p in o.parcels.all()),
    "view=no_movement": lambda o, now: any(p.quiet_at and p.quiet_at <= now for p in o.parcels.all()),
    "view=partly_sent": lambda o, now: o.status in OPEN and o.is_partly_sent,
    "view=to_complete": lambda o, now: o.status == "delivered",
    "status=packed": lambda o, now: o.status == "packed",
    "region=浙江": lambda o, now: o.region.startswith("浙江"),
    "source=hook": lambda o, now: o.source == "hook",
    "min=100&max=200.00": lambda o, now: 100 <= o.total <= 200,
    "exception=any": lambda o, now: o.exceptions.exists(),
    "exception=lost": lambda o, now: o.exceptions.filter(kind="lost").exists(),
    "exception=any&status=packed&view=late": lambda o, now: RECOUNT["exception=any"](o, now)
    and o.status == "packed" and RECOUNT["view=late"](o, now),
}  # fmt: skip


def test_each_filter_finds_what_a_recount_finds(world: list[Order], client: Any) -> None:
    client.force_login(make_staff())
    for asked, fits in RECOUNT.items():
        now = timezone.now()
        wanted = {order.pk for order in world if fits(order, now)}
        shown = client.get(f"{URL}?{asked}").context["orders"]
        assert {row["order"].pk for row in shown} == wanted, asked
        assert wanted, asked


def test_carrier_shop_and_days(world: list[Order], client: Any) -> None:
    client.force_login(make_staff())

    def found(**asked: Any) -> set[int]:
        return {row["order"].pk for row in client.get(f"{URL}?{urlencode(asked)}").context["orders"]}

    carrier = carrier_ids()["zhongtong"]
    assert found(carrier=carrier) == {o.pk for o in world if o.parcels.filter(carrier_id=carrier).exists()}
    shop = world[0].shop_id
    assert found(shop=shop) == {o.pk for o in world if o.shop_id == shop}
    zone = timezone.get_fixed_timezone(480)
    day = world[10].placed_at.astimezone(zone).date()
    assert found(**{"from": day, "to": day}) == {o.pk for o in world if o.placed_at.astimezone(zone).date() == day}


def test_counts_are_those_of_the_views_and_only_of_what_one_sees(world: list[Order], client: Any) -> None:
    now = timezone.now()
    staff = make_staff()
    counted = count_standard(staff, now)
    assert counted == {key: sum(RECOUNT[f"view={key}"](order, now) for order in world) for key in STANDARD}
    other = make_staff(teams=[make_team(shop_ids=[make_shop("x").pk])])
    assert count_standard(other, now) == dict.fromkeys(STANDARD, 0)
    assert count_standard(make_staff(teams=[]), now) == dict.fromkeys(STANDARD, 0)
    client.force_login(staff)
    html = client.get(f"{URL}counts/?shop={world[0].shop_id}").content.decode()
    assert f'<span class="tab-count num">{counted["late"]}</span>' in html
    assert f"shop={world[0].shop_id}&amp;view=late" in html


def test_pages_of_every_order_hold_each_row_once(world: list[Order]) -> None:
    for sort in SORTS:
        _walk(sort, world)


def _walk(sort: str, world: list[Order]) -> None:
    rows = narrow_orders(orders_visible_to(make_staff()), {"sort": sort}, timezone.now())
    whole = list(arrange_orders(rows, sort))
    found, after = [], ""
    while page := list(arrange_orders(rows, sort, after)[:5]):
        found += page
        after = cursor_of(page[-1], sort)
    assert found == whole
    assert len(set(found)) == len(found)
    if sort == "promised":
        assert {order.pk for order in whole} == {o.pk for o in world if o.status in OPEN and o.promised_at}
    else:
        assert len(whole) == len(world)


def test_what_cannot_be_read_is_said_and_nothing_else_is_lost(world: list[Order], client: Any) -> None:
    client.force_login(make_staff())
    page = client.get(f"{URL}?status=packed&min=viel&from=2026-13-01&carrier=abc&to=2026-01-01")
    assert page.status_code == 200
    assert {row["order"].status for row in page.context["orders"]} <= {"packed"}
    html = page.content.decode()
    assert len(page.context["form"].faults) == 3
    for typed in ("viel", "2026-13-01", "abc"):
        assert typed in html
    assert 'value="viel"' in html
    backwards = client.get(f"{URL}?min=50&max=10&q=&from=2026-02-02&to=2026-02-01").context["form"]
    assert [fault["typed"] for fault in backwards.faults] == ["2026-02-01", "10"]


def test_queries_do_not_grow_with_rows(client: Any) -> None:
    client.force_login(make_staff())
    counts = []
    for more in (1, 49):
        for _ in range(more):
            make_parcel(make_order())
        client.get(URL)
        with CaptureQueriesContext(connection) as seen:
            client.get(URL)
        counts.append(len(seen))
    assert counts[0] == counts[1]
    assert counts[0] <= 12


def test_columns_are_remembered_for_oneself(client: Any) -> None:
    make_order()
    staff = make_staff()
    client.force_login(staff)
    answer = client.post(f"{URL}columns/", {"column": ["total", "source", "nonsense"], "status": "packed"})
    assert answer.status_code == 302
    assert answer["Location"] == f"{URL}?status=packed"
    assert get_preference(staff.pk, "orders.columns") == ["source", "total"]
    html = client.get(URL).content.decode()
    assert "浙江省杭州市" not in html.split("<tbody>")[1]
    assert get_preference(make_staff().pk, "orders.columns") is None
    assert client.get(f"{URL}columns/").status_code == 405


def test_a_shop_one_does_not_see_cannot_be_asked_for() -> None:
    own, other = make_shop(), make_shop()
    form = OrderListForm({"shop": str(other.pk)}, staff=make_staff(teams=[make_team(shop_ids=[own.pk])]))
    assert "shop" not in form.wanted
    assert len(form.faults) == 1


def test_the_export_follows_the_filters(world: list[Order], client: Any) -> None:
    client.force_login(make_staff(roles=["manager"]))
    assert "view=late" in client.get(f"{URL}?view=late").context["export_url"]
    from tests.orders.test_exporting import sheet

    rows = sheet(client.get(f"{URL}export/?view=late&sort=oldest"))
    now = timezone.now()
    late = [o for o in sorted(world, key=lambda o: (o.placed_at, o.pk)) if RECOUNT["view=late"](o, now)]
    assert [row[0] for row in rows[1:]] == [order.number for order in late]


def test_filters_are_kept_for_oneself_and_for_a_team_and_thrown_away(client: Any) -> None:
    shop = make_shop()
    team, other = make_team(shop_ids=[shop.pk]), make_team(shop_ids=[shop.pk])
    lead, colleague = make_staff(roles=["agent_lead"], teams=[team]), make_staff(teams=[team])
    client.force_login(lead)
    told = {"view": "late", "q": "13912345678", "min": "100"}
    assert client.post(f"{URL}filters/", {**told, "filter_name": "  超时  大单 "}).status_code == 302
    assert client.post(f"{URL}filters/", {"view": "at_risk", "filter_name": "组", "team": team.pk}).status_code == 302
    own, shared = ListFilter.objects.order_by("pk")
    assert (own.name, own.conditions, own.team_id) == ("超时 大单", {"view": "late", "min": "100"}, None)
    assert client.post(f"{URL}filters/", {**told, "filter_name": "x", "team": other.pk}).status_code == 403
    page = client.get(f"{URL}?view=late&min=100")
    assert [(one["filter"].pk, one["is_on"]) for one in page.context["kept_filters"]] == [
        (one.pk, one.pk == own.pk) for one in sorted((own, shared), key=lambda one: one.name)
    ]
    client.force_login(colleague)
    assert [one["filter"].pk for one in client.get(URL).context["kept_filters"]] == [shared.pk]
    assert client.post(f"{URL}filters/{own.pk}/delete/").status_code == 404
    assert client.post(f"{URL}filters/{shared.pk}/delete/").status_code == 403
    assert client.post(f"{URL}filters/", {**told, "filter_name": "x", "team": team.pk}).status_code == 403
    client.force_login(lead)
    for one in (own, shared):
        assert client.post(f"{URL}filters/{one.pk}/delete/").status_code == 302
    assert not ListFilter.objects.exists()


def test_a_filter_that_cannot_be_kept_says_why_and_loses_nothing(client: Any) -> None:
    client.force_login(make_staff())
    assert client.post(f"{URL}filters/", {"view": "late", "filter_name": "A"}).status_code == 302
    for told in ({"view": "late", "filter_name": "a"}, {"filter_name": "b", "q": "1391"}, {"view": "late"}):
        answer = client.post(f"{URL}filters/", told)
        assert answer.status_code == 422
        html = answer.content.decode()
        assert "alert-bad" in html
        assert told.get("filter_name", "") in html
        assert answer.context["kept"].get("view", "") == told.get("view", "")
    assert ListFilter.objects.count() == 1


def test_the_database_refuses_a_name_twice() -> None:
    staff = make_staff()
    told = {"list_key": "orders", "owner": staff, "conditions": {"view": "late"}, "created_at": timezone.now()}
    ListFilter.objects.create(name="Late", **told)
    with pytest.raises(IntegrityError, match="list_filter_own_name"), transaction.atomic():
        ListFilter.objects.create(name="late", **told)
    ListFilter.objects.create(name="late", **told | {"list_key": "other"})

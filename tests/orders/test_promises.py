"""Promised delivery: the arithmetic, which rule applies, what a changed rule does, and what stays as first promised."""

import threading
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from accounts.enums import Permission
from core.actors import SYSTEM
from core.calendar import BusinessCalendar, DayKind, DayRule, Name, Window
from core.calendar.selectors import calendar_value
from core.errors import InvalidInput, StaleEdit
from core.jobs import drain
from core.models import Event, Job
from orders.estimate_events import DelayExpected
from orders.models import DeliveryPromise, Order, PromiseRun
from orders.promise_enums import PromiseSource
from orders.promise_words import lines_of
from orders.services import upsert_order
from orders.services.promising import repricing
from orders.services.promising.counting import NeverReached, Terms, add_days, count_promise
from orders.services.promising.keeping import expect_delay
from orders.services.promising.passing import pass_due
from orders.services.promising.repricing import reprice_part
from orders.services.promising.ruling import (
    RuleDraft,
    move_promise_rule,
    preview_promise_rule,
    save_promise_rule,
)
from tests.factories.accounts import make_staff
from tests.factories.calendars import make_calendar
from tests.factories.orders import AT, make_order, make_product, make_shop, order_data, parcel_data
from tests.factories.promises import make_rule

CN = ZoneInfo("Asia/Shanghai")
OFFICE = (Window(540, 1080),)
WEEK = (OFFICE,) * 5 + ((), ())
NATIONAL = tuple(
    [(date(2026, 10, day), DayRule(DayKind.HOLIDAY, (), Name("国庆节", "National Day"))) for day in range(1, 8)]
    + [(date(2026, 10, 10), DayRule(DayKind.MAKEUP, (), Name("调休"), 4))]
)
CALENDAR = BusinessCalendar("Asia/Shanghai", WEEK, tuple(sorted(NATIONAL, key=lambda item: item[0])), "班次")


def terms(**fields):
    told = {
        "zone": CN, "calendar": CALENDAR, "cut_off": time(16), "dispatch_days": 1, "is_dispatch_working": True,
        "transit_days": 3, "is_transit_working": False,
    }  # fmt: skip
    return Terms(**{**told, **fields})


def cn(month, day, hour=10):
    return datetime(2026, month, day, hour, tzinfo=CN)


@pytest.mark.parametrize(
    ("placed", "fields", "promised"),
    [
        (cn(11, 2), {}, date(2026, 11, 6)),  # Monday: dispatched Tuesday, three days on the way
        (cn(11, 2, 16), {}, date(2026, 11, 7)),  # at the cut-off it is the next day's
        (cn(11, 6, 17), {}, date(2026, 11, 13)),  # Friday evening: begun Monday, dispatched Tuesday
        (cn(11, 6), {"is_transit_working": True}, date(2026, 11, 12)),
        (cn(9, 30), {}, date(2026, 10, 11)),  # over the National Day holidays
        (cn(10, 9, 17), {"transit_days": 1}, date(2026, 10, 13)),  # Saturday the 10th is a make-up day and begins it
        (cn(11, 2, 23), {"cut_off": None, "dispatch_days": 0}, date(2026, 11, 5)),
    ],
)
def test_promised_day(placed, fields, promised):
    counted = count_promise(terms(**fields), placed)
    assert counted.at == datetime.combine(promised, time(23, 59, 59), CN)


moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
anything = st.builds(
    terms,
    cut_off=st.sampled_from([None, time(0), time(12), time(16, 30), time(23, 59)]),
    dispatch_days=st.integers(0, 10),
    is_dispatch_working=st.booleans(),
    transit_days=st.integers(0, 20),
    is_transit_working=st.booleans(),
)


@given(anything, moments, moments)
def test_who_orders_later_is_never_promised_an_earlier_day(told, one, two):
    early, late = sorted((one, two))
    assert count_promise(told, early).at <= count_promise(told, late).at


@given(anything, moments)
def test_a_promise_is_never_before_its_days_and_working_days_end_on_one(told, placed):
    counted = count_promise(told, placed)
    day = counted.at.astimezone(CN).date()
    assert (day - placed.astimezone(CN).date()).days >= told.dispatch_days + told.transit_days
    if told.is_transit_working and told.transit_days:
        assert CALENDAR.rule_on(day).windows


@given(moments, st.integers(0, 15), st.integers(0, 15))
def test_working_days_add_up(placed, one, two):
    day = placed.date()
    middle, _skipped = add_days(CALENDAR, day, one, is_working=True)
    assert add_days(CALENDAR, middle, two, is_working=True)[0] == add_days(CALENDAR, day, one + two, is_working=True)[0]


def test_a_calendar_without_working_days_is_never_reached():
    never = BusinessCalendar("Asia/Shanghai", ((),) * 7)
    with pytest.raises(NeverReached):
        count_promise(terms(calendar=never), cn(11, 2))


pytestmark_db = pytest.mark.django_db


def promise_of(order):
    return DeliveryPromise.objects.get(order=order)


@pytestmark_db
def test_without_rules_the_shops_days_and_its_own_date_first():
    shop = make_shop(promise_days=4)
    usual, told = make_order(shop=shop), make_order(shop=shop, promised_at=AT + timedelta(days=9))
    assert promise_of(usual).source == PromiseSource.SHOP
    assert usual.promised_at == usual.placed_at + timedelta(days=4)
    assert (promise_of(told).source, told.promised_at) == (PromiseSource.TOLD, AT + timedelta(days=9))


@pytestmark_db
def test_history_is_promised_nothing_but_what_its_shop_told():
    old = make_order(origin="import")
    told = make_order(origin="import", promised_at=AT)
    assert (old.promised_at, told.promised_at) == (None, AT)
    assert not DeliveryPromise.objects.exists()


@pytestmark_db
@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ({}, True),
        ({"regions": ["浙江"]}, True), ({"regions": ["浙江/杭州"]}, True), ({"regions": ["浙江/宁波", "新疆"]}, False),
        ({"categories": ["杯子"]}, True), ({"categories": ["家具"]}, False),
        ({"skus": ["CUP-500-W"]}, True), ({"skus": ["OTHER"]}, False),
        ({"valid_from": date(2026, 11, 15), "valid_until": date(2026, 11, 15)}, True),
        ({"valid_from": date(2026, 11, 16)}, False), ({"valid_until": date(2026, 11, 14)}, False),
        ({"carrier_ids": "mine"}, True), ({"carrier_ids": [10**9]}, False), ({"shop_ids": [10**9]}, False),
        ({"shop_ids": "mine"}, True),
    ],
)  # fmt: skip
def test_every_condition_has_to_hold(conditions, holds):
    shop = make_shop()
    make_product(shop, "CUP-500-W", category="杯子")
    from orders.selectors import carrier_ids

    if conditions.get("carrier_ids") == "mine":
        conditions = {"carrier_ids": [carrier_ids()["shunfeng"]]}
    if conditions.get("shop_ids") == "mine":
        conditions = {"shop_ids": [shop.pk]}
    rule = make_rule(**conditions)
    order = make_order(shop=shop, parcels=(parcel_data(),))
    promise = promise_of(order)
    assert (promise.rule == rule) is holds
    assert (promise.source == PromiseSource.RULE) is holds


@pytestmark_db
def test_the_first_rule_that_fits_applies_and_says_why():
    calendar = make_calendar()
    make_rule(name="新疆", regions=["新疆"], transit_days=9)
    rule = make_rule(
        name="江浙沪", regions=["浙江", "上海"], cut_off=time(10), dispatch_days=1, is_dispatch_working=True,
        transit_days=2, calendar_id=calendar.pk,
    )  # fmt: skip
    make_rule(name="其余", transit_days=5)
    order = make_order(placed_at=datetime(2026, 11, 13, 11, tzinfo=CN))  # Friday after the cut-off
    promise = promise_of(order)
    assert (promise.rule, promise.rule_version) == (rule, 1)
    assert order.promised_at == promise.first_at == promise.counted_at
    assert order.promised_at == datetime(2026, 11, 19, 23, 59, 59, tzinfo=CN)
    codes = [step["code"] for step in promise.steps]
    assert codes == ["placed", "after_cut_off", "first_working_day", "dispatch", "transit"]
    assert len(lines_of(promise)) == 7
    placed = Event.objects.get(kind="order.placed", subject_id=order.pk)
    assert datetime.fromisoformat(placed.data["promised_at"]) == order.promised_at


@pytestmark_db
def test_public_holidays_and_make_up_days_of_the_calendar_count():
    calendar = make_calendar(holidays_country="CN")
    value = calendar_value(calendar)
    assert not value.rule_on(date(2026, 10, 1)).windows
    make_rule(dispatch_days=1, is_dispatch_working=True, transit_days=0, calendar_id=calendar.pk)
    order = make_order(placed_at=datetime(2026, 9, 30, 9, tzinfo=CN))
    day = order.promised_at.astimezone(CN).date()
    assert value.rule_on(day).windows
    assert day > date(2026, 10, 7)


@pytestmark_db
def test_a_changed_rule_moves_open_orders_only_and_the_first_promise_stays():
    rule = make_rule(transit_days=3)
    moving, told = make_order(), make_order(promised_at=AT + timedelta(days=9))
    done = make_order(delivered_at=AT - timedelta(hours=1))
    first = moving.promised_at
    draft = RuleDraft(name=rule.name, dispatch_days=1, is_dispatch_working=False, transit_days=6)
    effect = preview_promise_rule(rule_id=rule.pk, draft=draft, version=1, at=AT)
    assert (effect.looked, effect.later, effect.earlier) == (1, 1, 0)
    rule.refresh_from_db()
    assert rule.transit_days == 3, "a preview saves nothing"
    _rule, run = save_promise_rule(rule_id=rule.pk, draft=draft, version=1, actor=SYSTEM, at=AT)
    drain(seconds=20)
    run.refresh_from_db()
    assert (run.total, run.done_count, run.later_count) == (1, 1, 1)
    assert run.finished_at is not None
    promise = promise_of(moving)
    moving.refresh_from_db()
    assert (promise.first_at, promise.counted_at) == (first, first)
    assert promise.promised_at == moving.promised_at == first + timedelta(days=3)
    assert promise.rule_version == 2
    for same in (told, done):
        before = same.promised_at
        same.refresh_from_db()
        assert same.promised_at == before
    event = Event.objects.get(kind="order.promise_changed")
    assert (event.subject_id, event.data["why"]) == (moving.pk, "rules")


@pytestmark_db
def test_repricing_goes_on_where_it_was_killed_and_repeats_nothing(monkeypatch):
    monkeypatch.setattr(repricing, "BATCH", 2)
    rule = make_rule(transit_days=3)
    orders = [make_order() for _ in range(5)]
    draft = RuleDraft(name=rule.name, dispatch_days=1, is_dispatch_working=False, transit_days=4)
    _rule, run = save_promise_rule(rule_id=rule.pk, draft=draft, version=None, actor=SYSTEM, at=AT)
    reprice_part(run_id=run.pk, after=0, at=AT)
    for _again in range(3):
        reprice_part(run_id=run.pk, after=0, at=AT)
    run.refresh_from_db()
    assert (run.done_count, run.finished_at) == (2, None)
    drain(seconds=20)
    run.refresh_from_db()
    assert (run.done_count, run.later_count) == (5, 5)
    changed = Event.objects.filter(kind="order.promise_changed").values_list("subject_id", flat=True)
    assert sorted(changed) == sorted(order.pk for order in orders)


@pytestmark_db
def test_a_calendar_change_owes_new_promises_only_where_a_rule_counts_in_it():
    calendar, other = make_calendar(), make_calendar(name="二组")
    make_rule(is_transit_working=True, calendar_id=calendar.pk)
    make_order()
    owe = repricing.owe_for_calendar
    assert owe(calendar_id=other.pk, is_default=False, at=AT) is None
    assert owe(calendar_id=calendar.pk, is_default=False, at=AT) is not None


@pytestmark_db
def test_a_date_told_later_wins_and_counts_when_it_came_before_the_old_one_passed():
    shop = make_shop()
    data = order_data()
    given = {"shop_id": shop.pk, "actor": SYSTEM, "source": "api"}
    order, _ = upsert_order(data=data, at=AT - timedelta(days=4), **given)
    first, later = order.promised_at, order.promised_at + timedelta(days=3)
    told = type(data)(number=data.number, promised_at=later)
    _order, what = upsert_order(data=told, at=AT - timedelta(days=3), **given)
    promise = promise_of(order)
    assert what == "changed"
    assert (promise.source, promise.first_at, promise.promised_at) == (PromiseSource.TOLD, first, later)
    assert promise.counted_at == later
    again = type(data)(number=data.number, promised_at=later, buyer_note="快点")
    upsert_order(data=again, at=AT, **given)
    assert Event.objects.filter(kind="order.promise_changed").count() == 1
    too_late = type(data)(number=data.number, promised_at=later + timedelta(days=9))
    upsert_order(data=too_late, at=later + timedelta(hours=1), **given)
    promise.refresh_from_db()
    assert promise.promised_at == later + timedelta(days=9)
    assert promise.counted_at == later, "told after it had passed"


@pytestmark_db
def test_a_passed_promise_is_written_down_once_dated_by_itself():
    late, arrived = make_order(), make_order()
    Order.objects.filter(pk=arrived.pk).update(status="delivered", delivered_at=AT)
    at = late.promised_at + timedelta(days=2)
    assert pass_due(at=late.promised_at - timedelta(seconds=1)) == 0
    assert pass_due(at=at) == 2
    assert pass_due(at=at) == 0
    event = Event.objects.get(kind="order.promise_passed")
    assert (event.subject_id, event.at) == (late.pk, late.promised_at)
    assert promise_of(late).passed_at == late.promised_at
    assert promise_of(arrived).passed_at is None


@pytestmark_db
def test_delay_is_expected_once_and_not_of_a_promise_that_moved():
    order, moved = make_order(), make_order()
    for one, promised in ((order, order.promised_at), (order, order.promised_at), (moved, AT + timedelta(days=1))):
        data = DelayExpected(1, 90, promised, promised + timedelta(days=1))
        expect_delay(order_id=one.pk, data=data, at=AT)
    assert list(Event.objects.filter(kind="order.delay_expected").values_list("subject_id", flat=True)) == [order.pk]


@pytestmark_db
def test_rules_refuse_what_cannot_be_and_two_people_saving():
    rule = make_rule(name="一")
    for wrong in (
        {"name": ""}, {"name": "一"}, {"name": "二", "regions": ["火星"]}, {"name": "二", "transit_days": 91},
        {"name": "二", "valid_from": date(2026, 2, 1), "valid_until": date(2026, 1, 1)},
    ):  # fmt: skip
        with pytest.raises(InvalidInput):
            save_promise_rule(rule_id=None, draft=RuleDraft(**wrong), version=None, actor=SYSTEM, at=AT)
    with pytest.raises(StaleEdit):
        save_promise_rule(rule_id=rule.pk, draft=RuleDraft(name="三"), version=0, actor=SYSTEM, at=AT)


@pytestmark_db
def test_moving_a_rule_changes_who_is_asked_first():
    make_rule(name="慢", transit_days=9)
    fast = make_rule(name="快", transit_days=1)
    order = make_order()
    move_promise_rule(rule_id=fast.pk, up=True, actor=SYSTEM, at=AT)
    drain(seconds=20)
    assert promise_of(order).rule == fast
    assert move_promise_rule(rule_id=fast.pk, up=True, actor=SYSTEM, at=AT) is None


@pytest.mark.django_db(transaction=True)
def test_two_lookers_pass_each_promise_once():
    orders = [make_order() for _ in range(8)]
    barrier = threading.Barrier(4)

    def look():
        try:
            barrier.wait()
            while pass_due(at=AT + timedelta(days=30)):
                pass
        finally:
            connection.close()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pass_due(at=AT + timedelta(days=30))
    passed = Event.objects.filter(kind="order.promise_passed").values_list("subject_id", flat=True)
    assert sorted(passed) == sorted(order.pk for order in orders)


@pytest.mark.django_db(transaction=True)
def test_the_same_part_by_two_workers_changes_each_order_once():
    rule = make_rule(transit_days=3)
    orders = [make_order() for _ in range(4)]
    draft = RuleDraft(name=rule.name, dispatch_days=1, is_dispatch_working=False, transit_days=4)
    _rule, run = save_promise_rule(rule_id=rule.pk, draft=draft, version=None, actor=SYSTEM, at=AT)
    Job.objects.all().delete()
    barrier = threading.Barrier(3)

    def work():
        try:
            barrier.wait()
            reprice_part(run_id=run.pk, after=0, at=AT)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert PromiseRun.objects.get(pk=run.pk).later_count == len(orders)
    assert Event.objects.filter(kind="order.promise_changed").count() == len(orders)


def posted(**fields):
    return {
        "name": "新疆", "regions": "新疆、西藏", "dispatch_days": "1", "transit_days": "7", "is_active": "on", **fields,
    }  # fmt: skip


@pytestmark_db
def test_pages_show_the_effect_before_saving_and_why_an_order_is_promised_then():
    client = Client()
    client.force_login(make_staff(roles=["admin"]))
    make_rule(name="全部")
    order = make_order(region="新疆喀什地区")
    new = reverse("orders:promise_new")
    assert client.get(new).status_code == 200
    refused = client.post(new, posted(regions="火星"))
    assert refused.status_code == 422
    saved = client.post(new, posted())
    assert saved.status_code == 302, "a rule at the end moves nobody, so nothing is held back"
    rule = promise_of(order).rule
    edit = reverse("orders:promise_edit", args=[rule.pk])
    shown = client.post(edit, posted(name="全部", regions="", version="1"))
    assert shown.status_code == 200
    assert shown.context["effect"].moved == 1
    done = client.post(edit, posted(name="全部", regions="", version="1", seen=shown.context["seen"]))
    assert done.status_code == 302
    page = client.get(reverse("orders:promises"))
    assert "新疆" in page.content.decode()
    assert client.get(reverse("orders:promise_progress"), headers={"hx-request": "true"}).status_code == 200
    assert client.post(reverse("orders:promise_move", args=[rule.pk]), {"to": "down"}).status_code == 302
    told = client.get(reverse("orders:detail", args=[order.pk]))
    assert [line for line in told.context["promise"].lines if "全部" in line]


@pytestmark_db
def test_pages_refuse_who_may_not():
    agent = make_staff(roles=["agent"])
    assert not agent.may(Permission.SETTINGS_MANAGE)
    client = Client()
    client.force_login(agent)
    assert client.get(reverse("orders:promises")).status_code == 403

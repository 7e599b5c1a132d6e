"""Contingency plans: once per order, told ahead, undone before it is told, and what on time is measured by."""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection
from django.test import Client
from django.urls import reverse

from core.actors import SYSTEM
from core.errors import InvalidInput, TransitionNotAllowed
from core.models import Event, Job
from orders.models import ContingencyPlan, DeliveryPromise, Order, PlanOrder
from orders.services.promising import plans as services
from orders.services.promising.plans import PlanDraft, move_plan, plan_part, save_plan, try_plan
from orders.services.promising.telling import tell_plan
from tests.factories.accounts import make_staff
from tests.factories.orders import AT, make_order, make_shop

pytestmark = pytest.mark.django_db
DAYS = timedelta(days=3)


def make_plan(**fields):
    told = {"name": "新疆大雪", "kind": "weather", "extra_days": 3, "regions": ["新疆"], **fields}
    return save_plan(plan_id=None, draft=PlanDraft(**told), version=None)


def far(**fields):
    return make_order(region="新疆喀什地区", placed_at=AT - timedelta(days=1), **fields)


def switch(plan, to="on", at=AT):
    move_plan(plan_id=plan.pk, to=to, actor=SYSTEM, at=at)
    run(plan, at)


def run(plan, at=AT):
    for _each in range(20):
        plan.refresh_from_db()
        if plan.finished_at is not None:
            return
        plan_part(plan_id=plan.pk, state=plan.state, after=plan.after, at=at)


def promise_of(order):
    return DeliveryPromise.objects.get(order=order)


def test_dry_run_counts_and_writes_nothing():
    far()
    far()
    make_order()
    plan = make_plan(compensation="coupon", compensation_amount=Decimal(5))
    dry = try_plan(plan)
    assert (dry.looked, dry.affected, dry.cost) == (3, 2, Decimal(10))
    assert not PlanOrder.objects.exists()


def test_on_gives_open_orders_their_days_once_and_keeps_the_first_promise(monkeypatch):
    monkeypatch.setattr(services, "BATCH", 2)
    orders, other = [far() for _ in range(5)], make_order()
    plan = make_plan()
    switch(plan)
    plan_part(plan_id=plan.pk, state="on", after=0, at=AT)
    for order in orders:
        one, before = promise_of(order), order.promised_at
        order.refresh_from_db()
        assert (one.first_at, one.counted_at) == (before, before)
        assert one.promised_at == order.promised_at == before + DAYS
    assert PlanOrder.objects.count() == Event.objects.filter(kind="order.promise_changed").count() == 5
    assert promise_of(other).promised_at == other.promised_at
    assert Job.objects.filter(name=services.TELL_JOB, due_at__gt=AT).count() == 5
    with pytest.raises(TransitionNotAllowed):
        move_plan(plan_id=plan.pk, to="on", actor=SYSTEM, at=AT)


def test_a_batch_killed_in_its_middle_leaves_nothing_half(monkeypatch):
    far()
    plan = make_plan()
    move_plan(plan_id=plan.pk, to="on", actor=SYSTEM, at=AT)

    def die(*args, **kwargs):
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(services, "schedule_many", die)
        with pytest.raises(RuntimeError):
            plan_part(plan_id=plan.pk, state="on", after=0, at=AT)
    assert not PlanOrder.objects.exists()
    run(plan)
    assert PlanOrder.objects.count() == 1


def test_told_ahead_the_new_day_counts_and_compensation_is_proposed_once():
    order = far()
    plan = make_plan(compensation="coupon", compensation_amount=Decimal(5))
    switch(plan)
    assert tell_plan(plan_id=plan.pk, order_id=order.pk, at=AT + timedelta(minutes=10))
    assert not tell_plan(plan_id=plan.pk, order_id=order.pk, at=AT + timedelta(minutes=11))
    one = promise_of(order)
    assert one.counted_at == one.promised_at == one.first_at + DAYS
    proposed = Event.objects.get(kind="order.compensation_proposed")
    assert proposed.data == {"plan_id": plan.pk, "compensation": "coupon", "amount": "5.00", "currency": "CNY"}


def test_told_after_it_hurt_the_first_promise_counts():
    order = far()
    plan = make_plan()
    switch(plan)
    tell_plan(plan_id=plan.pk, order_id=order.pk, at=order.promised_at + timedelta(hours=1))
    one = promise_of(order)
    assert one.counted_at == one.first_at < one.promised_at


def test_called_off_takes_back_what_nobody_was_told_of():
    told, quiet = far(), far()
    plan = make_plan()
    switch(plan)
    tell_plan(plan_id=plan.pk, order_id=told.pk, at=AT + timedelta(minutes=10))
    switch(plan, "called_off", AT + timedelta(minutes=11))
    assert promise_of(told).promised_at == told.promised_at + DAYS
    one = promise_of(quiet)
    quiet_now = Order.objects.get(pk=quiet.pk)
    assert one.promised_at == quiet_now.promised_at == one.first_at
    assert [step["code"] for step in one.steps if step["code"] == "plan"] == []
    assert not tell_plan(plan_id=plan.pk, order_id=quiet.pk, at=AT + timedelta(minutes=12))


def test_a_new_order_is_promised_with_the_days_from_the_first():
    plan, base = make_plan(), far().promised_at
    switch(plan)
    order = far()
    one = promise_of(order)
    assert one.first_at == one.counted_at == order.promised_at == base + DAYS
    assert PlanOrder.objects.get(order=order).is_first
    switch(plan, "called_off")
    assert promise_of(order).promised_at == order.promised_at
    assert promise_of(far()).promised_at == base


def test_the_database_keeps_one_row_per_plan_and_order():
    order, plan = far(), make_plan()
    switch(plan)
    with pytest.raises(IntegrityError):
        PlanOrder.objects.create(plan=plan, order=order, days=1, before_at=AT, after_at=AT + DAYS, applied_at=AT)


def test_refuses_a_plan_that_takes_everything_or_cannot_be():
    wrong: dict
    for wrong in ({"regions": []}, {"extra_days": 0}, {"compensation": "coupon"}, {"regions": ["火星"]}, {"name": ""}):
        with pytest.raises(InvalidInput):
            make_plan(**wrong)


@pytest.mark.django_db(transaction=True)
def test_calling_off_and_telling_at_once_agree():
    make_shop()
    orders = [far() for _ in range(6)]
    plan = make_plan()
    switch(plan)
    barrier = threading.Barrier(2)

    def tell():
        try:
            barrier.wait()
            for order in orders:
                tell_plan(plan_id=plan.pk, order_id=order.pk, at=AT + timedelta(minutes=10))
        finally:
            connection.close()

    thread = threading.Thread(target=tell)
    thread.start()
    barrier.wait()
    switch(ContingencyPlan.objects.get(pk=plan.pk), "called_off", AT + timedelta(minutes=10))
    thread.join()
    for row in PlanOrder.objects.select_related("order__promise"):
        assert (row.told_at is None) != (row.undone_at is None)
        assert row.order.promise.promised_at == (row.after_at if row.told_at else row.before_at)


def test_pages_make_try_switch_on_and_call_off_a_plan():
    client = Client()
    client.force_login(make_staff(roles=["admin"]))
    far()
    assert client.post(reverse("orders:plan_new"), {"name": "x"}).status_code == 422
    posted = {
        "name": "新疆大雪", "kind": "weather", "extra_days": "3", "regions": "新疆", "compensation": "none",
        "is_told": "on",
    }  # fmt: skip
    assert client.get(reverse("orders:plan_new")).status_code == 200
    assert client.post(reverse("orders:plan_new"), posted).status_code == 302
    plan = ContingencyPlan.objects.get()
    page = client.get(reverse("orders:plan", args=[plan.pk]))
    assert page.context["dry"].affected == 1
    assert client.get(reverse("orders:plan_edit", args=[plan.pk])).status_code == 200
    for to, state in (("on", "on"), ("called_off", "called_off")):
        assert client.post(reverse("orders:plan_move", args=[plan.pk]), {"to": to}).status_code == 302
        plan.refresh_from_db()
        assert plan.state == state
    assert "新疆" in client.get(reverse("orders:plans")).content.decode()


def test_the_page_of_a_plan_names_its_orders_and_what_became_of_each():
    client = Client()
    client.force_login(make_staff(roles=["admin"]))
    before, plan = far(), make_plan()
    switch(plan)
    first = far()
    page = client.get(reverse("orders:plan", args=[plan.pk])).content.decode()
    assert page.index(first.number) < page.index(before.number)
    assert (page.count(">下单时即按此承诺<"), page.count(">尚未通知<")) == (1, 1)
    switch(plan, to="called_off")
    page = client.get(reverse("orders:plan", args=[plan.pk])).content.decode()
    assert ">已撤销<" in page
    assert ">尚未通知<" not in page

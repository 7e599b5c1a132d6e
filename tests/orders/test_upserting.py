"""Orders come in once, go forward, and tell the log each step once."""

import dataclasses
from datetime import timedelta
from decimal import Decimal

import pytest

from core.actors import SYSTEM
from core.crypto import decrypt
from core.errors import InvalidInput, TransitionNotAllowed
from core.models import Event
from orders.enums import OrderStatus
from orders.errors import InvalidOrder
from orders.models import Order
from orders.services import (
    ItemData,
    ParcelData,
    PaymentData,
    cancel_order,
    complete_due_orders,
    complete_order,
    upsert_order,
)
from tests.factories.orders import AT, make_order, make_shop, order_data

pytestmark = pytest.mark.django_db


def upsert(shop, data, **kw):
    return upsert_order(shop_id=shop.pk, data=data, actor=SYSTEM, at=kw.pop("at", AT), source="api", **kw)


def kinds(order):
    return list(Event.objects.filter(order_id=order.pk).order_by("id").values_list("kind", flat=True))


def test_new_order_is_stored_encrypted_with_its_lines():
    shop = make_shop()
    order, what = upsert(shop, order_data(number=" a-77 ", phone="+86 139-0013-8000"))
    assert what == "new"
    assert order.number == "A-77"
    assert order.total == Decimal("187.90")
    assert decrypt(order.phone_enc) == "+8613900138000"
    assert decrypt(order.street_enc) == "文三路 138 号 2 幢 301"
    assert b"139" not in bytes(order.phone_enc)
    assert order.promised_at == order.placed_at + timedelta(days=shop.promise_days)
    assert list(order.items.order_by("line").values_list("line", "quantity")) == [(1, 2), (2, 1)]
    assert order.customer.name == "李小红"
    assert kinds(order) == ["order.placed"]


def test_same_order_twice_changes_nothing():
    shop, data = make_shop(), order_data()
    first, _ = upsert(shop, data)
    before = Order.objects.values().get(pk=first.pk)
    again, what = upsert(shop, data, at=AT + timedelta(hours=1))
    assert (again.pk, what) == (first.pk, "same")
    assert Order.objects.values().get(pk=first.pk) == before
    assert Event.objects.filter(order_id=first.pk).count() == 1


def test_steps_are_dated_once_and_never_go_back():
    shop, data = make_shop(), order_data()
    order, _ = upsert(shop, data)
    shipped = dataclasses.replace(data, status="shipped", shipped_at=AT - timedelta(days=3))
    order, what = upsert(shop, shipped)
    assert (what, order.status) == ("changed", "shipped")
    late = dataclasses.replace(data, status="paid", paid_at=AT - timedelta(days=5))
    order, what = upsert(shop, late)
    assert (what, order.status, order.paid_at) == ("changed", "shipped", AT - timedelta(days=5))
    assert order.paid == order.total
    assert kinds(order) == ["order.placed", "order.shipped", "order.changed", "order.paid"]


def test_completed_is_told_once():
    shop, data = make_shop(), order_data(status="completed", delivered_at=AT - timedelta(days=2))
    order, _ = upsert(shop, data)
    upsert(shop, dataclasses.replace(data, buyer_note="谢谢"))
    upsert(shop, dataclasses.replace(data, completed_at=AT))
    with pytest.raises(TransitionNotAllowed):
        complete_order(order_id=order.pk, actor=SYSTEM, at=AT)
    assert kinds(order).count("order.completed") == 1


def test_cancelled_after_delivery_is_left_out_and_refused_by_hand():
    order = make_order(status="delivered", delivered_at=AT - timedelta(days=1))
    with pytest.raises(TransitionNotAllowed):
        cancel_order(order_id=order.pk, actor=SYSTEM, at=AT)
    same = order_data(number=order.number, status="cancelled", phone="")
    order, _ = upsert(order.shop, same)
    assert order.status == OrderStatus.DELIVERED
    assert order.cancelled_at is None


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_ended_orders_cannot_be_ended_again(status):
    order = make_order(status=status)
    for end in (complete_order, cancel_order):
        with pytest.raises(TransitionNotAllowed):
            end(order_id=order.pk, actor=SYSTEM, at=AT)


def test_corrections_are_told_by_field():
    shop, data = make_shop(), order_data()
    order, _ = upsert(shop, data)
    fixed = dataclasses.replace(data, street="文三路 200 号", items=(*data.items, ItemData("杯盖", 1, Decimal("5"))))
    order, _ = upsert(shop, fixed)
    event = Event.objects.get(order_id=order.pk, kind="order.changed")
    assert set(event.data["fields"]) == {"street", "items", "total"}
    assert order.items.count() == 3


def test_parcels_move_the_order():
    data = order_data(
        parcels=(
            ParcelData("中通", "ZT1111111111", delivered_at=AT - timedelta(days=1)),
            ParcelData("圆通速递", "YT2222222222", shipped_at=AT - timedelta(days=2)),
        )
    )
    order, _ = upsert(make_shop(), data)
    assert order.status == "shipped"
    assert sorted(order.parcels.values_list("status", flat=True)) == ["delivered", "picked_up"]
    second = dataclasses.replace(
        data, parcels=(ParcelData("yuantong", "YT2222222222", status="delivered", delivered_at=AT),)
    )
    order, _ = upsert(order.shop, second)
    assert (order.status, order.delivered_at) == ("delivered", AT)
    assert order.parcels.count() == 2


def test_payments_are_added_once():
    shop = make_shop()
    data = order_data(payments=(PaymentData("alipay", "2026-1", Decimal("187.90"), AT - timedelta(days=5)),))
    order, _ = upsert(shop, data)
    order, _ = upsert(shop, dataclasses.replace(data, buyer_note="x"))
    assert order.payments.count() == 1
    assert order.paid == Decimal("187.90")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"number": ""}, "number"),
        ({"number": "x" * 65}, "number"),
        ({"total": Decimal("-1")}, "total"),
        ({"total": Decimal("NaN")}, "total"),
        ({"total": Decimal("1e12")}, "total"),
        ({"total": Decimal("1.005")}, "total"),
        ({"phone": "13900abc000"}, "phone"),
        ({"email": "nobody"}, "email"),
        ({"currency": "RMB!"}, "currency"),
        ({"status": "lost"}, "status"),
        ({"placed_at": None}, "placed_at"),
        ({"placed_at": AT + timedelta(days=3)}, "placed_at"),
        ({"items": ()}, "items"),
        ({"items": (ItemData("x", 0, Decimal(1)),)}, "items[0].quantity"),
        ({"items": (ItemData("x", 1, Decimal(-1)),)}, "items[0].unit_price"),
        ({"items": (ItemData("", 1, Decimal(1)),)}, "items[0].title"),
        ({"items": (ItemData("x", 100000, Decimal("9999999999")),)}, "total"),
        ({"parcels": (ParcelData("鸽子", "12345678"),)}, "parcels[0].carrier"),
        ({"parcels": (ParcelData("顺丰", "1"),)}, "parcels[0].tracking_number"),
        ({"recipient": "长" * 121}, "recipient"),
    ],
)
def test_wrong_input_names_its_field(change, field):
    with pytest.raises(InvalidOrder) as caught:
        upsert(make_shop(), order_data(**change))
    assert field in caught.value.fields
    assert Order.objects.count() == 0


def test_unknown_shop_is_refused():
    with pytest.raises(InvalidInput):
        upsert_order(shop_id=999999, data=order_data(), actor=SYSTEM, at=AT, source="api")


def test_masked_phone_is_found_by_its_end_only():
    order = make_order(phone="138****8000", account="tb_小红")
    assert order.phone_index is None
    assert order.phone_last4_index is not None


def test_orders_complete_by_time_by_their_shops_rule():
    soon = make_shop(complete_after_days=3)
    due = make_order(shop=soon, status="delivered", delivered_at=AT - timedelta(days=3))
    waits = make_order(shop=make_shop(complete_after_days=7), status="delivered", delivered_at=AT - timedelta(days=3))
    history = make_order(
        shop=soon, status="delivered", delivered_at=AT - timedelta(days=4), origin="import", at=AT - timedelta(days=2)
    )
    assert complete_due_orders(at=AT) == 2
    assert complete_due_orders(at=AT) == 0
    due.refresh_from_db()
    waits.refresh_from_db()
    assert (due.status, waits.status) == ("completed", "delivered")
    origins = dict(Event.objects.filter(kind="order.completed").values_list("order_id", "origin"))
    assert origins == {due.pk: "live", history.pk: "import"}


def test_history_that_arrived_long_ago_is_completed_at_its_own_time():
    order = make_order(
        shop=make_shop(complete_after_days=3),
        placed_at=AT - timedelta(days=30),
        delivered_at=AT - timedelta(days=20),
        origin="import",
    )
    assert (order.status, order.completed_at) == ("completed", AT - timedelta(days=17))
    assert complete_due_orders(at=AT) == 0

"""Orders are found by what people have in hand, and only by those who may."""

import pytest

from accounts.permissions import Permission
from core.errors import NotAllowed, NotFound
from orders.selectors import find_order, find_order_for_contact, get_order_for, search_orders
from tests.factories.accounts import make_staff, make_team
from tests.factories.orders import make_order, make_parcel, make_shop

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "asked",
    ["TB-556677", "tb-556677", " 订单号:TB-556677 ", "13912345678", "+86 139 1234 5678", "5678", "SF1234567890",
              "sf1234567890", "B-5566", "34567890"],
)  # fmt: skip
def test_search_finds_by_number_phone_end_and_tracking(asked):
    order = make_order(number="TB-556677", phone="13912345678")
    make_order()
    make_parcel(order, tracking="SF1234567890")
    assert [found.pk for found in search_orders(make_staff(), asked)] == [order.pk]


@pytest.mark.parametrize("asked", ["", " ", "%", "____", "' OR 1=1 --", "9999", "13900000009", "没有", "x" * 500])
def test_search_finds_nothing_in_what_is_no_number(asked):
    make_order(number="TB-556677", phone="13912345678")
    assert search_orders(make_staff(), asked) == []


def test_other_shops_orders_are_invisible():
    mine, other = make_shop(), make_shop()
    staff = make_staff(teams=[make_team(shop_ids=[mine.pk])])
    make_order(shop=other, number="X-1000")
    seen = make_order(shop=mine, number="X-1001")
    assert [o.pk for o in search_orders(staff, "X-100")] == [seen.pk]
    with pytest.raises(NotFound):
        get_order_for(staff, find_order(other.pk, "X-1000").pk, Permission.ORDER_VIEW)
    with pytest.raises(NotAllowed):
        get_order_for(staff, seen.pk, Permission.SETTINGS_MANAGE)


def test_find_order_without_shop_needs_one_answer():
    one, two = make_shop(), make_shop()
    first = make_order(shop=one, number="N-1")
    assert find_order(None, "n-1").pk == first.pk
    make_order(shop=two, number="N-1")
    assert find_order(None, "N-1") is None
    assert find_order(one.pk, "N-1").pk == first.pk


def test_a_contact_must_know_number_and_phone():
    order = make_order(number="C-1", phone="13912345678")
    masked = make_order(number="C-2", phone="139****1234", account="小红")
    assert find_order_for_contact("c-1", "139 1234 5678").pk == order.pk
    assert find_order_for_contact("C-1", "13912345679") is None
    assert find_order_for_contact("C-9", "13912345678") is None
    assert find_order_for_contact("C-1", "not a phone") is None
    assert find_order_for_contact("C-2", "13866661234").pk == masked.pk

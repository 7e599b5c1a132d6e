"""Promotions on real transactions: told twice at once, changed by two, changed while the shop tells, ended by two."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from core.actors import Actor
from core.errors import InvalidInput, StaleEdit
from core.models import Event
from orders.models import Promotion, PromotionVersion
from orders.services.promotions import add_promotion, change_promotion, end_promotion
from tests.factories.accounts import make_staff
from tests.factories.orders import make_shop
from tests.factories.promotions import make_promotion, promote, told
from tests.orders.test_requests_races import together

pytestmark = pytest.mark.django_db(transaction=True)


def versions() -> list[int]:
    return list(PromotionVersion.objects.order_by("version").values_list("version", flat=True))


def events(kind: str) -> int:
    return Event.objects.filter(kind=f"shop.promotion_{kind}").count()


def test_told_twice_at_once_is_one_promotion_one_version_one_event():
    shop, starts = make_shop(), timezone.now()
    found = together(*[lambda: promote(shop, starts_at=starts)] * 3)
    assert sorted(found) == ["new", "same", "same"]
    assert (Promotion.objects.count(), versions(), events("saved")) == (1, [1], 1)


def test_two_people_make_one_with_the_same_number_and_one_is_told_so():
    shop, actor = make_shop(), Actor.staff(make_staff(roles=["supervisor"]))
    found = together(*[lambda: add_promotion(shop=shop, told=told(), actor=actor, at=timezone.now())] * 2)
    assert {type(one) for one in found} == {Promotion, InvalidInput}
    assert (versions(), events("saved")) == ([1], 1)


def test_two_people_change_one_and_the_second_is_shown_what_the_first_did():
    one = make_promotion(make_shop())
    actor = Actor.staff(make_staff(roles=["supervisor"]))

    def change(percent: int) -> Promotion:
        what = told(starts_at=one.starts_at, percent=Decimal(percent))
        return change_promotion(promotion_id=one.pk, version=1, told=what, actor=actor, at=timezone.now())

    found = together(lambda: change(30), lambda: change(40))
    (won,) = (row for row in found if isinstance(row, Promotion))
    (lost,) = (row for row in found if isinstance(row, StaleEdit))
    assert [(change["field"], change["theirs"]) for change in lost.changes] == [("percent", won.percent)]
    assert (versions(), Promotion.objects.get().percent) == ([1, 2], won.percent)


def test_the_shop_tells_something_new_while_a_person_saves_and_nothing_is_lost_unseen():
    shop = make_shop()
    one = make_promotion(shop)
    actor, held = Actor.staff(make_staff(roles=["supervisor"])), threading.Event()

    def tell() -> str:
        with transaction.atomic():
            what = promote(shop, starts_at=one.starts_at, percent=Decimal(35))
            held.set()
        return what

    def save() -> Promotion:
        assert held.wait(timeout=10)
        what = told(starts_at=one.starts_at, title="改名")
        return change_promotion(promotion_id=one.pk, version=1, told=what, actor=actor, at=timezone.now())

    what, refused = together(tell, save)
    assert what == "changed"
    assert isinstance(refused, StaleEdit)
    now = Promotion.objects.get()
    assert (now.percent, now.title, versions()) == (35, one.title, [1, 2])


def test_two_people_end_one_at_once_and_it_ends_once():
    one = make_promotion(make_shop())
    actor, at = Actor.staff(make_staff(roles=["supervisor"])), timezone.now()
    found = together(*[lambda: end_promotion(promotion_id=one.pk, version=1, actor=actor, at=at)] * 3)
    assert sorted(found) == [False, False, True]
    assert (versions(), events("ended"), Promotion.objects.get().ends_at) == ([1, 2], 1, at)

"""Promotions by the API beside people's changes: told twice, told after a person ended one, told wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.actors import Actor
from core.models import Event
from orders.models import Promotion, PromotionVersion, Shop
from orders.services.promotions import end_promotion
from tests.factories.accounts import make_api_key, make_staff
from tests.factories.orders import make_product, make_shop

pytestmark = pytest.mark.django_db
URL = "/api/v1/products/"


@pytest.fixture
def shop() -> Shop:
    return make_shop()


@pytest.fixture
def send(client: Client, shop: Shop) -> Any:
    _key, plain = make_api_key(scopes=["orders.write"])

    def post(**fields: Any) -> list[str]:
        row = {"code": "P1", "title": "满减", "starts_at": "2026-01-01T00:00:00", "percent": "10", **fields}
        body = json.dumps({"shop": shop.code, "promotions": [row]})
        head = {"Authorization": f"Bearer {plain}"}
        answer = client.post(URL, body, content_type="application/json", headers=head)
        assert answer.status_code == 200, answer.text
        return [one["result"] for one in answer.json()["promotions"]]

    return post


def test_the_same_word_however_it_is_written_is_no_news(send):
    assert send() == ["new"]
    for fields in ({}, {"percent": "10.00"}, {"starts_at": "2025-12-31T16:00:00Z"}, {"title": " 满减 "}):
        assert send(**fields) == ["same"]
    assert Event.objects.get(kind="shop.promotion_saved").actor_type == "api"
    assert list(PromotionVersion.objects.values_list("version", "source", "by_id")) == [(1, "api", None)]


def test_what_a_person_ended_stays_over_until_the_shop_says_something_new(send):
    send()
    one, now = Promotion.objects.get(), timezone.now()
    end_promotion(promotion_id=one.pk, version=1, actor=Actor.staff(make_staff(roles=["supervisor"])), at=now)
    assert send() == ["same"]
    one.refresh_from_db()
    assert one.state_at(timezone.now()) == "ended"
    assert send(percent="12") == ["changed"]
    one.refresh_from_db()
    assert (one.state_at(timezone.now()), one.version, one.terms_source) == ("running", 3, "api")


def test_a_word_that_makes_no_sense_leaves_everything_as_it_was(send, shop):
    make_product(shop, "CUP")
    send()
    before = Promotion.objects.values().get()
    for fields in ({"percent": "101"}, {"percent": None}, {"price": "5"}, {"ends_at": "2025-12-31T00:00:00"}):
        assert send(**fields) == ["error"]
    assert Promotion.objects.values().get() == before
    assert PromotionVersion.objects.count() == 1

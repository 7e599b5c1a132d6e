"""Requests over the API and in webhooks: the key's scope and shops, the address while it is open, answers once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import Notification
from core.models import Event
from notifications.webhook_kinds import bodies_of
from orders.models import OrderRequest
from tests.factories.accounts import make_api_key, make_staff
from tests.factories.orders import make_order, make_shop
from tests.factories.requests import NEW, make_request

pytestmark = pytest.mark.django_db
URL = "/api/v1/order-requests/"


class Caller:
    """A shop's system with a key."""

    def __init__(self, *scopes: str, shop_ids: tuple[int, ...] = ()) -> None:
        _key, self.plain = make_api_key(scopes=scopes or ("orders.requests",), shop_ids=shop_ids)

    def __call__(self, path: str = "", body: Any = None, **headers: str) -> Any:
        head = {"Authorization": f"Bearer {self.plain}", **headers}
        if body is None:
            return Client().get(URL + path, headers=head)
        return Client().post(URL + path, json.dumps(body), content_type="application/json", headers=head)


def test_open_requests_come_oldest_first_with_the_address_to_send_to():
    first, second = make_request(make_order()), make_request(make_order(), "hold")
    told = Caller()().json()
    assert [one["id"] for one in told["results"]] == [first.pk, second.pk]
    assert told["results"][0]["told"] == {**NEW, "phone": "+8613700137000", "note": ""}
    assert (told["results"][0]["order_number"], told["next"]) == (first.order.number, None)
    assert Caller()("?state=done").json()["results"] == []
    assert Caller()("?state=lost").status_code == 422


def test_scope_and_shops_are_the_keys_own():
    found = make_request(make_order())
    other = make_shop("elsewhere")
    assert Caller("orders.read", "orders.write")().status_code == 403
    stranger = Caller(shop_ids=(other.pk,))
    assert stranger().json()["results"] == []
    assert stranger(f"{found.pk}/").status_code == 404
    assert stranger(f"{found.pk}/answer/", {"state": "done"}).status_code == 404
    assert Caller("orders.write")(f"{found.pk}/answer/", {"state": "done"}).status_code == 403


def test_shop_accepts_then_does_it_and_its_words_end_there():
    agent = make_staff(roles=["agent"])
    found, call = make_request(make_order(), staff=agent), Caller()
    assert call(f"{found.pk}/answer/", {"state": "accepted"}).json()["state"] == "accepted"
    answer = call(f"{found.pk}/answer/", {"state": "done"})
    assert (answer.status_code, answer.json()["state"], answer.json()["told"]) == (200, "done", None)
    assert call(f"{found.pk}/").json()["told"] is None
    assert Notification.objects.filter(staff=agent, kind="order_request.answered").count() == 1


def test_answer_sent_twice_is_heard_once_and_another_is_refused():
    found, call = make_request(make_order(), "hold"), Caller()
    body = {"state": "refused", "reason": "packed", "answer": "已打包"}
    for head in ({}, {}, {"Idempotency-Key": "a1"}, {"Idempotency-Key": "a1"}):
        assert call(f"{found.pk}/answer/", body, **head).json()["reason"] == "packed"
    assert call(f"{found.pk}/answer/", {"state": "done"}).status_code == 409
    assert Event.objects.filter(kind="order_request.refused").count() == 1


@pytest.mark.parametrize(
    "body",
    [{}, {"state": "withdrawn"}, {"state": "refused"}, {"state": "done", "reason": "packed"},
     {"state": "refused", "reason": "sent"}, []],
)  # fmt: skip
def test_answer_that_cannot_be_is_refused_with_its_fields(body: Any):
    found = make_request(make_order(), "hold")
    answer = Caller()(f"{found.pk}/answer/", body)
    assert answer.status_code == 422
    assert OrderRequest.objects.get().state == "asked"


def test_webhook_tells_of_a_request_without_a_word_about_a_person():
    found = make_request(make_order())
    event = Event.objects.get(kind="order_request.asked")
    body = json.loads(bodies_of([event])[event.pk])
    assert (body["type"], body["data"]["request_id"], body["data"]["kind"]) == (
        "order_request.asked",
        found.pk,
        "address",
    )
    assert body["data"]["order_number"] == found.order.number
    assert not any(secret in json.dumps(body, ensure_ascii=False) for secret in NEW.values())

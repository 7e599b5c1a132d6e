"""Notices on a customer's device: chosen behind her link, by nobody else, for this device alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from core.actors import SYSTEM
from core.models import Event
from customers.services import merge_customers
from notifications.models import Delivery, PushSubscription
from notifications.selectors.notices import notice_policy
from notifications.services import save_notice_policy, subscribe_push
from notifications.services.accounts import PolicyDraft
from orders.models import Order
from orders.services.notices import notify_order
from orders.services.tracking_links import renew_tracking_link, tracking_url
from tests.factories.notices import make_account, run_all
from tests.factories.orders import make_order
from tests.providers import Provider, provider_server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    settings.OUTGOING_ALLOW = ["127.0.0.1"]
    with provider_server() as server:
        make_account("push", server)
        yield server


def place_of(order: Order) -> str:
    return "/track/" + tracking_url(order_id=order.pk).split("/track/")[1]


def device_of(provider: Provider, name: str = "device-1") -> dict[str, Any]:
    told: dict[str, Any] = json.loads(provider.subscription(name))
    return told


def ask(client: Client, place: str, **words: Any) -> Any:
    return client.post(place, data=json.dumps(words), content_type="application/json")


def test_a_device_is_told_from_the_tap_on_and_not_after_the_next(client: Client, provider: Provider) -> None:
    policy = notice_policy()
    draft = PolicyDraft(False, policy.quiet_from, policy.quiet_until, 5, policy.channels)
    save_notice_policy(draft=draft, version=policy.version, actor=SYSTEM, at=timezone.now())
    now, shopper = timezone.now(), Client(enforce_csrf_checks=True)
    order = make_order(at=now, placed_at=now, phone="", email="")
    place, device = place_of(order) + "device/", device_of(provider)
    assert ask(shopper, place, do="look", endpoint=device["endpoint"]).json() == {"on": False}
    assert ask(shopper, place, do="on", subscription=device).json() == {"on": True}
    assert ask(shopper, place, do="look", endpoint=device["endpoint"]).json() == {"on": True}
    run_all()
    told = provider.pushes[0]
    assert (told["title"], order.number in told["body"], "/track/" in told["url"]) == (told["title"], True, True)
    assert Delivery.objects.get(channel="push").state == "sent"
    assert ask(shopper, place, do="off", endpoint=device["endpoint"]).json() == {"on": False}
    assert ask(shopper, place, do="off", endpoint=device["endpoint"]).json() == {"on": False}
    assert not PushSubscription.objects.exists()
    assert [e.kind for e in Event.objects.filter(kind__startswith="push.").order_by("pk")] == [
        "push.subscribed",
        "push.ended",
    ]


def test_every_device_of_a_customer_is_told_whichever_of_her_orders_it_was_chosen_at(
    client: Client, provider: Provider
) -> None:
    now = timezone.now()
    old, new = (make_order(at=now, placed_at=now, phone=phone, email="") for phone in ("", "13911112222"))
    for order, name in ((old, "device-1"), (new, "device-2")):
        assert ask(client, place_of(order) + "device/", do="on", subscription=device_of(provider, name)).json()["on"]
    merge_customers(source_id=old.customer_id, target_id=new.customer_id, actor=SYSTEM, at=now)
    endpoint = device_of(provider)["endpoint"]
    assert ask(client, place_of(new) + "device/", do="look", endpoint=endpoint).json() == {"on": True}
    order = make_order(at=now, placed_at=now, phone="13911112222", email="")
    notify_order(order_id=order.pk, step="confirmation", happened_at=now, at=now)
    rows = Delivery.objects.filter(channel="push", order_id=order.pk)
    assert {json.loads(row.to)["endpoint"].rsplit("/", 1)[1] for row in rows} == {"device-1", "device-2"}
    assert ask(client, place_of(new) + "device/", do="off", endpoint=endpoint).json() == {"on": False}
    assert PushSubscription.objects.get().customer_id == new.customer_id


def test_only_the_secret_link_opens_it(client: Client, provider: Provider) -> None:
    order, device = make_order(), device_of(provider)
    place = place_of(order)
    assert "data-push" in client.get(place).content.decode()
    renew_tracking_link(order_id=order.pk, actor=SYSTEM, at=timezone.now())
    for wrong in (place, "/track/not-a-link-of-ours/"):
        assert ask(client, wrong + "device/", do="on", subscription=device).status_code == 404
    seen = client.post("/track/", {"number": order.number, "phone": "13800000000"})
    assert "data-push" not in seen.content.decode()
    assert not PushSubscription.objects.exists()


def test_found_by_its_number_a_page_offers_no_notices(client: Client, provider: Provider) -> None:
    order = make_order(phone="13712345678")
    found = client.post("/track/", {"number": order.number, "phone": "13712345678"}, follow=True)
    assert found.status_code == 200
    assert order.number in found.content.decode()
    assert "data-push" not in found.content.decode()


def test_without_an_account_nothing_is_offered(client: Client) -> None:
    assert "data-push" not in client.get(place_of(make_order())).content.decode()


def test_one_device_ends_and_the_other_goes_on(client: Client, provider: Provider) -> None:
    order, stranger = make_order(), make_order(phone="13912345678")
    place, other = place_of(order) + "device/", place_of(stranger) + "device/"
    first, second = device_of(provider), device_of(provider, "device-2")
    for device in (first, second):
        assert ask(client, place, do="on", subscription=device).json() == {"on": True}
    assert ask(client, other, do="off", endpoint=second["endpoint"]).json() == {"on": False}
    assert ask(client, place, do="off", endpoint=first["endpoint"]).json() == {"on": False}
    assert ask(client, place, do="look", endpoint=second["endpoint"]).json() == {"on": True}
    assert PushSubscription.objects.get().customer_id == order.customer_id


@pytest.mark.parametrize(
    "words",
    [
        {"do": "on"},
        {"do": "on", "subscription": {"endpoint": "https://push.example/x", "keys": {"p256dh": "AA", "auth": "AA"}}},
        {"do": "on", "subscription": [1]},
        {"do": "everything"},
        {},
    ],
)
def test_what_is_no_subscription_is_refused(client: Client, provider: Provider, words: dict[str, Any]) -> None:
    answer = ask(client, place_of(make_order()) + "device/", **words)
    assert (answer.status_code, PushSubscription.objects.exists()) == (422, False)


def test_a_place_in_the_clear_is_refused_outside_the_trial(client: Client, provider: Provider, settings: Any) -> None:
    settings.OUTGOING_ALLOW, settings.TRIAL = [], False
    device = device_of(provider) | {"endpoint": "http://push.example/device-1"}
    answer = ask(client, place_of(make_order()) + "device/", do="on", subscription=device)
    assert (answer.status_code, answer.json()["code"]) == (422, "not_a_subscription")


def test_a_body_too_long_or_no_json_is_refused(client: Client, provider: Provider) -> None:
    place = place_of(make_order()) + "device/"
    for body in ("x" * 5000, "no json", "[]", "", "[" * 4000, '{"do":' * 600):
        assert client.post(place, data=body, content_type="application/json").status_code == 422


def test_a_browser_that_moved_says_so_itself(client: Client, provider: Provider) -> None:
    order = make_order()
    before, after = device_of(provider), device_of(provider, "device-2")
    subscribe_push(customer_id=order.customer_id, subscription=json.dumps(before), at=timezone.now())
    for _again in range(2):
        answer = ask(client, "/track/device/", endpoint=before["endpoint"], subscription=after)
        assert answer.status_code == (404 if _again else 200)
    row = PushSubscription.objects.get()
    assert (json.loads(row.place)["endpoint"], row.customer_id) == (after["endpoint"], order.customer_id)
    assert ask(client, "/track/device/", endpoint="https://push.example/guess", subscription=after).status_code == 404


def test_too_many_asks_of_one_place_have_to_wait(client: Client, provider: Provider) -> None:
    place = place_of(make_order()) + "device/"
    answers = [ask(client, place, do="look", endpoint="x") for _n in range(61)]
    assert {one.status_code for one in answers} == {200, 429}
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_the_same_tap_from_many_threads_is_one_device(provider: Provider) -> None:
    order, device, start = make_order(), json.dumps(device_of(provider)), threading.Barrier(6)
    failed: list[BaseException] = []

    def tap() -> None:
        try:
            start.wait(10)
            subscribe_push(customer_id=order.customer_id, subscription=device, at=timezone.now())
        except BaseException as error:  # noqa: BLE001 - shown below
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=tap) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert PushSubscription.objects.count() == 1
    assert Event.objects.filter(kind="push.subscribed").count() == 1


def test_the_script_reaches_tracking_pages_only(client: Client) -> None:
    answer = client.get("/track/worker.js")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert "Service-Worker-Allowed" not in answer.headers
    assert 'addEventListener("push"' in answer.content.decode()

"""A customer's devices: all of them are told, one that is gone is forgotten, each coming and going is on record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from core.errors import InvalidInput
from core.models import Event
from notifications.models import Delivery, Notice, PushSubscription
from notifications.services import Place, end_gone_push, subscribe_push
from notifications.services.notices import follow_delivery
from tests.factories.notices import PHONE, make_account, make_notice_row, make_words, run_all
from tests.providers import Provider, provider_server

pytestmark = pytest.mark.django_db(transaction=True)
HER = 7


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    settings.OUTGOING_ALLOW = ["127.0.0.1"]
    make_words()
    with provider_server() as server:
        for channel in ("push", "sms"):
            make_account(channel, server)
        yield server


def choose(provider: Provider, *names: str, customer_id: int = HER) -> list[Place]:
    """Have devices chosen and return the ways to them, a text message last."""
    told = [provider.subscription(name) for name in names]
    for subscription in told:
        subscribe_push(customer_id=customer_id, subscription=subscription, at=timezone.now())
    return [*(Place("push", subscription) for subscription in told), Place("sms", PHONE)]


def devices() -> list[str]:
    rows = PushSubscription.objects.order_by("pk")
    return [json.loads(row.place)["endpoint"].rsplit("/", 1)[1] for row in rows]


def changes() -> list[tuple[str, str]]:
    rows = Event.objects.filter(kind__startswith="push.").order_by("pk")
    return [(row.kind, row.actor_type) for row in rows]


def states() -> list[tuple[str, str]]:
    return list(Delivery.objects.order_by("pk").values_list("channel", "state"))


def test_all_devices_are_told_and_no_other_channel(provider: Provider) -> None:
    notice = make_notice_row(provider, places=choose(provider, "phone", "tablet", "work"))
    run_all()
    notice.refresh_from_db()
    assert states() == [("push", "sent")] * 3
    assert (notice.state, notice.channel, len(provider.pushes)) == ("sent", "push", 3)


def test_a_device_that_is_gone_is_forgotten_and_the_others_are_told(provider: Provider) -> None:
    places = choose(provider, "phone", "lost")
    provider.answer = lambda what, params: (410, {}) if params.get("path") == "/push/lost" else None
    make_notice_row(provider, places=places)
    run_all()
    assert sorted(states()) == [("push", "failed"), ("push", "sent")]
    assert (Notice.objects.get().state, devices()) == ("sent", ["phone"])
    assert [kind for kind, _actor in changes()] == ["push.subscribed", "push.subscribed", "push.ended"]
    assert changes()[-1][1] == "system"
    end_gone_push(place=places[1].to, at=timezone.now())
    end_gone_push(place="nothing of ours", at=timezone.now())
    assert len(changes()) == 3


def test_when_no_device_is_left_the_next_channel_is_tried_once(provider: Provider) -> None:
    provider.answer = lambda what, params: (404, {}) if what == "push" else None
    notice = make_notice_row(provider, places=choose(provider, "phone", "tablet"))
    run_all(2)
    for _again in range(2):
        for row in Delivery.objects.order_by("-pk"):
            follow_delivery(delivery_id=row.pk, at=timezone.now())
    notice.refresh_from_db()
    assert states() == [("push", "failed"), ("push", "failed"), ("sms", "sent")]
    assert (notice.state, notice.channel, devices()) == ("sent", "sms", [])
    assert notice.skips == [{"channel": "push", "reason": "push.404"}]


def test_the_oldest_of_six_devices_gives_way(provider: Provider) -> None:
    choose(provider, *(f"device-{n}" for n in range(6)))
    assert devices() == [f"device-{n}" for n in range(1, 6)]
    assert [kind for kind, _actor in changes()].count("push.ended") == 1


def test_a_device_that_changes_hands_ends_for_the_one_before(provider: Provider) -> None:
    choose(provider, "phone")
    choose(provider, "phone", customer_id=8)
    assert PushSubscription.objects.get().customer_id == 8
    ended = Event.objects.get(kind="push.ended")
    assert ended.customer_id == HER


def test_in_the_clear_only_in_the_trial(provider: Provider, settings: Any) -> None:
    settings.OUTGOING_ALLOW, settings.TRIAL = [], False
    told = json.loads(provider.subscription()) | {"endpoint": "http://push.example/device"}
    with pytest.raises(InvalidInput):
        subscribe_push(customer_id=HER, subscription=json.dumps(told), at=timezone.now())
    told["endpoint"] = "https://push.example/device"
    subscribe_push(customer_id=HER, subscription=json.dumps(told), at=timezone.now())
    assert devices() == ["device"]

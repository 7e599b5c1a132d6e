"""Outgoing webhooks: each event once, signed, again until it is taken; nothing inside is ever asked."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Notification
from core.actors import SYSTEM, Actor
from core.errors import Conflict, InvalidInput, StaleEdit, TransitionNotAllowed
from core.jobs import drain
from core.models import Event, Job
from notifications.models import Webhook, WebhookFeed, WebhookSent, WebhookTry
from notifications.services import webhook_feed, webhook_sending
from notifications.services import webhooks as services
from notifications.services.webhook_feed import feed_webhooks, forget_webhook_messages
from notifications.services.webhook_sending import claim_message, owe_due_webhooks, transmit
from notifications.services.webhooks import WebhookDraft
from notifications.webhook_enums import RETRIES
from notifications.webhook_kinds import WEBHOOK_KINDS
from tests.factories.accounts import make_staff
from tests.factories.orders import make_order, make_shop
from tests.factories.tickets import make_ticket
from tests.factories.webhooks import make_webhook, tick
from tests.notifications.test_listener import ROOT, environment
from tests.receiver import Receiver, receiving

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """Run a receiver that the operator allows to be asked."""
    settings.OUTGOING_ALLOW = ["127.0.0.1"]
    with receiving() as one:
        yield one


def again(webhook: Webhook) -> None:
    """Let every wait be over."""
    past = timezone.now() - timedelta(seconds=1)
    WebhookSent.objects.filter(state="queued").update(next_try_at=past, held_until=None)
    Webhook.objects.filter(pk=webhook.pk).update(rest_until=None)


def test_event_is_told_once_signed_and_without_a_word_about_the_person(receiver: Receiver) -> None:
    _webhook, secret = make_webhook(receiver.url)
    order = make_order(at=timezone.now(), phone="13912345678", recipient="李小红")
    tick()
    tick()
    (heard,) = receiver.heard
    event = Event.objects.get(kind="order.placed")
    told = heard.told
    assert heard.is_signed_with(secret)
    assert not heard.is_signed_with("whsec_" + "A" * 32)
    assert (told["type"], told["version"], told["id"]) == ("order.placed", 1, f"evt_{event.pk}")
    assert told["data"]["order_number"] == order.number
    assert told["data"]["shop"] == order.shop.code
    assert heard.headers["webhook-id"] == WebhookSent.objects.get().message_id
    for personal in ("李小红", "13912345678", "139****", "文三路", "西湖"):
        assert personal not in heard.body.decode()
    sent = WebhookSent.objects.get()
    assert (sent.state, sent.attempts, sent.last_code) == ("sent", 1, "200")
    row = WebhookTry.objects.get()
    assert "webhook-id" in row.request_head
    assert "signature" not in row.request_head
    assert secret not in row.request_head
    assert "ok" in row.answer_head


def test_only_chosen_kinds_of_chosen_shops_are_told_and_history_never(receiver: Receiver) -> None:
    own, far = make_shop("own"), make_shop("far")
    make_webhook(receiver.url, kinds=["order.placed"], shop_ids=[own.pk])
    mine = make_order(shop=own, at=timezone.now())
    make_order(shop=far, at=timezone.now())
    make_order(shop=own, at=timezone.now(), origin="import")
    make_order(shop=own, at=timezone.now(), origin="demo")
    make_ticket(shop_id=own.pk)
    tick()
    assert [one.told["data"]["order_number"] for one in receiver.heard] == [mine.number]


def test_what_happened_before_is_not_told_and_a_pause_is_a_gap(receiver: Receiver) -> None:
    make_order(at=timezone.now())
    webhook, _secret = make_webhook(receiver.url)
    tick()
    services.pause_webhook(webhook_id=webhook.pk, actor=SYSTEM, at=timezone.now())
    make_order(at=timezone.now())
    tick()
    services.resume_webhook(webhook_id=webhook.pk, actor=SYSTEM, at=timezone.now())
    last = make_order(at=timezone.now())
    tick()
    assert [one.told["data"]["order_number"] for one in receiver.heard] == [last.number]
    with pytest.raises(TransitionNotAllowed):
        services.resume_webhook(webhook_id=webhook.pk, actor=SYSTEM, at=timezone.now())


def test_event_of_an_open_transaction_is_waited_for_and_not_skipped(receiver: Receiver) -> None:
    """A later event commits first: reading by id alone would pass the earlier one by for ever."""
    import psycopg

    make_webhook(receiver.url)
    make_order(at=timezone.now())
    feed_webhooks(at=timezone.now())
    early: dict[str, Any] = dict(Event.objects.filter(kind="order.placed").values().get())
    with psycopg.connect(**{k: v for k, v in connection.get_connection_params().items() if k in _PLACE}) as other:
        names = [name for name in early if name not in {"id", "xid", "recorded_at", "data"}]
        columns, holes = ", ".join(names), ", ".join(["%s"] * len(names))
        other.execute(
            f"INSERT INTO core_event ({columns}, data) VALUES ({holes}, '{{}}')",
            [early[name] for name in names],
        )
        later = make_order(at=timezone.now())
        tick()
        assert later.number not in [one.told["data"]["order_number"] for one in receiver.heard]  # the window is open
        other.commit()
    tick()
    assert len(receiver.heard) == 3
    assert len(set(receiver.ids)) == 3


_PLACE = {"host", "port", "dbname", "user", "password"}


def test_two_readers_of_the_log_make_no_second_message(receiver: Receiver) -> None:
    from tests.orders.test_track_limits import together

    make_webhook(receiver.url)
    for _n in range(5):
        make_order(at=timezone.now())
    made = together(4, lambda _n: feed_webhooks(at=timezone.now()))
    feed_webhooks(at=timezone.now())
    assert WebhookSent.objects.count() == 5
    assert sum(made) <= 5
    event = WebhookSent.objects.first()
    assert event is not None
    with pytest.raises(IntegrityError), transaction.atomic():
        WebhookSent.objects.create(
            webhook=event.webhook, event_id=event.event_id, message_id="msg_x", kind="k", body="{}",
            next_try_at=timezone.now(), queued_at=timezone.now(),
        )  # fmt: skip


def test_many_events_are_read_in_chunks(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_feed, "CHUNK", 3)
    make_webhook(receiver.url)
    for _n in range(8):
        make_order(at=timezone.now())
    monkeypatch.setattr(webhook_feed, "BUDGET", 0.0)
    feed_webhooks(at=timezone.now())
    assert WebhookSent.objects.count() == 0
    monkeypatch.setattr(webhook_feed, "BUDGET", 5.0)
    assert feed_webhooks(at=timezone.now()) == 8
    feed = WebhookFeed.objects.get()
    assert (feed.window_end, feed.last_id) == (None, 0)


def test_a_database_brought_back_from_a_copy_is_read_from_its_present(receiver: Receiver) -> None:
    make_webhook(receiver.url)
    WebhookFeed.objects.update(upto=F("upto") + 10**9)
    make_order(at=timezone.now())
    feed_webhooks(at=timezone.now())
    order = make_order(at=timezone.now())
    tick()
    assert [one.told["data"]["order_number"] for one in receiver.heard] == [order.number]


@pytest.mark.parametrize(
    ("status", "headers", "code"),
    [(500, {}, "500"), (404, {}, "404"), (302, {"Location": "http://127.0.0.1:1/inside"}, "302"), (429, {}, "429")],
)
def test_refusal_is_tried_again_with_the_same_id_until_it_is_taken(
    receiver: Receiver, status: int, headers: dict[str, str], code: str
) -> None:
    webhook, secret = make_webhook(receiver.url)
    receiver.status, receiver.headers = status, headers
    make_order(at=timezone.now())
    tick()
    sent = WebhookSent.objects.get()
    assert (sent.state, sent.last_code, sent.tries_left) == ("queued", code, 9)
    assert sent.next_try_at is not None
    webhook.refresh_from_db()
    assert (webhook.failures, webhook.last_code) == (1, code)
    tick()
    assert len(receiver.heard) == 1  # it waits
    receiver.status, receiver.headers = 204, {}
    again(webhook)
    tick()
    assert receiver.ids[0] == receiver.ids[1]
    assert receiver.heard[0].body == receiver.heard[1].body
    assert all(one.is_signed_with(secret) for one in receiver.heard)
    webhook.refresh_from_db()
    assert (webhook.failures, webhook.failing_since, webhook.rest_until) == (0, None, None)
    assert WebhookSent.objects.get().state == "sent"


def test_huge_answer_is_cut_and_cleaned(receiver: Receiver) -> None:
    make_webhook(receiver.url)
    receiver.answer = b"<script>\x00\x1b[31m" + b"x" * 5_000_000
    make_order(at=timezone.now())
    tick()
    row = WebhookTry.objects.get()
    assert (row.status, len(row.answer_head) <= 600) == (200, True)
    assert "\x00" not in row.answer_head
    assert "\x1b" not in row.answer_head


def test_slow_receiver_is_cut_off_and_left_alone(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.posting.SECONDS", 0.3)
    webhook, _secret = make_webhook(receiver.url)
    receiver.delay = 1.0
    for _n in range(4):
        make_order(at=timezone.now())
    tick()
    assert len(receiver.heard) == 1  # the first failure ends the run: the others wait without a try
    assert sorted(WebhookSent.objects.values_list("last_code", flat=True)) == ["", "", "", "too_slow"]
    webhook.refresh_from_db()
    assert webhook.rest_until is not None
    assert not owe_due_webhooks(now=timezone.now())


def test_dead_receiver_costs_the_others_nothing(receiver: Receiver) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead, _ = make_webhook(f"http://127.0.0.1:{closed.getsockname()[1]}/", name="dead")
    live, _ = make_webhook(receiver.url, name="live")
    for _n in range(10):
        make_order(at=timezone.now())
    tick()
    assert len(receiver.heard) == 10
    assert WebhookTry.objects.filter(sent__webhook=dead).count() == 1
    dead.refresh_from_db()
    live.refresh_from_db()
    assert (dead.failures, live.failures) == (1, 0)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://127.0.0.1:80/", "127.0.0.1"), ("http://localhost/", "127.0.0.1"), ("https://10.0.0.8/x", "10.0.0.8"),
        ("http://[::1]/", "::1"), ("http://[::ffff:127.0.0.1]/", "::ffff:127.0.0.1"),
        ("http://169.254.169.254/latest/meta-data/", "169.254.169.254"), ("http://2130706433/", "127.0.0.1"),
        ("http://0x7f.1/", "127.0.0.1"), ("http://0/", "0.0.0.0"), ("https://192.168.1.1/", "192.168.1.1"),
        ("https://inside.example/", "172.16.0.9"), ("https://six.example/", "fd00::1"),
    ],
)  # fmt: skip
def test_places_inside_are_never_asked(url: str, place: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.OUTGOING_ALLOW = []
    webhook, _secret = make_webhook("https://erp.example/hook")
    Webhook.objects.filter(pk=webhook.pk).update(url=url)
    make_order(at=timezone.now())
    feed_webhooks(at=timezone.now())
    sent = claim_message(webhook_id=webhook.pk, at=timezone.now())
    assert sent is not None
    resolved = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, 80))]
    monkeypatch.setattr("core.outgoing.socket.getaddrinfo", lambda *_a, **_k: resolved)
    came = transmit(sent)
    monkeypatch.undo()
    assert came.code == "address_refused"


def test_a_name_that_changes_its_address_is_asked_where_it_was_checked(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OUTGOING_ALLOW = []
    answers = iter(["93.184.216.34", "127.0.0.1", "127.0.0.1"])
    asked: list[str] = []

    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(address: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        asked.append(address[0])
        raise ConnectionRefusedError

    webhook, _secret = make_webhook("https://rebind.example/hook")
    make_order(at=timezone.now())
    feed_webhooks(at=timezone.now())
    sent = claim_message(webhook_id=webhook.pk, at=timezone.now())
    assert sent is not None
    monkeypatch.setattr("core.outgoing.socket.getaddrinfo", resolve)
    monkeypatch.setattr("core.outgoing.socket.create_connection", connect)
    came = transmit(sent)
    monkeypatch.undo()
    assert came.code == "not_reached"
    assert asked == ["93.184.216.34"]


@pytest.mark.parametrize(
    "url",
    ["ftp://erp.example/", "https://user:pw@erp.example/", "erp.example", "https://", "javascript:alert(1)",
     "https://erp.example/#x", "https://erp.example/ x", "http://erp.example/", "file:///etc/passwd", ""],
)  # fmt: skip
def test_addresses_that_are_none_are_refused_on_the_page(url: str, settings: Any) -> None:
    settings.OUTGOING_ALLOW, settings.TRIAL = [], False
    with pytest.raises(InvalidInput) as refused:
        make_webhook(url)
    assert list(refused.value.fields) == ["url"]


DIES = """
import os, django
django.setup()
from core.jobs import drain
from notifications.services import webhook_sending

def die(**facts):
    os._exit(9)

webhook_sending.settle_message = die
drain(seconds=10)
"""


@pytest.mark.slow
def test_death_between_the_receivers_200_and_our_commit_sends_the_same_id_again(receiver: Receiver) -> None:
    _webhook, secret = make_webhook(receiver.url)
    make_order(at=timezone.now())
    feed_webhooks(at=timezone.now())
    owe_due_webhooks(now=timezone.now())
    done = subprocess.run(
        [sys.executable, "-c", DIES],
        cwd=ROOT,
        env=environment(OUTGOING_ALLOW="127.0.0.1", PYTHONPATH=str(ROOT)),
        check=False,
        capture_output=True,
    )
    assert done.returncode == 9, done.stderr.decode()
    sent = WebhookSent.objects.get()
    assert (sent.state, sent.attempts, len(receiver.heard)) == ("queued", 1, 1)
    Job.objects.filter(state="running").update(lease_until=timezone.now())
    WebhookSent.objects.update(held_until=timezone.now())
    drain(seconds=10)
    sent.refresh_from_db()
    assert (sent.state, sent.attempts) == ("sent", 2)
    assert receiver.ids == [sent.message_id] * 2
    assert receiver.heard[0].body == receiver.heard[1].body
    assert all(one.is_signed_with(secret) for one in receiver.heard)


def test_two_workers_never_talk_about_one_message(receiver: Receiver) -> None:
    from tests.orders.test_track_limits import together

    webhook, _secret = make_webhook(receiver.url)
    for _n in range(6):
        make_order(at=timezone.now())
    feed_webhooks(at=timezone.now())
    receiver.delay = 0.05
    together(4, lambda _n: webhook_sending.send_webhooks(webhook_id=webhook.pk, wave=webhook.wave))
    assert len(receiver.ids) == len(set(receiver.ids)) == 6
    assert set(WebhookSent.objects.values_list("state", "attempts")) == {("sent", 1)}
    webhook.refresh_from_db()
    assert webhook.wave == 2


def test_worker_lost_every_time_gives_the_message_up(receiver: Receiver) -> None:
    webhook, _secret = make_webhook(receiver.url)
    make_order(at=timezone.now())
    feed_webhooks(at=timezone.now())
    WebhookSent.objects.update(tries_left=0, attempts=10)
    assert claim_message(webhook_id=webhook.pk, at=timezone.now()) is None
    sent = WebhookSent.objects.get()
    assert (sent.state, sent.last_code) == ("failed", "interrupted")


def test_lost_job_is_owed_again(receiver: Receiver) -> None:
    webhook, _secret = make_webhook(receiver.url)
    make_order(at=timezone.now())
    feed_webhooks(at=timezone.now())
    assert owe_due_webhooks(now=timezone.now()) == 1
    assert owe_due_webhooks(now=timezone.now()) == 0  # one at a time
    Job.objects.filter(name="notifications.send_webhooks").update(state="quarantined", done_at=timezone.now())
    owe_due_webhooks(now=timezone.now())
    assert owe_due_webhooks(now=timezone.now()) == 1
    drain(seconds=10)
    assert len(receiver.heard) == 1
    assert webhook.pk


def test_ten_tries_within_three_days_then_it_is_given_up_and_replayed_by_hand(receiver: Receiver) -> None:
    assert timedelta(days=2, hours=20) < sum(RETRIES, timedelta()) <= timedelta(days=3)
    webhook, _secret = make_webhook(receiver.url)
    receiver.status = 500
    make_order(at=timezone.now())
    for _n in range(10):
        tick()
        again(webhook)
    sent = WebhookSent.objects.get()
    assert (sent.state, sent.attempts, len(receiver.heard)) == ("failed", 10, 10)
    assert list(sent.tries.order_by("number").values_list("number", flat=True)) == list(range(1, 11))
    receiver.status = 200
    services.replay_message(sent_id=sent.pk, at=timezone.now())
    with pytest.raises(TransitionNotAllowed):
        services.replay_message(sent_id=sent.pk, at=timezone.now())
    again(webhook)
    tick()
    assert len(set(receiver.ids)) == 1  # the same id: who took it already knows
    assert WebhookSent.objects.get().state == "sent"


def test_receiver_that_took_nothing_for_three_days_is_switched_off_with_a_notice(receiver: Receiver) -> None:
    owner, admin = make_staff(roles=["supervisor"]), make_staff(roles=["admin"])
    webhook, _secret = make_webhook(receiver.url, owner=owner)
    receiver.status = 503
    for _n in range(3):
        make_order(at=timezone.now())
    tick()
    Webhook.objects.filter(pk=webhook.pk).update(failing_since=timezone.now() - timedelta(days=3, minutes=1))
    again(webhook)
    tick()
    webhook.refresh_from_db()
    assert webhook.state == "disabled"
    assert set(WebhookSent.objects.values_list("state", "last_code")) == {("failed", "disabled")}
    assert set(Notification.objects.values_list("staff_id", "kind")) == {
        (owner.pk, "webhook.disabled"), (admin.pk, "webhook.disabled"),
    }  # fmt: skip
    assert Event.objects.get(kind="webhook.disabled").data == {"cause": "failing", "failures": 2}
    make_order(at=timezone.now())
    tick()
    assert len(receiver.heard) == 2
    receiver.status = 200
    services.resume_webhook(webhook_id=webhook.pk, actor=SYSTEM, at=timezone.now())
    assert services.replay_failed(webhook_id=webhook.pk, at=timezone.now()) == 3
    tick()
    assert WebhookSent.objects.filter(state="sent").count() == 3


def test_receiver_that_is_gone_is_switched_off_at_once(receiver: Receiver) -> None:
    webhook, _secret = make_webhook(receiver.url)
    receiver.status = 410
    make_order(at=timezone.now())
    tick()
    webhook.refresh_from_db()
    assert webhook.state == "disabled"
    assert Event.objects.get(kind="webhook.disabled").data["cause"] == "gone"


def test_after_a_rotation_both_secrets_sign_for_a_day(receiver: Receiver, time_machine: Any) -> None:
    webhook, old = make_webhook(receiver.url)
    _rotated, new = services.rotate_secret(webhook_id=webhook.pk, actor=SYSTEM, at=timezone.now())
    make_order(at=timezone.now())
    tick()
    assert receiver.heard[0].is_signed_with(old)
    assert receiver.heard[0].is_signed_with(new)
    Webhook.objects.update(old_secret_until=timezone.now())
    make_order(at=timezone.now())
    tick()
    assert not receiver.heard[1].is_signed_with(old)
    assert receiver.heard[1].is_signed_with(new)
    row = Webhook.objects.get()
    assert old.encode() not in bytes(row.secret_enc) + bytes(row.old_secret_enc or b"")


def test_test_message_is_tried_once_and_counts_for_nothing(receiver: Receiver) -> None:
    webhook, secret = make_webhook(receiver.url)
    good = services.try_webhook(webhook_id=webhook.pk, at=timezone.now())
    assert (good.state, receiver.heard[0].told["type"]) == ("sent", "webhook.ping")
    assert receiver.heard[0].is_signed_with(secret)
    receiver.status = 500
    bad = services.try_webhook(webhook_id=webhook.pk, at=timezone.now())
    assert (bad.state, bad.last_code) == ("failed", "500")
    webhook.refresh_from_db()
    assert webhook.failures == 0
    services.pause_webhook(webhook_id=webhook.pk, actor=SYSTEM, at=timezone.now())
    with pytest.raises(Conflict):
        services.try_webhook(webhook_id=webhook.pk, at=timezone.now())


def test_two_edits_at_once_are_told_apart() -> None:
    webhook, _secret = make_webhook()
    actor = Actor.staff(make_staff(roles=["admin"]))
    draft = WebhookDraft("ERP 2", "https://erp.example/2", ("order.paid",))
    services.edit_webhook(webhook_id=webhook.pk, version=1, draft=draft, actor=actor, at=timezone.now())
    with pytest.raises(StaleEdit):
        services.edit_webhook(
            webhook_id=webhook.pk, version=1, draft=WebhookDraft("x", "https://erp.example/3", ("order.paid",)),
            actor=actor, at=timezone.now(),
        )  # fmt: skip
    assert Event.objects.get(kind="webhook.changed").data == {"fields": ["name", "url", "kinds"]}
    with pytest.raises(InvalidInput):
        services.create_webhook(
            draft=WebhookDraft("x", "https://erp.example/3", ("ticket.worked",)), actor=actor, at=timezone.now()
        )


def test_messages_are_forgotten_after_a_month_but_not_what_waits(receiver: Receiver) -> None:
    make_webhook(receiver.url)
    make_order(at=timezone.now())
    tick()
    make_order(at=timezone.now())
    feed_webhooks(at=timezone.now())
    later = timezone.now() + timedelta(days=31)
    assert forget_webhook_messages(at=timezone.now()) == 0
    assert forget_webhook_messages(at=later) == 1
    assert list(WebhookSent.objects.values_list("state", flat=True)) == ["queued"]
    assert WebhookTry.objects.count() == 0


def test_every_public_kind_is_declared_documented_and_free_of_text() -> None:
    from dataclasses import fields
    from datetime import datetime
    from decimal import Decimal
    from typing import get_type_hints

    from core.events.kinds import KINDS as DECLARED

    page = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    for kind, known in WEBHOOK_KINDS.items():
        assert kind in DECLARED
        assert f"`{kind}`" in page
        hints = get_type_hints(known.payload)
        for field in fields(known.payload):
            assert f"`{field.name}`" in page, f"{known.payload.__name__}.{field.name}"
            allowed = [int, str, Decimal, datetime, int | None, datetime | None, list[dict[str, int]]]
            assert hints[field.name] in allowed
    personal = re.compile(r"name|phone|mail|street|recipient|note|text|subject")
    assert [f.name for k in WEBHOOK_KINDS.values() for f in fields(k.payload) if personal.search(f.name)] == []
    assert json.loads(json.dumps(sorted(WEBHOOK_KINDS)))

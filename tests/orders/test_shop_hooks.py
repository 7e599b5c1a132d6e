"""Webhooks of Shopify and WooCommerce: genuine, kept, applied once, in any order the same; enemies get nothing."""

import itertools
import json
import random
import threading
from datetime import UTC, datetime

import pytest
from django.db import connection as db
from django.test import Client
from django.utils import timezone

from core.actors import SYSTEM
from core.crypto import decrypt, encrypt
from core.errors import Conflict
from core.jobs import drain
from core.models import Event
from orders.errors import InvalidOrder
from orders.models import Carrier, CarrierName, InboundHook, Order, Parcel, Refund, SourceOrder
from orders.platforms import shopify, woocommerce
from orders.platforms.base import Unreadable, parse
from orders.services import sources
from orders.services.erasing import erase_order_texts
from orders.services.sources import receiving
from orders.services.sources.folding import fold, is_partly_sent, order_of
from tests.factories.orders import make_shop
from tests.orders.shop_messages import (
    ORDER,
    SECRET,
    T0,
    WOO,
    body_of,
    refund,
    shipment,
    shopify_headers,
    shopify_order,
    signature,
    woo_headers,
)

pytestmark = pytest.mark.django_db
BOOK = {"sf express": "shunfeng", "yto express": "yuantong"}
DAY = "2026-11-1{}T{:02d}:00:00+08:00"


def connect(platform="shopify", origin="", shop=None):
    draft = sources.ConnectionDraft(platform, origin, SECRET)
    return sources.add_connection(shop_id=(shop or make_shop()).pk, draft=draft, actor=SYSTEM, at=timezone.now())


def post(found, told, topic="orders/create", headers=None, client=None):
    body = told if isinstance(told, bytes) else body_of(told)
    made = headers if headers is not None else shopify_headers(body, topic)
    url = f"/api/v1/hooks/shops/{found.token}/"
    return (client or Client()).post(url, body, content_type="application/json", headers=made)


def apply_all():
    for pk in InboundHook.objects.filter(state="stored").order_by("pk").values_list("pk", flat=True):
        sources.apply_message(hook_id=pk, at=timezone.now())


def picture(order):
    """Return all of an order that must not depend on the order of its messages."""
    order = Order.objects.get(pk=order.pk)
    fields = ("number", "status", "total", "paid", "discount", "shipping_fee", "recipient", "region", "buyer_note")
    dates = ("placed_at", "paid_at", "shipped_at", "delivered_at", "cancelled_at")
    return {
        **{name: getattr(order, name) for name in (*fields, *dates, "is_partly_sent")},
        "street": decrypt(order.street_enc),
        "items": list(order.items.order_by("line").values_list("sku", "title", "quantity", "unit_price")),
        "payments": sorted(order.payments.values_list("method", "reference", "amount", "paid_at")),
        "parcels": sorted(
            order.parcels.values_list("carrier__code", "tracking_number", "status", "shipped_at", "delivered_at")
        ),
        "refunds": sorted(order.refunds.values_list("reference", "amount", "refunded_at")),
    }


def whole_story():
    """Return a realistic life: placed, address corrected, two parcels (one number corrected), delivered, refunded."""
    moved = {**ORDER["shipping_address"], "address1": "学院路 9 号"}
    first, wrong = {11: 2}, shipment(71, "SF1000000000009", DAY.format(1, 10), {11: 2})
    return [
        ("orders/create", shopify_order(T0)),
        ("orders/updated", shopify_order(DAY.format(0, 11), shipping_address=moved, note=None)),
        ("fulfillments/create", wrong),
        ("fulfillments/update", shipment(71, "SF1000000000001", DAY.format(1, 12), first)),
        ("fulfillments/update", shipment(71, "SF1000000000001", DAY.format(2, 9), first, shipment_status="delivered")),
        ("fulfillments/create",
         shipment(72, "YT2000000000002", DAY.format(2, 10), {12: 1}, company="YTO Express",
                  created_at=DAY.format(2, 10))),
        ("fulfillments/update",
         shipment(72, "YT2000000000002", DAY.format(3, 10), {12: 1}, company="YTO Express",
                  created_at=DAY.format(2, 10), shipment_status="in_transit")),
        ("fulfillments/update",
         shipment(72, "YT2000000000002", DAY.format(4, 10), {12: 1}, company="YTO Express",
                  created_at=DAY.format(2, 10), shipment_status="delivered")),
        ("refunds/create", refund(901, "9.90", DAY.format(5, 9))),
        ("orders/updated", shopify_order(DAY.format(5, 10), shipping_address=moved, note=None,
                                         financial_status="partially_refunded", current_total_price="178.00",
                                         refunds=[refund(901, "9.90", DAY.format(5, 9))])),
    ]  # fmt: skip


def cancelled_story():
    """Return the life of an order that is cancelled before it is sent."""
    gone = {"cancelled_at": DAY.format(0, 12), "financial_status": "refunded"}
    return [
        ("orders/create", shopify_order(T0, financial_status="pending", total_outstanding="187.90")),
        ("orders/updated", shopify_order(DAY.format(0, 10))),
        ("orders/cancelled", shopify_order(DAY.format(0, 12), **gone)),
        ("refunds/create", refund(902, "187.90", DAY.format(0, 12))),
        ("orders/updated", shopify_order(DAY.format(0, 13), **gone, note="已取消")),
    ]


def folded(messages):
    state: dict = {}
    for topic, told in messages:
        state = fold(state, shopify.read(parse(json.dumps(told)), topic))
    return state


@pytest.mark.parametrize("story", [whole_story, cancelled_story])
def test_any_order_and_repetition_folds_to_the_same(story):
    messages, dice = story(), random.Random(4)
    wanted = folded(messages)
    assert order_of(wanted, BOOK) is not None
    assert not is_partly_sent(wanted)
    tried = list(itertools.permutations(messages)) if len(messages) <= 5 else []
    for _ in range(3000 if not tried else 0):
        mixed = messages + dice.choices(messages, k=dice.randint(0, 6))
        dice.shuffle(mixed)
        tried.append(mixed)
    for mixed in tried:
        state = folded(mixed)
        assert state == wanted


@pytest.mark.parametrize("story", [whole_story, cancelled_story])
def test_any_order_and_repetition_gives_the_same_row(story):
    messages, dice, pictures = story(), random.Random(7), []
    for round_ in range(24):
        found = connect()
        mixed = list(messages)
        if round_:
            mixed += dice.choices(messages, k=dice.randint(0, 5))
            dice.shuffle(mixed)
        order = None
        for topic, told in mixed:
            news = shopify.read(parse(json.dumps(told)), topic)
            order = sources.mirror_news(connection_id=found.pk, news=news, actor=SYSTEM, at=timezone.now()) or order
        pictures.append(picture(order))
    assert all(one == pictures[0] for one in pictures), next(one for one in pictures if one != pictures[0])
    first = pictures[0]
    if story is whole_story:
        assert (first["status"], first["street"], first["buyer_note"]) == ("delivered", "学院路 9 号", "")
        assert [row[:3] for row in first["parcels"]] == [
            ("shunfeng", "SF1000000000001", "delivered"), ("yuantong", "YT2000000000002", "delivered"),
        ]  # fmt: skip
        assert (first["delivered_at"], len(first["refunds"])) == (datetime(2026, 11, 14, 2, 0, tzinfo=UTC), 1)
    else:
        assert (first["status"], first["cancelled_at"]) == ("cancelled", datetime(2026, 11, 10, 4, 0, tzinfo=UTC))


def test_a_first_parcel_that_arrives_is_not_the_whole_order():
    found = connect()
    messages = whole_story()
    for topic, told in [messages[0], messages[4]]:
        news = shopify.read(told, topic)
        order = sources.mirror_news(connection_id=found.pk, news=news, actor=SYSTEM, at=timezone.now())
    assert (order.status, order.is_partly_sent, order.parcels.get().status) == ("shipped", True, "delivered")


@pytest.mark.django_db(transaction=True)
def test_shopify_from_the_door_to_the_order():
    found = connect(origin="https://Cups.myshopify.com/")
    for topic, told in whole_story():
        answer = post(found, told, topic)
        assert (answer.status_code, answer.json()) == (200, {"received": True, "repeat": False})
    assert post(found, shopify_order(T0)).json()["repeat"] is True
    drain(seconds=10)
    order = Order.objects.get()
    assert (order.number, order.status, order.source, order.recipient) == ("1001", "delivered", "hook", "李小红")
    assert set(InboundHook.objects.values_list("state", flat=True)) == {"applied"}
    assert Refund.objects.get().reference == "901"
    assert Event.objects.filter(kind="order.refunded").count() == 1
    assert "李小红".encode() not in b"".join(bytes(h.body_enc) for h in InboundHook.objects.all())


@pytest.mark.django_db(transaction=True)
def test_woocommerce_from_its_greeting_to_the_deleted_order():
    found = connect("woocommerce", "lamps.example.com")
    url = f"/api/v1/hooks/shops/{found.token}/"
    greeting = Client().post(url, b"webhook_id=12", content_type="application/x-www-form-urlencoded")
    assert greeting.status_code == 200
    assert not InboundHook.objects.exists()
    tracked = {
        "key": "_wc_shipment_tracking_items",
        "value": [{"tracking_provider": "zto", "tracking_number": "ZT3000000001", "date_shipped": "1794412800"}],
    }
    done = {
        **WOO, "status": "completed", "date_modified_gmt": "2026-11-11T06:00:00",
        "date_completed_gmt": "2026-11-11T06:00:00", "meta_data": [tracked],
        "refunds": [{"id": 728, "reason": "破损", "total": "-10.00"}],
    }  # fmt: skip
    for topic, told in [("order.updated", done), ("order.created", WOO)]:
        body = body_of(told)
        assert post(found, body, headers=woo_headers(body, topic)).status_code == 200
    drain(seconds=10)
    order = Order.objects.get()
    assert (order.number, order.status, order.recipient, str(order.total)) == ("727", "shipped", "王强", "87.00")
    assert order.parcels.get().carrier.code == "zhongtong"
    assert str(order.refunds.get().amount) == "10.00"
    assert order.payments.get().reference == "2026112022001"
    body = body_of({"id": 727})
    post(found, body, headers=woo_headers(body, "order.deleted"))
    drain(seconds=10)
    order.refresh_from_db()
    assert order.status == "cancelled"


SPOILED = ["none", "signature", "byte", "reencoded", "secret", "token", "origin", "other_platform", "inactive"]


@pytest.mark.parametrize("spoil", SPOILED)
def test_what_is_not_genuine_is_refused_and_kept_nowhere(spoil):
    found = connect(origin="cups.myshopify.com")
    body = body_of(ORDER)
    headers = shopify_headers(body, "orders/create")
    if spoil == "none":
        headers.pop("X-Shopify-Hmac-Sha256")
    elif spoil == "signature":
        headers["X-Shopify-Hmac-Sha256"] = signature(b"other") + "\u00e9".encode().decode("latin-1")
    elif spoil == "byte":
        body = body.replace(b"187.90", b"187.91")
    elif spoil == "reencoded":
        body = json.dumps(ORDER).encode()
    elif spoil == "secret":
        headers = shopify_headers(body, "orders/create", secret="another-secret")
    elif spoil == "token":
        found.token = "x" * 32
    elif spoil == "origin":
        headers["X-Shopify-Shop-Domain"] = "thieves.myshopify.com"
    elif spoil == "other_platform":
        headers = woo_headers(body, "order.created")
    else:
        type(found).objects.update(is_active=False)
    answer = post(found, body, headers=headers)
    assert answer.status_code in {401, 404}
    assert not InboundHook.objects.exists()
    found = type(found).objects.get()
    assert found.forged == (0 if spoil in {"token", "inactive"} else 1)


def test_a_greeting_opens_nothing():
    shop = connect("shopify")
    assert post(shop, b"webhook_id=1", headers={}).status_code == 401
    woo = connect("woocommerce")
    assert post(woo, b"webhook_id=1&order=2", headers={}).status_code == 401
    assert not InboundHook.objects.exists()


def test_a_captured_body_cannot_be_given_another_meaning():
    """Headers are not signed: another topic is refused, another id or time changes nothing."""
    found = connect()
    post(found, ORDER)
    body = body_of(ORDER)
    again = shopify_headers(body, "orders/create", **{"X-Shopify-Webhook-Id": "new", "X-Shopify-Event-Id": "new"})
    assert post(found, body, headers=again).json()["repeat"] is True
    other = body_of(shopify_order(DAY.format(1, 1)))
    post(found, other, headers=shopify_headers(other, "refunds/create"))
    apply_all()
    assert sorted(InboundHook.objects.values_list("state", "error_code")) == [
        ("applied", ""), ("refused", "hook_topic_differs"),
    ]  # fmt: skip


def test_one_shops_message_is_nothing_at_anothers_door():
    mine, theirs = connect(), connect()
    type(theirs).objects.filter(pk=theirs.pk).update(secret_enc=encrypt("quite-another"))
    assert post(theirs, ORDER).status_code == 401
    assert post(mine, ORDER).status_code == 200
    apply_all()
    assert Order.objects.get().shop_id == mine.shop_id


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\xff\xfe{", "hook_not_utf8"),
        (b"{", "hook_not_json"),
        (b"[]", "hook_not_object"),
        (b'{"a": NaN}', "hook_not_json"),
        (b'{"a":' * 30 + b"1" + b"}" * 30, "hook_too_deep"),
        (b"[" * 100_000, "hook_not_json"),
        (b'{"hello": 1}', "hook_of_unknown_type"),
        (body_of({**ORDER, "id": None}), "hook_without_id"),
        (body_of({**ORDER, "id": [1]}), "hook_wrong_shape"),
        (body_of({**ORDER, "created_at": "yesterday"}), "hook_not_date"),
        (body_of({**ORDER, "total_price": "1e400", "current_total_price": None}), "hook_not_amount"),
        (body_of({**ORDER, "total_price": "NaN", "current_total_price": None}), "hook_not_amount"),
        (body_of({**ORDER, "line_items": "x"}), "hook_wrong_shape"),
        (body_of({**ORDER, "line_items": []}), "invalid_order"),
        (body_of({**ORDER, "customer": 5}), "hook_wrong_shape"),
        (body_of({**ORDER, "name": "\u0000\ud83d".encode("utf-8", "ignore").decode(), "order_number": 7}), ""),
    ],
)
def test_genuine_but_unreadable_is_kept_as_refused_with_its_reason(body, code):
    found = connect()
    assert post(found, body, topic="").status_code == 200
    apply_all()
    hook = InboundHook.objects.get()
    assert (hook.state, hook.error_code) == (("refused", code) if code else ("applied", ""))
    assert hook.body_enc
    assert Order.objects.exists() == (not code)


def test_too_large_is_told_so():
    found = connect()
    assert post(found, b'{"a":"' + b"x" * (2 * 1024 * 1024) + b'"}').status_code == 413
    assert not InboundHook.objects.exists()


@pytest.mark.slow
def test_a_thousand_times_is_once():
    found, client = connect(), Client()
    body = body_of(ORDER)
    headers = shopify_headers(body, "orders/create")
    assert {post(found, body, headers=headers, client=client).status_code for _ in range(1000)} == {200}
    apply_all()
    assert (InboundHook.objects.count(), Order.objects.count(), SourceOrder.objects.count()) == (1, 1, 1)


def test_a_part_waits_for_its_order_and_is_not_lost():
    found = connect()
    _topic, sent = whole_story()[2]
    post(found, sent, "fulfillments/create")
    apply_all()
    assert InboundHook.objects.get().state == "waiting"
    post(found, ORDER)
    apply_all()
    assert set(InboundHook.objects.values_list("state", flat=True)) == {"applied"}
    assert Order.objects.get().parcels.count() == 1


def test_a_carrier_nobody_knows_is_listed_and_matched_later():
    found = connect()
    post(found, ORDER)
    post(
        found,
        shipment(71, "4PX3000000001", DAY.format(1, 10), {11: 2, 12: 1}, company=" 4PX  Global "),
        "fulfillments/create",
    )
    apply_all()
    assert Parcel.objects.get().carrier.code == "other"
    name = CarrierName.objects.get()
    assert (name.key, name.carrier) == ("4px global", None)
    carrier = Carrier.objects.get(code="shunfeng")
    sources.match_carrier_name(name_id=name.pk, carrier_id=carrier.pk, actor=SYSTEM, at=timezone.now())
    assert sources.mirror_waiting_names(key=name.key, actor=SYSTEM, at=timezone.now()) > 0
    assert Parcel.objects.get().carrier.code == "shunfeng"
    assert sources.mirror_waiting_names(key=name.key, actor=SYSTEM, at=timezone.now()) == 0


def test_replay_by_hand_tells_it_once_more_and_does_nothing_twice():
    found = connect()
    for topic, told in whole_story():
        post(found, told, topic)
    with pytest.raises(Conflict):
        sources.replay_hook(hook_id=InboundHook.objects.first().pk, actor=SYSTEM, at=timezone.now())
    apply_all()
    before, events = picture(Order.objects.get()), Event.objects.exclude(kind__startswith="shop_connection").count()
    for hook in InboundHook.objects.order_by("-pk"):
        sources.replay_hook(hook_id=hook.pk, actor=SYSTEM, at=timezone.now())
    apply_all()
    assert picture(Order.objects.get()) == before
    assert Event.objects.exclude(kind__startswith="shop_connection").count() == events
    assert Event.objects.filter(kind="shop_connection.hook_replayed").count() == 10


def test_an_erased_person_does_not_come_back_with_a_replay():
    found = connect()
    post(found, ORDER)
    apply_all()
    order = Order.objects.get()
    erase_order_texts(order.customer_id)
    assert InboundHook.objects.get().body_enc is None
    post(found, shopify_order(DAY.format(3, 1)), "orders/updated")
    apply_all()
    order.refresh_from_db()
    assert (order.recipient, order.street_enc) == ("", None)


def test_killed_between_keeping_and_applying_it_is_applied_by_the_next(monkeypatch):
    found = connect()
    post(found, ORDER)

    def die(**_told):
        raise SystemExit

    monkeypatch.setattr(receiving, "mirror_news", die)
    hook = InboundHook.objects.get()
    with pytest.raises(SystemExit):
        sources.apply_message(hook_id=hook.pk, at=timezone.now())
    hook.refresh_from_db()
    assert (hook.state, Order.objects.count()) == ("stored", 0)
    monkeypatch.undo()
    apply_all()
    assert Order.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_apply_each_message_once():
    found = connect()
    for topic, told in whole_story():
        post(found, told, topic)
    ids = list(InboundHook.objects.values_list("pk", flat=True))
    gate, failed = threading.Barrier(2), []

    def work(order):
        gate.wait(timeout=20)
        try:
            for pk in order:
                sources.apply_message(hook_id=pk, at=timezone.now())
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            failed.append(error)
        finally:
            db.close()

    threads = [threading.Thread(target=work, args=(order,)) for order in (ids, ids[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failed == []
    assert Order.objects.get().status == "delivered"
    assert (Event.objects.filter(kind="order.placed").count(), Refund.objects.count()) == (1, 1)
    assert set(InboundHook.objects.values_list("state", flat=True)) == {"applied"}


def test_woo_tells_moments_without_offset_in_utc():
    news = woocommerce.read({**WOO}, "order.created")
    assert news.at == datetime(2026, 11, 10, 1, 5, tzinfo=UTC)
    with pytest.raises(Unreadable):
        woocommerce.read({"id": 1}, "order.updated")


def test_amounts_a_database_cannot_hold_are_refused():
    found = connect()
    told = shopify_order(T0, line_items=[{**ORDER["line_items"][0], "title": "x" * 300, "variant_title": None}])
    with pytest.raises(InvalidOrder):
        sources.mirror_news(connection_id=found.pk, news=shopify.read(told, ""), actor=SYSTEM, at=timezone.now())

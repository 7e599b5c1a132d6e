"""The API: idempotent, per-field problems, doors by scope and shop; signed webhooks applied once."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from core.actors import SYSTEM
from core.jobs import drain
from core.models import IdempotentReply
from orders.models import InboundHook, Order, Scan
from orders.services import renew_hook_secret
from tests.factories.accounts import make_api_key
from tests.factories.orders import make_order, make_parcel, make_shop

pytestmark = pytest.mark.django_db
URL = "/api/v1/orders/"


def told(shop, **fields):
    return {
        "shop": shop.code,
        "number": "API-1",
        "placed_at": "2026-11-20T09:05:00+08:00",
        "phone": "13800138000",
        "items": [{"title": "保温杯", "quantity": 2, "unit_price": "89.00"}],
        **fields,
    }


@pytest.fixture
def shop():
    return make_shop()


@pytest.fixture
def call(client):
    _key, plain = make_api_key(scopes=["orders.read", "orders.write"])

    def send(method, url, body=None, **headers):
        data = {} if body is None else {"data": body if isinstance(body, str) else json.dumps(body)}
        return getattr(client, method)(
            url, **data, content_type="application/json", headers={"Authorization": f"Bearer {plain}", **headers}
        )

    return send


def test_send_and_get(call, shop):
    first = call("post", URL, told(shop))
    assert (first.status_code, first.json()["result"]) == (201, "new")
    again = call("post", URL, told(shop))
    assert (again.status_code, again.json()["result"]) == (200, "same")
    found = call("get", f"{URL}api-1/").json()
    assert (found["number"], found["total"], found["phone"]) == ("API-1", "178.00", "138****8000")
    assert call("get", f"{URL}nothing/").status_code == 404


def test_a_moment_without_offset_is_the_shops(call):
    shop = make_shop(timezone="Asia/Tokyo")
    call("post", URL, told(shop, placed_at="2026-11-20T09:05:00"))
    assert Order.objects.get().placed_at == datetime(2026, 11, 20, 0, 5, tzinfo=UTC)


def test_each_order_of_a_batch_is_told_on_its_own(call, shop):
    make_order(shop=shop, number="B-3")
    sent = [
        told(shop, number="B-1"), told(shop, number="B-2", phone="abc"), told(shop, number="B-3"), "no order",
        told(shop, number="B-4", items=[{"title": "x", "quantity": 0}]),
        {**told(shop, number="B-5"), "shop": "nowhere"},
    ]  # fmt: skip
    answer = call("post", URL, {"orders": sent}, **{"Idempotency-Key": "mixed"})
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [row["result"] for row in results] == ["new", "error", "changed", "error", "error", "error"]
    assert [list(row.get("errors", {})) for row in results] == [
        [], ["phone"], [], ["non_field_errors"], ["items[0].quantity"], ["shop"],
    ]  # fmt: skip
    assert (results[1]["number"], results[3]["number"]) == ("B-2", "")
    assert sorted(Order.objects.values_list("number", flat=True)) == ["B-1", "B-3"]
    again = call("post", URL, {"orders": sent}, **{"Idempotency-Key": "mixed"})
    assert (again.json(), again["Idempotent-Replayed"]) == (answer.json(), "true")
    other = call("post", URL, {"orders": sent[:1]}, **{"Idempotency-Key": "mixed"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert [row["result"] for row in call("post", URL, {"orders": sent[:1]}).json()["results"]] == ["same"]


def test_good_batches(call, shop):
    good = call("post", URL, {"orders": [told(shop, number="B-2"), told(shop, number="B-1")]})
    assert [row["number"] for row in good.json()["results"]] == ["B-2", "B-1"]
    assert call("post", URL, {"orders": [told(shop)] * 501}).status_code == 422


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"number": ["x"]}, "number"),
        ({"number": 12}, "number"),
        ({"number": {}}, "number"),
        ({"total": "NaN"}, "total"),
        ({"total": True}, "total"),
        ({"total": "-1"}, "total"),
        ({"total": 10**30}, "total"),
        ({"status": "lost"}, "status"),
        ({"status": ["paid"]}, "status"),
        ({"placed_at": "yesterday"}, "placed_at"),
        ({"placed_at": 5}, "placed_at"),
        ({"items": "x"}, "items"),
        ({"items": [{"title": "x", "quantity": 10**30}]}, "items[0].quantity"),
        ({"items": [{"title": "x", "quantity": "2"}]}, "items[0].quantity"),
        ({"shop": "nowhere"}, "shop"),
        ({"parcels": [{"carrier": "鸽子", "tracking_number": "12345678"}]}, "parcels[0].carrier"),
    ],
)
def test_wrong_fields_are_named(call, shop, change, field):
    answer = call("post", URL, {**told(shop), **change})
    assert answer.status_code == 422
    assert any(name.startswith(field) for name in answer.json()["errors"]), answer.json()


@pytest.mark.parametrize("body", ["", "[", "[]", "5", '"x"', "null", '{"a": NaN}', '{"a":1,"a":2}', '{"n":"\\u0000"}'])
def test_bodies_that_are_no_orders(call, body):
    assert call("post", URL, body).status_code in {400, 422}


def test_idempotency_key_gives_the_same_answer_and_refuses_another_body(call, shop):
    first = call("post", URL, told(shop), **{"Idempotency-Key": "k-1"})
    again = call("post", URL, told(shop), **{"Idempotency-Key": "k-1"})
    assert (again.status_code, again.json()) == (201, first.json())
    assert again["Idempotent-Replayed"] == "true"
    other = call("post", URL, told(shop, number="API-2"), **{"Idempotency-Key": "k-1"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    failed = call("post", URL, told(shop, phone="x"), **{"Idempotency-Key": "k-2"})
    assert failed.status_code == 422
    assert call("post", URL, told(shop), **{"Idempotency-Key": "k-2"}).status_code == 200


def test_list_goes_by_cursor_and_filters(call, shop):
    for number in range(5):
        make_order(shop=shop, number=f"L-{number}")
    make_order(shop=make_shop(), number="L-9")
    seen, cursor = [], ""
    while True:
        page = call("get", f"{URL}?shop={shop.code}&limit=2&cursor={cursor}").json()
        seen += [row["number"] for row in page["results"]]
        cursor = page["next"]
        if not cursor:
            break
    assert sorted(seen) == [f"L-{n}" for n in range(5)]
    for query in ("limit=0", "limit=x", "cursor=%00", "status=lost", "cursor=" + "9" * 500):
        assert call("get", f"{URL}?{query}").status_code == 422


def test_a_key_sees_only_its_shops(client, shop):
    other = make_shop()
    order = make_order(shop=other)
    _key, plain = make_api_key(scopes=["orders.read", "orders.write"], shop_ids=[shop.pk])
    head = {"Authorization": f"Bearer {plain}"}
    assert client.get(f"{URL}{order.number}/", headers=head).status_code == 404
    assert client.get(URL, headers=head).json()["results"] == []
    sent = client.post(URL, json.dumps(told(other)), content_type="application/json", headers=head)
    assert list(sent.json()["errors"]) == ["shop"]


def test_scopes_and_strangers(client, shop):
    _key, plain = make_api_key(scopes=["orders.read"])
    assert client.post(URL, json.dumps(told(shop)), content_type="application/json").status_code == 401
    answer = client.post(
        URL, json.dumps(told(shop)), content_type="application/json", headers={"Authorization": f"Bearer {plain}"}
    )
    assert answer.status_code == 403


def test_scans_come_in_once(call, shop):
    parcel = make_parcel(make_order(shop=shop), tracking="SF7777777777")
    body = {"scans": [{"at": timezone.now().isoformat(), "status": "delivered", "text": "已签收", "place": "杭州市"}]}
    url = "/api/v1/parcels/sf7777777777/scans/"
    assert call("post", url, body).json()["new"] == 1
    assert call("post", url, body).json()["new"] == 0
    parcel.order.refresh_from_db()
    assert parcel.order.status == "delivered"
    assert call("post", "/api/v1/parcels/XX0000000000/scans/", body).status_code == 404
    assert call("post", url, {"scans": []}).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_one_key_in_parallel_does_the_work_once():
    shop = make_shop()
    _key, plain = make_api_key(scopes=["orders.write"])
    answers, gate = [], threading.Barrier(5)

    def send():
        gate.wait(timeout=20)
        try:
            answer = Client().post(
                URL, json.dumps(told(shop)), content_type="application/json",
                headers={"Authorization": f"Bearer {plain}", "Idempotency-Key": "same"},
            )  # fmt: skip
            answers.append((answer.status_code, answer.json()["result"], answer["Idempotent-Replayed"]))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(answers) == [(201, "new", "false"), *[(201, "new", "true")] * 4]
    assert Order.objects.count() == 1
    assert IdempotentReply.objects.count() == 1


def signed(secret, body, *, message_id="msg_1", at=None):
    at = at or datetime.now(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, at, body),
    }


@pytest.mark.django_db(transaction=True)
def test_signed_webhooks_are_stored_and_applied_once(client):
    shop = make_shop()
    secret = renew_hook_secret(shop_id=shop.pk, actor=SYSTEM, at=timezone.now())
    parcels = [{"carrier": "shunfeng", "tracking_number": "SF8888888888"}]
    body = json.dumps({"type": "order.upserted", "shop": shop.code, "data": told(shop, parcels=parcels)})
    for _ in range(3):
        answer = client.post(
            "/api/v1/hooks/orders/", body, content_type="application/json", headers=signed(secret, body)
        )
        assert answer.status_code == 200
    scan = {"at": datetime.now(UTC).isoformat(), "status": "in_transit", "text": "到达"}
    body = json.dumps(
        {"type": "parcel.scanned", "shop": shop.code, "data": {"tracking_number": "SF8888888888", "scans": [scan]}}
    )
    client.post(
        "/api/v1/hooks/orders/", body, content_type="application/json", headers=signed(secret, body, message_id="m2")
    )
    wrong = json.dumps({"type": "order.upserted", "shop": shop.code, "data": {"number": ["x"]}})
    client.post(
        "/api/v1/hooks/orders/", wrong, content_type="application/json", headers=signed(secret, wrong, message_id="m3")
    )
    drain(seconds=10)
    states = dict(InboundHook.objects.values_list("message_id", "state"))
    assert states == {"msg_1": "applied", "m2": "applied", "m3": "refused"}
    assert (Order.objects.get().status, Scan.objects.count()) == ("shipped", 1)
    assert b"13800138000" not in bytes(InboundHook.objects.get(message_id="msg_1").body_enc)


@pytest.mark.parametrize("spoil", ["signature", "old", "future", "shop", "none", "body", "utf16"])
def test_unsigned_webhooks_are_refused(client, spoil):
    shop = make_shop()
    secret = renew_hook_secret(shop_id=shop.pk, actor=SYSTEM, at=timezone.now())
    body = json.dumps({"type": "order.upserted", "shop": "x" if spoil == "shop" else shop.code, "data": {}})
    late = {"old": -10, "future": 10}.get(spoil, 0)
    headers = {} if spoil == "none" else signed(secret, body, at=datetime.now(UTC) + timedelta(minutes=late))
    if spoil == "signature":
        headers["webhook-signature"] = "v1,AAAA"
    sent = {"body": body.replace("order", "Order"), "utf16": body.encode("utf-16")}.get(spoil, body)
    answer = client.post("/api/v1/hooks/orders/", sent, content_type="application/json", headers=headers)
    assert answer.status_code in {401, 422}
    assert not InboundHook.objects.exists()

"""The door of orders and the door of scans, each locking two orders in its own order, at the same time."""

import json
import threading
import time
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client

from core import idempotency
from orders.models import Order, Scan
from tests import servers
from tests.factories.accounts import make_api_key
from tests.factories.orders import AT, make_order, make_parcel, make_shop

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER = "SF1234567890"


def post(answers, name, plain, url, body):
    def run():
        try:
            sent = Client(raise_request_exception=False).post(
                url, json.dumps(body), content_type="application/json", headers={"Authorization": f"Bearer {plain}"}
            )
            answers[name] = (sent.status_code, sent.json())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def wait_for(watcher, waiting):
    end = time.monotonic() + 30
    asked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    while watcher.execute(asked).fetchone()[0] < waiting:
        assert time.monotonic() < end
        time.sleep(0.02)


def meet():
    """Have scans hold Z-LAST and want A-FIRST while orders hold A-FIRST and want Z-LAST; return both answers."""
    shop = make_shop()
    last, first = make_order(shop=shop, number="Z-LAST"), make_order(shop=shop, number="A-FIRST")
    held, _other = (make_parcel(order, tracking=NUMBER) for order in (last, first))
    _key, plain = make_api_key(scopes=["orders.read", "orders.write"])
    scan = {"at": AT.isoformat(), "status": "delivered", "text": "已签收"}
    told: dict[str, Any] = {"shop": shop.code, "placed_at": AT.isoformat(), "phone": "13800138000"}
    orders = [
        told | {"number": number, "items": [{"title": "保温杯", "quantity": 3, "unit_price": "10.00"}]}
        for number in ("A-FIRST", "Z-LAST")
    ]
    answers: dict[str, tuple[int, Any]] = {}
    empty: dict[str, Any]
    scans_url, orders_url = f"/api/v1/parcels/{NUMBER}/scans/", "/api/v1/orders/"
    for url, empty in ((scans_url, {"scans": []}), (orders_url, {"orders": []})):
        post(answers, "first", plain, url, empty).join()  # what a process does once is not done while others wait
    assert answers.pop("first")[0] == 422
    address = servers.database_url(servers.database_name())
    with psycopg.connect(address) as holder, psycopg.connect(address, autocommit=True) as watcher:
        holder.execute("SELECT FROM orders_parcel WHERE id = %s FOR UPDATE", [held.pk])
        scans = post(answers, "scans", plain, scans_url, {"scans": [scan]})
        wait_for(watcher, 1)
        batch = post(answers, "orders", plain, orders_url, {"orders": orders})
        wait_for(watcher, 2)
        holder.rollback()
        scans.join(timeout=60)
        batch.join(timeout=60)
    return answers


def test_a_deadlock_between_two_doors_is_nobodys_error():
    answers = meet()
    assert answers["scans"][0] == answers["orders"][0] == 200
    assert answers["scans"][1]["new"] == 2
    assert [row["result"] for row in answers["orders"][1]["results"]] == ["changed", "changed"]
    assert Scan.objects.count() == 2
    assert set(Order.objects.values_list("status", "total")) == {("delivered", 30)}


def test_the_two_doors_really_meet(monkeypatch):
    monkeypatch.setattr(idempotency, "TRIES", 1)
    served, failed = sorted(status for status, _body in meet().values())
    assert served == 200
    assert failed >= 500

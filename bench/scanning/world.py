"""The orders and parcels the scans are about, and the pushes as their door stores them: encrypted, not understood."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from datetime import datetime

from django.db import connection

from bench.scanning.traces import BEGIN, Push, bearers, body_of, number_of, pushes_of
from core.crypto import encrypt
from customers.models import Customer
from orders.carriers import adapter_for
from orders.models import CarrierAccount, CarrierCompany, Shop
from orders.selectors import carrier_ids

CHUNK = 2000


def make_world(parcels: int, at: datetime) -> CarrierAccount:
    """Write a shop, one customer in ten orders, an order and a parcel for each number (two where they share a box)."""
    shop = Shop.objects.create(code="scans", name="Scans")
    carrier = carrier_ids()["shunfeng"]
    boxes = [bearers(parcel) for parcel in range(parcels)]
    numbers = [number_of(parcel) for parcel, count in enumerate(boxes) for _ in range(count)]
    people = Customer.objects.bulk_create(
        [Customer(name=f"顾客{n}") for n in range(len(numbers) // 10 + 1)], batch_size=5000
    )
    customers = sorted(person.pk for person in people)
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO orders_order (shop_id, number, customer_id, status, currency, total, paid, discount,
                      shipping_fee, placed_at, paid_at, recipient, region, buyer_note, source, is_history, version,
                      created_at)
               SELECT %s, 'Q' || n, %s + n / 10, 'paid', 'CNY', 99, 99, 0, 0, %s, %s, '', '', '', 'api', false, 1, %s
                 FROM generate_series(1, %s) n RETURNING id""",
            [shop.pk, customers[0], BEGIN, BEGIN, BEGIN, len(numbers)],
        )
        orders = sorted(row[0] for row in cursor.fetchall())
        with cursor.copy(
            "COPY orders_parcel (order_id, carrier_id, tracking_number, status, rank, version, place) FROM STDIN"
        ) as copy:
            for order, number in zip(orders, numbers, strict=True):
                copy.write_row((order, carrier, number, "created", 10, 1, ""))
    account = CarrierAccount.objects.create(
        provider="kuaidi100", name="Bench", base_url="https://poll.kuaidi100.com", credentials_enc=encrypt("{}"),
        push_token="b" * 32,
    )  # fmt: skip
    CarrierCompany.objects.create(account=account, carrier_id=carrier, code="shunfeng")
    return account


def arrivals(parcels: int) -> list[tuple[datetime, int, int]]:
    """Return (when, parcel, which of its pushes) of every push, in the order in which they arrive."""
    found = [(push.arrives, parcel, n) for parcel in range(parcels) for n, push in enumerate(pushes_of(parcel))]
    found.sort()
    gc.collect()
    return found


def in_turn(order: list[tuple[datetime, int, int]]) -> Iterator[Push]:
    """Yield the pushes in the order of their arrival; a trace is made anew for each rather than kept."""
    for _arrives, parcel, n in order:
        for index, push in enumerate(pushes_of(parcel)):
            if index == n:
                yield push
                break


def store_pushes(account: CarrierAccount, order: list[tuple[datetime, int, int]]) -> tuple[int, int, list[int]]:
    """Store raw pushes; return how many scans they tell, how many bytes they are, and their ids in turn."""
    adapter, told, size, ids = adapter_for("kuaidi100"), 0, 0, []
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM orders_carrier_push")
        first = cursor.fetchone()[0] + 1
        columns = "id, account_id, message_key, body_enc, state, error_code, received_at, scan_count"
        statement = f"COPY orders_carrier_push ({columns}) FROM STDIN (FORMAT BINARY)"  # allowed: our own columns
        with cursor.copy(statement) as copy:
            copy.set_types(["int8", "int8", "varchar", "bytea", "varchar", "varchar", "timestamptz", "int4"])
            for pk, push in enumerate(in_turn(order), first):
                body = body_of(push)
                key = adapter.message_key({}, body.encode())
                copy.write_row((pk, account.pk, key, encrypt(body), "stored", "", push.arrives, 0))
                told += len(push.rows)
                size += len(body)
                ids.append(pk)
        cursor.execute("SELECT setval(pg_get_serial_sequence('orders_carrier_push', 'id'), %s)", [max(ids)])
    return told, size, ids

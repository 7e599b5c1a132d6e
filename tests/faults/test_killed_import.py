"""PostgreSQL and the worker are killed -9 while a file of orders goes in: every order is there, once, with its past.

The batches of an import do not wait for the disk (synchronous_commit off): what a crash takes back it takes back
whole, with the note of how far the import had come.
"""

from __future__ import annotations

import os
import random
import time
from typing import Any

import pytest

from tests.orders.files import csv_bytes, rows_of
from tests.stack import RunningStack

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]
ORDERS = 16_000
BEGIN = """
import time
from django.utils import timezone
from core.actors import SYSTEM
from orders.models import ImportRun, Shop
from orders.services import imports

now = timezone.now()
shop = Shop.objects.create(code="crash", name="Crash", currency="CNY", timezone="Asia/Shanghai")
with open({path!r}, "rb") as file:
    run = imports.start_import(shop_id=shop.pk, file=file, name="orders.csv", actor=SYSTEM, at=now)
imports.begin_check(run_id=run.pk, columns=run.columns, options={{}}, actor=SYSTEM, at=now)
imports.check_import(run_id=run.pk, at=now)  # by this process or the worker, whoever is first
for _ in range(300):
    run = ImportRun.objects.get(pk=run.pk)
    if run.state != "checking":
        break
    time.sleep(0.1)
assert run.state == "checked", (run.state, run.failure_code)
imports.begin_run(run_id=run.pk, live_from=None, actor=SYSTEM, at=now)
"""


def test_a_crash_in_the_middle_of_an_import_loses_and_doubles_nothing(fresh_stack: RunningStack) -> None:
    stack, dice = fresh_stack, random.Random(int(os.environ.get("CS_FAULT_SEED", "20261122")))
    path = stack.var / "orders.csv"
    path.write_bytes(csv_bytes(rows_of(ORDERS)))
    stack.manage("shell", "-c", BEGIN.format(path=str(path)))
    landed = 0
    for which in ("postgres", "worker", "postgres"):
        before = wait_for(stack, beyond=done(stack))
        time.sleep(dice.uniform(0.05, 0.6))  # somewhere in a batch
        stack.kill9(which)
        stack.wait_until_well(60)
        after = done(stack)
        with stack.db() as db:  # as if the lease of the cut off job had run its course: after a restart that takes 90 s
            db.execute("UPDATE core_job SET lease_until = now() WHERE name = 'orders.run_import' AND state = 'running'")
        landed += after < ORDERS
        assert after >= before - 2000  # of what had been told done, a crash takes back one batch at most
    assert landed == 3, "the import was over before the last kill: the file is too small for this machine"
    wait_for(stack, beyond=ORDERS - 1, seconds=240)
    with stack.db() as db:
        end = time.monotonic() + 30
        while (run := row(db, "SELECT state, orders_new, orders_same FROM orders_import_run"))["state"] != "done":
            assert time.monotonic() < end, run
            time.sleep(0.1)
        assert run["orders_new"] == ORDERS
        counted = row(
            db,
            """SELECT (SELECT count(*) FROM orders_order) AS orders, (SELECT count(*) FROM orders_item) AS items,
                      (SELECT count(*) FROM orders_parcel) AS parcels,
                      (SELECT count(*) FROM customers_customer) AS customers,
                      (SELECT count(*) FROM core_event WHERE kind = 'import.finished') AS finished""",
        )
        assert counted == {
            "orders": ORDERS, "items": 2 * ORDERS, "parcels": ORDERS, "customers": ORDERS, "finished": 1,
        }  # fmt: skip
        told = db.execute(
            "SELECT kind, count(*) AS n FROM core_event WHERE origin = 'import' AND order_id IS NOT NULL GROUP BY kind"
        ).fetchall()
        assert {one["kind"]: one["n"] for one in told} == dict.fromkeys(
            ["order.placed", "order.paid", "order.shipped", "parcel.picked_up"], ORDERS
        )


def row(db: Any, statement: str) -> dict[str, Any]:
    found = db.execute(statement).fetchone()
    assert found is not None
    return dict(found)


def done(stack: RunningStack) -> int:
    with stack.db() as db:
        return int(row(db, "SELECT orders_done FROM orders_import_run")["orders_done"])


def wait_for(stack: RunningStack, *, beyond: int, seconds: float = 90) -> int:
    """Wait until the import has come further than this; return how far it is."""
    end = time.monotonic() + seconds
    while (now := done(stack)) <= beyond:
        assert time.monotonic() < end, f"the import stands still at {now}: {stack.log('worker')[-2000:]}"
        time.sleep(0.02)
    return now

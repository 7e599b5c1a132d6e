"""A large export comes in fast and in bounded memory; the speed is printed."""

from __future__ import annotations

import io
import json
import time
import tracemalloc
from collections.abc import Iterator

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from tests.tickets.test_migration import ticket
from tickets.models import Ticket
from tickets.services import migration as service

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
SIZE = 3000


def rows() -> Iterator[bytes]:
    for number in range(SIZE):
        user = {"id": 10_000 + number // 3, "name": f"顾客{number // 3}", "email": f"c{number // 3}@example.com"}
        told = ticket(number, requester_id=10_000 + number // 3)
        told["requester"] = user
        for comment in told["comments"]:
            comment["body"] = (comment.get("body") or "") + "，订单还没有收到，麻烦帮忙催一下快递，谢谢。" * 3
        yield json.dumps(told).encode() + b"\n"


def test_speed_and_memory() -> None:
    data = io.BytesIO(b"".join(rows()))
    started = service.start_migration(
        source="zendesk", shop_id=None, files=[("tickets.json", data)], actor=SYSTEM, at=timezone.now()
    )
    del data
    began = time.perf_counter()
    service.check_migration(migration_id=started.pk, at=timezone.now())
    checked, processed = time.perf_counter(), time.process_time()
    service.begin_migration(migration_id=started.pk, mapping={}, actor=SYSTEM, at=timezone.now())
    done = service.run_migration(migration_id=started.pk, at=timezone.now())
    rate = SIZE / (time.perf_counter() - checked)
    own = SIZE / (time.process_time() - processed)
    print(
        f"check {SIZE / (checked - began):.0f}/s, import {rate:.0f} tickets/s with four messages, own time {own:.0f}/s"
    )
    assert (done.tickets_new, Ticket.objects.count()) == (SIZE, SIZE)
    # Floors on any machine, however busy: a third of what a laptop's two cores do, own time of the importer and wall.
    assert own > 450
    assert rate > 200
    tracemalloc.start()
    again = service.start_migration(
        source="zendesk", shop_id=None, files=[("tickets.json", io.BytesIO(b"".join(rows())))], actor=SYSTEM,
        at=timezone.now(),
    )  # fmt: skip
    tracemalloc.reset_peak()
    service.check_migration(migration_id=again.pk, at=timezone.now())
    assert tracemalloc.get_traced_memory()[1] < 60 * 1024 * 1024
    tracemalloc.stop()

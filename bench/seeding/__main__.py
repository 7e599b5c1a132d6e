"""python -m bench.seeding TICKETS: fill the database of DATABASE_URL, which must be freshly migrated."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import django
import psycopg

HERE = Path(__file__).parent
SEED = 20261121


def seed(size: int, url: str, at: datetime) -> dict[str, int]:
    """Write `size` tickets and all that belongs to them; returns counts. Django must be set up on the same database."""
    from django.utils import timezone

    from bench.seeding.loading import set_sequences, without_indexes
    from bench.seeding.people import seed_people
    from bench.seeding.talk import seed_tickets
    from bench.seeding.trade import seed_orders
    from bench.seeding.words import people_of, tails_of
    from bench.seeding.world import make_world
    from kpi.services import rebuild_folds

    pick, begun = Random(SEED), time.monotonic()

    def say(what: str) -> None:
        print(f"seeding {size}: {what} after {time.monotonic() - begun:.1f} s", file=sys.stderr, flush=True)

    world = make_world(at)
    with psycopg.connect(url, autocommit=True, client_encoding="utf8") as connection:
        connection.execute("SET synchronous_commit = off; SET work_mem = '256MB'; SET jit = off")
        with without_indexes(connection):
            people = people_of(size)
            crowd = seed_people(connection, people, at, pick, tails_of(people))
            say("customers")
            owned = seed_orders(connection, max(200, size * 6 // 10), world, crowd, at, pick)
            say("orders")
            plan = seed_tickets(connection, size, world, crowd, owned, at, pick)
            say("tickets and messages")
            connection.execute("SET session_replication_role = DEFAULT")
            _story(connection, plan.long_ticket)
            connection.execute((HERE / "marks.sql").read_bytes(), {"busy": world.busy})
            say("events")
        set_sequences(connection)
        say("indexes")
        connection.execute("ANALYZE")
    rebuild_folds(names=None, at=timezone.now())
    say("figures")
    return {"tickets": size, "long_ticket": plan.long_ticket}


def _story(connection: psycopg.Connection, long_ticket: int) -> None:  # type: ignore[type-arg]
    """Give one order its forty events, the long ticket that order, and write the event log."""
    row = connection.execute(
        "SELECT p.id, o.id, o.shop_id, o.customer_id FROM orders_parcel p JOIN orders_order o ON o.id = p.order_id"
        " WHERE o.status = 'completed' ORDER BY o.id DESC LIMIT 1"
    ).fetchone()
    assert row is not None
    parcel, order, shop, customer = row
    connection.execute(
        "UPDATE tickets_ticket SET order_id = %s, shop_id = %s, customer_id = %s WHERE id = %s",
        [order, shop, customer, long_ticket],
    )
    connection.execute((HERE / "scans.sql").read_bytes(), {"parcel": parcel})
    connection.execute((HERE / "events.sql").read_bytes())


if __name__ == "__main__":
    django.setup()
    seed(int(sys.argv[1]), os.environ["DATABASE_URL"], datetime.now(UTC))

"""python -m bench.trading ORDERS: fill the database of DATABASE_URL, which must be freshly migrated."""

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
SEEDING = HERE.parent / "seeding"
SEED = 20261123


def seed(size: int, url: str, at: datetime) -> dict[str, int]:
    """Write `size` orders and all that belongs to them; returns counts. Django must be set up on the same database."""
    from django.utils import timezone

    from bench.seeding.loading import set_sequences, without_indexes
    from bench.seeding.people import seed_people
    from bench.seeding.talk import seed_tickets
    from bench.seeding.world import make_world
    from bench.trading.orders import seed_goods, seed_trade
    from kpi.services import rebuild_folds

    pick, begun = Random(SEED), time.monotonic()

    def say(what: str) -> None:
        print(f"seeding {size} orders: {what} after {time.monotonic() - begun:.1f} s", file=sys.stderr, flush=True)

    world = make_world(at)
    with psycopg.connect(url, autocommit=True, client_encoding="utf8") as connection:
        connection.execute("SET synchronous_commit = off; SET work_mem = '256MB'; SET jit = off")
        goods = seed_goods(connection, world, at, pick)
        with without_indexes(connection):
            crowd = seed_people(connection, max(100, size * 4 // 10), at, pick)
            say("customers")
            trade = seed_trade(connection, size, world, goods, crowd, at, pick)
            say("orders, parcels and scans")
            seed_tickets(connection, max(50, size // 10), world, crowd, trade.owned, at, pick)
            say("tickets")
            connection.execute("SET session_replication_role = DEFAULT")
            connection.execute((SEEDING / "events.sql").read_bytes())
            say("events")
            connection.execute((HERE / "exceptions.sql").read_bytes(), {"busy": world.busy, "at": at})
        set_sequences(connection)
        say("indexes")
        connection.execute("ANALYZE")
    rebuild_folds(names=None, at=timezone.now())
    say("figures")
    return {"orders": size, "parcels": trade.parcels, "scans": trade.scans}


if __name__ == "__main__":
    django.setup()
    seed(int(sys.argv[1]), os.environ["DATABASE_URL"], datetime.now(UTC))

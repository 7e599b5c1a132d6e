"""python -m bench.scanning SCANS: write the world, store raw pushes, take them in, check; tells figures as JSON."""

from __future__ import annotations

import json
import logging
import resource
import sys
import time
from pathlib import Path

import django


def main(scans: int) -> None:
    """Do all of it on the database of DATABASE_URL, which must be freshly migrated."""
    django.setup()
    logging.disable(logging.INFO)
    from django.db import connection
    from django.utils import timezone

    from bench.scanning.checking import check
    from bench.scanning.traces import parcels_for
    from bench.scanning.world import arrivals, in_turn, make_world, store_pushes
    from core.events.partitions import roll_partitions
    from orders.services.ingesting import apply_batch

    def say(what: str) -> None:
        print(f"scans: {what} after {time.monotonic() - begun:.1f} s", file=sys.stderr, flush=True)

    begun, at = time.monotonic(), timezone.now()
    roll_partitions(at)
    parcels, expected = parcels_for(scans)
    account, order = make_world(parcels, at), arrivals(parcels)
    say(f"{parcels} parcels, {len(order)} pushes")
    stored = time.monotonic()
    told, size, _ids = store_pushes(account, order)
    stored = time.monotonic() - stored
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
    say(f"{told} scans told in {size / 2**20:.0f} MB of raw pushes, stored")
    base, most, batches, written, took = _rss(), 0.0, [], {"scans": 0, "events": 0, "jobs": 0}, []
    start, last = time.perf_counter(), 0
    while True:
        one = time.perf_counter()
        batch = apply_batch(at=timezone.now(), after=last)
        if not batch.pushes:
            break
        took.append(time.perf_counter() - one)
        last = batch.last_id
        batches.append(batch.pushes)
        for name in written:
            written[name] += getattr(batch.applied, name)
        most = max(most, _rss() - base)
        if len(took) % 50 == 0:
            say(f"{sum(batches)} pushes, {written['scans']} scans in {time.perf_counter() - start:.0f} s")
    took_s = time.perf_counter() - start
    say(f"{written['scans']} scans in {took_s:.1f} s")
    counted = check(parcels, in_turn(order), batches, written)
    say("checked")
    print(
        json.dumps(
            {
                "scans": counted["scans"], "told": told, "pushes": len(order), "parcels": parcels,
                "raw_mb": size / 2**20, "events": counted["events"], "jobs": counted["jobs"],
                "ingest_s": took_s, "store_s": stored,
                "longest_batch_s": max(took), "extra_mb": most, "expected": expected,
            }
        )
    )  # fmt: skip


def _rss() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


if __name__ == "__main__":
    main(int(sys.argv[1]))

"""bin/bench scans --scans N: how fast providers' pushes become scans, where parcels stand, events and jobs.

Real-shaped Kuaidi100 pushes: each tells the whole trace so far, some again, late or in another order, in skewed
lengths; one parcel in fifty lies in a box with another order's. They are stored raw and encrypted as their door does
(not measured); measured is from there to the last commit: deciphered, read, matched, scans, parcels, orders, events,
jobs. Rows are distinct scans written. Then every count and every parcel is checked against the fold in Python.

`ratio` is that time by the time of COPY of the very same scan rows, in the same run, into a table made like
orders_scan with its keys and checks; `ratio_bare` the same into one without any.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from bench.harness import Site
from bench.report import Report


def copy_s(url: str, like: str) -> float:
    """COPY all scans out and into a table made for it; return the seconds of the way in, the best of two."""
    times = []
    with psycopg.connect(url, autocommit=True) as connection, tempfile.TemporaryFile() as file:
        with connection.cursor().copy("COPY orders_scan TO STDOUT") as source:
            for block in source:
                file.write(block)
        for _ in range(2):
            connection.execute("DROP TABLE IF EXISTS raw_scan")
            connection.execute(f"CREATE TABLE raw_scan (LIKE orders_scan {like})")  # allowed: our own words
            connection.execute("CHECKPOINT")
            file.seek(0)
            begun = time.perf_counter()
            with connection.cursor().copy("COPY raw_scan FROM STDIN") as target:
                while block := file.read(1 << 20):
                    target.write(block)
            times.append(time.perf_counter() - begun)
        connection.execute("DROP TABLE raw_scan")
    return min(times)


def run_child(site: Site, scans: int) -> dict[str, Any]:
    """Store, take in and check in a process of its own; returns what it told, or nothing when it failed."""
    place = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-m", "bench.scanning", str(scans)],
        env={**os.environ, **site.process_env()}, cwd=place, stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    return json.loads(done.stdout) if done.returncode == 0 else {}


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; prints its JSON line and returns 0 or 1."""
    parser = argparse.ArgumentParser(prog="bin/bench scans", description=__doc__)
    parser.add_argument("--scans", type=int, default=2_000_000)
    options = parser.parse_args(argv)
    report = Report("scans", {"scans": options.scans})
    site = Site("scans")
    try:
        shutil.rmtree(site.var / "postgres", ignore_errors=True)
        site.open()
        site.prepare()
        told = run_child(site, options.scans)
        if not told:
            return 1
        like, bare = copy_s(site.postgres.url(), "INCLUDING ALL"), copy_s(site.postgres.url(), "")
    finally:
        site.close()
    report.cases["ingest"] = {
        "n": told["scans"],
        "p50_ms": round(told["ingest_s"] * 1000, 1),
        "p95_ms": round(told["ingest_s"] * 1000, 1),
        "queries": None,
        "db_ms": None,
        "raw_ms": round(like * 1000, 1),
        "rows_per_s": round(told["scans"] / told["ingest_s"]),
        "told_per_s": round(told["told"] / told["ingest_s"]),
        "ratio": round(told["ingest_s"] / like, 2),
        "ratio_bare": round(told["ingest_s"] / bare, 2),
        "bare_ms": round(bare * 1000, 1),
        "longest_batch_ms": round(told["longest_batch_s"] * 1000, 1),
        "extra_memory_mb": round(told["extra_mb"], 1),
        **{name: told[name] for name in ("told", "pushes", "parcels", "events", "jobs")},
        "raw_push_mb": round(told["raw_mb"], 1),
        "store_ms": round(told["store_s"] * 1000, 1),
    }
    return report.finish()

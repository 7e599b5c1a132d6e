"""Tickers only send a tick: two of them, a frozen one and a killed one make one row for each period."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

import pytest

from cs_portal.runtime.stack import ROOT
from tests.stack import RunningStack

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
DOUBLED = (
    "SELECT name, payload ->> 'period_start' AS start, count(*) FROM core_job WHERE shard = 'period' GROUP BY 1, 2"
)


def periods(stack: RunningStack) -> dict[tuple[str, str], int]:
    with stack.db() as db:
        return {(row["name"], row["start"]): row["count"] for row in db.execute(DOUBLED).fetchall()}


def wait_for_ticks(stack: RunningStack, what: str, seconds: float = 40) -> None:
    """Wait until the folds, moved at every tick, were looked at again."""
    with stack.db() as db:
        start = db.execute("SELECT now() AS at").fetchone()["at"]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            row: Any = db.execute("SELECT max(advanced_at) AS at FROM core_fold_cursor").fetchone()
            if row["at"] is not None and row["at"] > start:
                return
            db.execute("SELECT pg_current_xact_id()")  # moves the horizon, so that there is something to advance over
            time.sleep(0.5)
    pytest.fail(f"no tick within {seconds} s {what}: {stack.log('worker')[-1500:]}")


def test_two_tickers_and_a_frozen_one_make_one_row_for_each_period(fresh_stack: RunningStack) -> None:
    stack = fresh_stack
    with (stack.var / "second-ticker.log").open("ab") as log:
        second = subprocess.Popen(
            [sys.executable, "manage.py", "ticker"],
            cwd=ROOT, env={**os.environ, **stack.env}, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        wait_for_ticks(stack, "with two tickers")
        with stack.db() as db:  # as if hours had passed with no ticker at all
            db.execute("UPDATE core_period SET last_start = last_start - interval '5 hours'")
        wait_for_ticks(stack, "after the gap")
        stack.stop("ticker")
        wait_for_ticks(stack, "with one ticker frozen")
        stack.cont("ticker")
        second.kill()
        wait_for_ticks(stack, "with the second one killed")
    finally:
        second.kill()
        second.wait(10)
    time.sleep(5)
    found = periods(stack)
    print(json.dumps({f"{name} {start}": count for (name, start), count in sorted(found.items())}))
    assert found
    assert set(found.values()) == {1}
    with stack.db() as db:
        names = {row["name"] for row in db.execute("SELECT name FROM core_period").fetchall()}
        assert {name for name, _start in found} <= names
        assert not db.execute("SELECT 1 FROM core_job WHERE state = 'quarantined'").fetchall()

"""What must stand in the database after the pushes went in: counted by SQL, foretold by the fold in Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import connection

from bench.scanning.traces import CHINA, Push, bearers, distinct, trace_of
from core.models import Event
from core.reactions import REACTIONS
from orders.carriers.kuaidi100 import _status
from orders.services.folding import News, step_of, take_news

CHAIN = """
WITH steps AS (
        SELECT subject_id, replace(kind, 'parcel.', '') AS step, data->>'before' AS before,
               lag(replace(kind, 'parcel.', '')) OVER w AS last,
               row_number() OVER (PARTITION BY subject_id ORDER BY id DESC) AS back
          FROM core_event WHERE subject_type = 'parcel' AND kind <> 'parcel.problem_reported'
        WINDOW w AS (PARTITION BY subject_id ORDER BY id))
SELECT count(*) FILTER (WHERE s.before <> coalesce(s.last, 'created')),
       count(*) FILTER (WHERE s.back = 1 AND s.step <> p.status),
       count(*) - count(DISTINCT (s.subject_id, s.step))
  FROM steps s JOIN orders_parcel p ON p.id = s.subject_id
"""
ORDERS = """
SELECT count(*) FROM orders_order o
  JOIN LATERAL (SELECT bool_and(p.delivered_at IS NOT NULL) AS arrived, bool_or(p.shipped_at IS NOT NULL) AS shipped,
                       max(p.delivered_at) AS delivered_at
                  FROM orders_parcel p WHERE p.order_id = o.id) p ON true
 WHERE o.status <> CASE WHEN p.arrived THEN 'delivered' WHEN p.shipped THEN 'shipped' ELSE 'paid' END
    OR o.delivered_at IS DISTINCT FROM CASE WHEN p.arrived THEN p.delivered_at END
"""


class Draft:
    """A parcel nobody told anything of, as far as its fold goes."""

    def __init__(self) -> None:
        self.status, self.rank, self.problem_code = "created", 10, ""
        self.rank_at = self.shipped_at = self.delivered_at = self.moved_at = self.returning_at = None
        self.lost_at = self.problem_at = None


def foretell(parcels: int, pushes: Iterable[Push], batches: Sequence[int]) -> tuple[Counter[str], list[Draft]]:
    """Fold the same pushes in Python, a step for what a batch tells of a parcel; return events by kind, and parcels.

    `batches` are how many pushes each transaction took.
    """
    drafts, events, turn = [Draft() for _ in range(parcels)], Counter[str](), iter(pushes)
    for count in batches:
        told = sorted((next(turn) for _ in range(count)), key=lambda push: push.parcel)
        for parcel, group in groupby(told, key=lambda push: push.parcel):
            _tell(drafts[parcel], [row for push in group for row in push.rows], events, bearers(parcel))
    if next(turn, None) is not None:
        raise AssertionError("some pushes were in no batch")
    return events, drafts


def _tell(draft: Draft, rows: list[dict[str, Any]], events: Counter[str], times: int) -> None:
    before, rank, was_shipped = draft.status, draft.rank, draft.shipped_at
    was_arrived, was_in_trouble = draft.delivered_at, _in_trouble(draft)
    take_news(draft, [_news(row) for row in rows])
    if step := step_of(before, str(draft.status), rank_before=rank, rank=draft.rank):
        events[f"parcel.{step}"] += times
    if _in_trouble(draft) and not was_in_trouble:
        events["parcel.problem_reported"] += times
    events["order.shipped"] += times * (was_shipped is None and draft.shipped_at is not None)
    events["order.delivered"] += times * (was_arrived is None and draft.delivered_at is not None)


def _news(row: dict[str, Any]) -> News:
    at = datetime.fromisoformat(row["ftime"]).replace(tzinfo=CHINA)
    return at, _status(row["statusCode"]), row["statusCode"]


def _in_trouble(draft: Draft) -> bool:
    if draft.problem_at is None or draft.status in {"delivered", "refused", "returned", "lost"}:
        return False
    return draft.moved_at is None or draft.problem_at >= draft.moved_at


def check(parcels: int, pushes: Iterable[Push], batches: Sequence[int], written: dict[str, int]) -> dict[str, int]:
    """Compare the database with what was foretold; raises AssertionError, returns what was counted."""
    events, drafts = foretell(parcels, pushes, batches)
    scans = sum(distinct(trace_of(parcel)[1]) * bearers(parcel) for parcel in range(parcels))
    counted = {"scans": _one("SELECT count(*) FROM orders_scan"), "events": _one("SELECT count(*) FROM core_event")}
    _same("scans", counted["scans"], scans)
    _same("scans written", written["scans"], scans)
    _same("pushes not applied", _one("SELECT count(*) FROM orders_carrier_push WHERE state <> 'applied'"), 0)
    _same("scans of pushes", _one("SELECT sum(scan_count) FROM orders_carrier_push"), scans)
    _same(
        "events",
        dict(_rows("SELECT kind, count(*) FROM core_event GROUP BY kind")),
        {k: n for k, n in events.items() if n},
    )
    _same("chain of events, last event, step told twice", _rows(CHAIN)[0], (0, 0, 0))
    _same("orders that stand elsewhere", _one(ORDERS), 0)
    statuses = Counter[str]()
    for parcel, draft in enumerate(drafts):
        statuses[str(draft.status)] += bearers(parcel)
        if str(draft.status) != trace_of(parcel)[0]:
            raise AssertionError(f"parcel {parcel} ended as {draft.status}, not as {trace_of(parcel)[0]}")
    _same("statuses", dict(_rows("SELECT status, count(*) FROM orders_parcel GROUP BY status")), dict(statuses))
    _check_columns(drafts)
    counted["jobs"] = _one("SELECT count(*) FROM core_job WHERE event_id IS NOT NULL")
    _same("jobs", counted["jobs"], _jobs_owed())
    _same("jobs written", written["jobs"], counted["jobs"])
    return counted


def _check_columns(drafts: list[Draft]) -> None:
    """Compare every column the fold writes, for each parcel."""
    names = "status, rank, rank_at, shipped_at, delivered_at, moved_at, returning_at, lost_at, problem_at, problem_code"
    row, turn = 0, [draft for parcel, draft in enumerate(drafts) for _ in range(bearers(parcel))]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {names} FROM orders_parcel ORDER BY id")  # allowed: our own columns
        while block := cursor.fetchmany(20_000):
            for found in block:
                draft = turn[row]
                _same(f"parcel {row}", found, tuple(getattr(draft, name) for name in names.split(", ")))
                row += 1
    _same("parcels", row, len(turn))


def _jobs_owed() -> int:
    owed = 0
    for kind, rules in REACTIONS.items():
        owed += sum(rule.when is None for rule in rules) * _one("SELECT count(*) FROM core_event WHERE kind = %s", kind)
        if asked := [rule.when for rule in rules if rule.when is not None]:
            rows = Event.objects.filter(kind=kind).iterator(chunk_size=5000)
            owed += sum(bool(when(event)) for event in rows for when in asked)
    return owed


def _same(what: str, found: Any, expected: Any) -> None:
    if found != expected:
        raise AssertionError(f"{what}: {found!r}, expected {expected!r}")


def _one(statement: str, *values: Any) -> int:
    return int(_rows(statement, *values)[0][0])


def _rows(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(values))
        return list(cursor.fetchall())

"""Folds: figures derived from the event log by set-based SQL, in whole closed windows.

A window is `x0 <= xid < x1` with x1 = pg_snapshot_xmin(pg_current_snapshot()): every transaction below x1 has ended, so
no event can appear in it later. (Ids would not do: they commit out of order.)

A window is consumed in chunks of roots, each in a transaction of its own that moves the cursor with the figures. What
the next chunk needs stands on the cursor row and is read under its lock, so a chunk counts once whatever is killed,
frozen or started twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from django.db import connection, transaction

from core.models import FoldCursor

logger = logging.getLogger(__name__)
FIRST_XID = 3
CHUNK_ROOTS = 1500
"""Roots per transaction; measured at 100,000 tickets, see docs/architecture.md."""
_PATIENCE = "SET LOCAL lock_timeout = '1min'"
QUIET = timedelta(seconds=10)
"""So long a cursor may stand while nothing happens; then it moves, so that a dead fold can be told from a quiet log."""


@dataclass(frozen=True)
class Chunk:
    """The next roots above `after_root` (at most about `limit`) with an event in `since <= xid < before`."""

    since: int
    before: int
    after_root: int = 0
    limit: int = CHUNK_ROOTS


@dataclass(frozen=True)
class Done:
    """What a chunk came to: the last root looked at, None when none is left in the window; whether it had events."""

    last_root: int | None
    had_events: bool


@dataclass(frozen=True)
class Fold:
    """One fold.

    `apply(cursor, chunk)` brings the figures of the chunk's roots up to `before`; the same chunk twice changes nothing.
    `clear(cursor, version)` takes some rows out of a version's tables and says whether they are empty now.
    """

    name: str
    version: int
    apply: Callable[[Any, Chunk], Done]
    clear: Callable[[Any, int], bool]


class _Step(Enum):
    """What came of one attempt at a chunk."""

    TAKEN = auto()  # somebody else holds the cursor
    MORE = auto()
    CLOSED = auto()
    UP_TO_DATE = auto()


FOLDS: dict[str, Fold] = {}


def register_fold(fold: Fold) -> Fold:
    """Register a fold; a higher version is built beside the active one and swapped in when it has caught up."""
    FOLDS[fold.name] = fold
    return fold


def advance(fold: Fold, at: datetime, *, budget: timedelta | None = None) -> bool:
    """Consume the window closed since last time, chunk by chunk; return whether there was an event in it.

    With a budget it stops after the chunk that exceeds it; the next call goes on there. Two callers at once: the
    cursor row's lock lets one through at a time, the other leaves.
    """
    rows = _cursors(fold)
    mine = next(row for row in rows if row.version == fold.version)
    if any(row.is_active and row.version > fold.version for row in rows):
        return False  # a worker of an older release: the newer figures count now
    had_events = False
    x1, has_events = _look_ahead(mine.upto)
    stands = mine.window_end is None and not mine.is_emptying and not has_events
    if not stands or mine.advanced_at is None or not timedelta(0) <= at - mine.advanced_at < QUIET:
        had_events = _take_chunks(fold, x1, at, budget)
    older = [row for row in rows if row.version < fold.version]
    if any(row.is_active for row in older):
        _swap_when_ready(fold, len(rows))
    elif any(row.is_emptying for row in older):
        _empty_some(fold)
    return had_events


def rebuild(fold: Fold, at: datetime) -> None:
    """Empty the fold's tables and consume the whole log again; the figures must come out the same.

    Readers see the figures grow meanwhile. Others may do some of the chunks; returns when all are done.
    """
    _cursors(fold)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_PATIENCE)
        start_over(FoldCursor.objects.select_for_update().get(name=fold.name, version=fold.version))
    with connection.cursor() as cursor:
        x1 = horizon(cursor)
    step = _Step.MORE
    while step is not _Step.UP_TO_DATE:
        step, _some = _take_chunk(fold, x1, at, waits=True)


def start_over(row: FoldCursor) -> None:
    """Have a locked cursor's fold empty its tables and consume the log from the beginning, chunk by chunk."""
    row.upto, row.window_end, row.window_root, row.is_emptying = FIRST_XID, None, 0, True
    row.save(update_fields=["upto", "window_end", "window_root", "is_emptying"])


def horizon(cursor: Any) -> int:
    """Return x1: every transaction with a lower id has ended."""
    cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::numeric::bigint")
    return int(cursor.fetchone()[0])


def active_version(name: str) -> int:
    """Return the version readers use."""
    row = FoldCursor.objects.filter(name=name, is_active=True).order_by("-version").values_list("version").first()
    return row[0] if row else FOLDS[name].version


def active_versions() -> dict[str, int]:
    """Return the version readers use of every fold, in one statement."""
    found = dict(FoldCursor.objects.filter(is_active=True).order_by("version").values_list("name", "version"))
    return {name: found.get(name, fold.version) for name, fold in FOLDS.items()}


def lag() -> list[dict[str, Any]]:
    """Return per fold how many events lie above its cursor (at most 10,001 counted) and when it last advanced.

    Retired versions are left out.
    """
    rows, active = [], active_versions()
    with connection.cursor() as cursor:
        for item in FoldCursor.objects.order_by("name", "version"):
            if item.version < active.get(item.name, 0):
                continue
            cursor.execute(
                "SELECT count(*) FROM (SELECT 1 FROM core_event WHERE xid >= %s::text::xid8 LIMIT 10001) e",
                [str(item.upto)],
            )
            rows.append(
                {
                    "name": item.name,
                    "version": item.version,
                    "active": item.is_active,
                    "behind": cursor.fetchone()[0],
                    "advanced_at": item.advanced_at,
                }
            )
    return rows


def _cursors(fold: Fold) -> list[FoldCursor]:
    """Return the cursors of all versions of a fold, this one's made if need be."""
    rows = list(FoldCursor.objects.filter(name=fold.name))
    if any(row.version == fold.version for row in rows):
        return rows
    FoldCursor.objects.get_or_create(
        name=fold.name,
        version=fold.version,
        defaults={"upto": FIRST_XID, "is_active": not any(row.is_active for row in rows)},
    )
    return list(FoldCursor.objects.filter(name=fold.name))


def _look_ahead(upto: int) -> tuple[int, bool]:
    """Return the horizon and whether an event lies between `upto` and it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT x1::text::numeric::bigint,"
            " EXISTS (SELECT 1 FROM core_event e WHERE e.xid >= %s::text::xid8 AND e.xid < x1)"
            " FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS x1) AS snapshot",
            [str(upto)],
        )
        x1, has_events = cursor.fetchone()
    return int(x1), has_events


def _take_chunks(fold: Fold, x1: int, at: datetime, budget: timedelta | None) -> bool:
    begun, had_events = time.monotonic(), False
    while True:
        step, some = _take_chunk(fold, x1, at)
        had_events = had_events or some
        if step is not _Step.MORE or (budget is not None and time.monotonic() - begun > budget.total_seconds()):
            return had_events


def _take_chunk(fold: Fold, x1: int, at: datetime, *, waits: bool = False) -> tuple[_Step, bool]:
    """Consume one chunk in a transaction of its own; return how it went and whether it had events.

    `x1` was read before this transaction's row lock takes a transaction id, which would hold the horizon back.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if waits:
            cursor.execute(_PATIENCE)
        row = (
            FoldCursor.objects.select_for_update(skip_locked=not waits)
            .filter(name=fold.name, version=fold.version)
            .first()
        )
        if row is None:
            return _Step.TAKEN, False
        if row.is_emptying:
            row.is_emptying = not fold.clear(cursor, row.version)
            row.save(update_fields=["is_emptying"])
            return _Step.MORE, False
        if row.window_end is None:
            if row.upto >= x1:
                return _Step.UP_TO_DATE, False
            row.window_end, row.window_root = x1, 0
        done = fold.apply(cursor, Chunk(row.upto, row.window_end, row.window_root, CHUNK_ROOTS))
        if done.last_root is None:
            row.upto, row.window_end, row.window_root = row.window_end, None, 0
        else:
            row.window_root = done.last_root
        row.advanced_at = at
        row.save(update_fields=["upto", "window_end", "window_root", "advanced_at"])
        return _Step.CLOSED if done.last_root is None else _Step.MORE, done.had_events


def _swap_when_ready(fold: Fold, count: int) -> None:
    """Have readers use this version once it has come as far as the active one; the older ones are emptied."""
    with transaction.atomic():
        rows = list(FoldCursor.objects.select_for_update(skip_locked=True).filter(name=fold.name))
        if len(rows) < count:
            return  # one of them is being moved; the next tick looks again
        mine = next(row for row in rows if row.version == fold.version)
        older = [row for row in rows if row.version < fold.version]
        furthest = max((row.upto for row in older if row.is_active), default=FIRST_XID)
        if mine.is_emptying or mine.window_end is not None or mine.upto < furthest:
            return
        mine.is_active = True
        mine.save(update_fields=["is_active"])
        for row in older:
            row.is_active = False
            row.save(update_fields=["is_active"])
            start_over(row)
    logger.info("fold.swapped name=%s version=%s", fold.name, fold.version)
    _empty_some(fold)


def _empty_some(fold: Fold) -> None:
    """Take some rows out of a retired version's tables."""
    with transaction.atomic(), connection.cursor() as cursor:
        row = (
            FoldCursor.objects.select_for_update(skip_locked=True)
            .filter(name=fold.name, version__lt=fold.version, is_emptying=True)
            .first()
        )
        if row is not None:
            row.is_emptying = not fold.clear(cursor, row.version)
            row.save(update_fields=["is_emptying"])

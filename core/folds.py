"""Folds: figures derived from the event log by set-based SQL, in whole closed windows.

A window is `x0 <= xid < x1` with x1 = pg_snapshot_xmin(pg_current_snapshot()): every transaction below x1 has ended, so
no event can appear in it later. (Ids would not do: they commit out of order.) The cursor moves in the same transaction
as the figures, so a window counts once whatever is killed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from core.models import FoldCursor

logger = logging.getLogger(__name__)
FIRST_XID = 3


@dataclass(frozen=True)
class Fold:
    """One fold: `apply(cursor, x0, x1)` consumes a window, `clear(cursor, version)` empties a version's tables."""

    name: str
    version: int
    apply: Callable[[Any, int, int], None]
    clear: Callable[[Any, int], None]


FOLDS: dict[str, Fold] = {}


def register_fold(fold: Fold) -> Fold:
    """Register a fold; a higher version is built beside the active one and swapped in when it has caught up."""
    FOLDS[fold.name] = fold
    return fold


def horizon(cursor: Any) -> int:
    """Return x1: every transaction with a lower id has ended."""
    cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::numeric::bigint")
    return int(cursor.fetchone()[0])


def advance(fold: Fold, at: datetime) -> bool:
    """Consume the window closed since last time; return whether there was one.

    Two callers at once: the cursor row's lock lets one through, the other leaves.
    """
    FoldCursor.objects.get_or_create(
        name=fold.name,
        version=fold.version,
        defaults={"upto": FIRST_XID, "is_active": _is_first(fold)},
    )
    with transaction.atomic(), connection.cursor() as cursor:
        # The horizon is read before our own row lock takes a transaction id, which would hold it back.
        x1 = horizon(cursor)
        row = (
            FoldCursor.objects.select_for_update(skip_locked=True).filter(name=fold.name, version=fold.version).first()
        )
        if row is None or row.upto >= x1:
            return False
        cursor.execute(
            "SELECT 1 FROM core_event WHERE xid >= %s::text::xid8 LIMIT 1",
            [str(row.upto)],
        )
        has_events = cursor.fetchone() is not None
        if has_events:
            fold.apply(cursor, row.upto, x1)
        row.upto = x1
        row.advanced_at = at
        row.save(update_fields=["upto", "advanced_at"])
    _swap_when_ready(fold)
    return has_events


def rebuild(fold: Fold, at: datetime) -> None:
    """Empty the fold's tables and consume the whole log again; the figures must come out the same."""
    with transaction.atomic(), connection.cursor() as cursor:
        FoldCursor.objects.select_for_update().filter(name=fold.name, version=fold.version).update(upto=FIRST_XID)
        fold.clear(cursor, fold.version)
    advance(fold, at)


def active_version(name: str) -> int:
    """Return the version readers use."""
    row = FoldCursor.objects.filter(name=name, is_active=True).order_by("-version").values_list("version").first()
    return row[0] if row else FOLDS[name].version


def active_versions() -> dict[str, int]:
    """Return the version readers use of every fold, in one statement."""
    found = dict(FoldCursor.objects.filter(is_active=True).order_by("version").values_list("name", "version"))
    return {name: found.get(name, fold.version) for name, fold in FOLDS.items()}


def lag() -> list[dict[str, Any]]:
    """Return per fold how many events lie above its cursor (at most 10,001 counted) and when it last advanced."""
    rows = []
    with connection.cursor() as cursor:
        for item in FoldCursor.objects.order_by("name", "version"):
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


def _is_first(fold: Fold) -> bool:
    return not FoldCursor.objects.filter(name=fold.name, is_active=True).exists()


def _swap_when_ready(fold: Fold) -> None:
    stale = FoldCursor.objects.filter(name=fold.name, is_active=True).exclude(version=fold.version)
    if not stale.exists():
        return
    with transaction.atomic(), connection.cursor() as cursor:
        old = list(stale.select_for_update())
        FoldCursor.objects.filter(name=fold.name, version=fold.version).update(is_active=True)
        for row in old:
            row.is_active = False
            row.save(update_fields=["is_active"])
            fold.clear(cursor, row.version)
    logger.info("fold.swapped name=%s version=%s", fold.name, fold.version)

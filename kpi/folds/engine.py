"""One way to fold: recompute the facts of every touched root from its events, add the difference to the roll-ups.

A root is the thing whose events decide its facts (a ticket, an invitation, a visit). For a window, the roots with an
event in it are found; their facts are computed afresh from all their events below the horizon; what changed is
subtracted from and added to the roll-ups. So a late, corrected or repeated event needs no case of its own, the result
depends only on the set of events, and a rebuild gives the same numbers to the last row. Which roots share a
transaction does not matter either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from core.folds import Chunk, Done, Fold, register_fold
from kpi.folds.rollups import ROLLUPS, add_changes
from kpi.metrics import METRICS

DIMENSIONS = ("shop_id", "team_id", "agent_id", "channel", "category", "stage", "priority", "tier", "survey")
FACT_COLUMNS = (
    "metric",
    "fact_key",
    "root_id",
    "at",
    "event_id",
    "ticket_id",
    "order_id",
    "customer_id",
    "value",
    "numerator",
    "denominator",
    *DIMENSIONS,
)
FEW_EVENTS = 20_000
"""A window of so many events is looked through whole for its roots; a larger one by stretches of the roots' index."""
EVENTS_PER_ROOT = 8
CLEARED_AT_ONCE = 50_000


def _typed(columns: str) -> str:
    """Give the measured columns their table's type: thousandths, so that sums are exact."""
    for name in ("value", "numerator", "denominator"):
        columns = columns.replace(f", {name},", f", {name}::numeric(20,3) AS {name},")
    return columns


@dataclass(frozen=True)
class RootFold:
    """`root_column` of core_event names the root, for events that satisfy `where` (both must fit an index).

    `facts` is a SELECT of FACT_COLUMNS over `ev`: all events of the touched roots below the horizon, with `root_id` and
    their business `day`. `inner` names what it counts beyond the metrics shown.
    """

    name: str
    version: int
    root_column: str
    where: str
    facts: str
    inner: tuple[str, ...] = ()

    def register(self) -> Fold:
        """Make it known to the core."""
        return register_fold(Fold(self.name, self.version, self.apply, self.clear))

    def apply(self, cursor: Any, chunk: Chunk) -> Done:
        """Bring the figures of the chunk's roots up to its end."""
        roots, last = self._roots(cursor, chunk)
        roots = self._widen(cursor, chunk, roots)
        if roots and self._find_changes(cursor, roots, self._beside(cursor, chunk, roots), chunk.before):
            add_changes(cursor, self.version)
            self._replace_facts(cursor, roots)
        return Done(last, bool(roots))

    def _roots(self, cursor: Any, chunk: Chunk) -> tuple[list[int], int | None]:
        """Return the next roots with an event in the window, and where to go on (None: nowhere)."""
        window = "e.xid >= %s::text::xid8 AND e.xid < %s::text::xid8"
        limits = [str(chunk.since), str(chunk.before)]
        cursor.execute(  # allowed: a fold's own SQL
            f"WITH seen AS MATERIALIZED (SELECT e.{self.root_column} AS root_id, ({self.where}) AS fits"
            f" FROM core_event e WHERE {window} ORDER BY e.xid LIMIT {FEW_EVENTS + 1})"  # the order names the index
            " SELECT (SELECT count(*) FROM seen), ARRAY(SELECT DISTINCT root_id FROM seen"
            " WHERE fits AND root_id > %s ORDER BY root_id LIMIT %s)",
            [*limits, chunk.after_root, chunk.limit],
        )
        seen, roots = cursor.fetchone()
        if seen <= FEW_EVENTS:
            return roots, roots[-1] if len(roots) == chunk.limit else None
        following = f"FROM core_event e WHERE {self.where} AND e.{self.root_column} > %s"
        cursor.execute(  # allowed: a fold's own SQL
            f"SELECT e.{self.root_column} {following} ORDER BY e.{self.root_column} OFFSET %s LIMIT 1",
            [chunk.after_root, chunk.limit * EVENTS_PER_ROOT],
        )
        row = cursor.fetchone()
        upper = row[0] if row else None
        cursor.execute(  # allowed: a fold's own SQL
            f"SELECT DISTINCT e.{self.root_column} {following} AND {window}"
            f" AND (%s::bigint IS NULL OR e.{self.root_column} <= %s)",
            [chunk.after_root, *limits, upper, upper],
        )
        return [root for (root,) in cursor.fetchall()], upper

    def _widen(self, cursor: Any, chunk: Chunk, roots: list[int]) -> list[int]:
        """Return the roots with those whose facts their events decide too."""
        return roots

    def _beside(self, cursor: Any, chunk: Chunk, roots: list[int]) -> list[int]:
        """Return further roots whose events decide the facts of these, and whose own facts stay as they are."""
        return []

    def _find_changes(self, cursor: Any, roots: Sequence[int], beside: Sequence[int], before: int) -> int:
        """Fill fold_changes: facts that appeared (sign 1) or went (sign -1); return how many."""
        only = "WHERE root_id = ANY(%s::bigint[])" if beside else ""
        columns, zone = ", ".join(FACT_COLUMNS), settings.BUSINESS_TIME_ZONE
        cursor.execute("DROP TABLE IF EXISTS pg_temp.fold_changes")
        cursor.execute(  # allowed: a fold's own SQL
            f"CREATE TEMP TABLE fold_changes ON COMMIT DROP AS WITH ev AS MATERIALIZED ("
            f" SELECT e.{self.root_column} AS root_id, e.*, (e.at AT TIME ZONE %s)::date AS day"
            f" FROM unnest(%s::bigint[]) AS t (root_id)"
            f" JOIN core_event e ON e.{self.root_column} = t.root_id AND {self.where} AND e.xid < %s::text::xid8),"
            f" new AS MATERIALIZED (SELECT {_typed(columns)}, (at AT TIME ZONE %s)::date AS day"
            f" FROM ({self.facts}) AS facts {only}),"
            f" old AS MATERIALIZED (SELECT {columns}, day FROM kpi_fact"
            " WHERE fold = %s AND version = %s AND root_id = ANY(%s::bigint[]))"
            " SELECT 1 AS sign, * FROM (TABLE new EXCEPT TABLE old) AS came"
            " UNION ALL SELECT -1, * FROM (TABLE old EXCEPT TABLE new) AS went",
            [zone, [*roots, *beside], str(before), zone, *([roots] if beside else []), self.name, self.version, roots],
        )
        return int(cursor.rowcount)

    def _replace_facts(self, cursor: Any, roots: Sequence[int]) -> None:
        columns = ", ".join(FACT_COLUMNS)
        cursor.execute(
            "DELETE FROM kpi_fact f USING fold_changes c WHERE f.fold = %s AND f.version = %s"
            " AND f.root_id = ANY(%s::bigint[]) AND c.sign = -1 AND f.root_id = c.root_id"
            " AND f.metric = c.metric AND f.fact_key = c.fact_key",
            [self.name, self.version, roots],
        )
        cursor.execute(  # allowed: constant column names
            f"INSERT INTO kpi_fact (fold, version, {columns}, day)"
            f" SELECT %s, %s, {columns}, day FROM fold_changes WHERE sign = 1",
            [self.name, self.version],
        )

    def clear(self, cursor: Any, version: int) -> bool:
        """Take some of one version's rows out of its tables; return whether none are left."""
        mine = [key for key, metric in METRICS.items() if metric.fold == self.name] + list(self.inner)
        left = CLEARED_AT_ONCE
        for table in ROLLUPS:
            cursor.execute(  # allowed: constant table names
                f"DELETE FROM {table} WHERE ctid = ANY(ARRAY("
                f"SELECT ctid FROM {table} WHERE metric = ANY(%s) AND version = %s LIMIT %s))",
                [mine, version, left],
            )
            left -= cursor.rowcount
        cursor.execute(
            "DELETE FROM kpi_fact WHERE ctid = ANY(ARRAY("
            "SELECT ctid FROM kpi_fact WHERE fold = %s AND version = %s LIMIT %s))",
            [self.name, version, left],
        )
        return left > cursor.rowcount

"""One way to fold: recompute the facts of every touched root from its events, add the difference to the roll-up.

A root is the thing whose events decide its facts (a ticket, an invitation, a visit). For a window, the roots with an
event in it are found; their facts are computed afresh from all their events below the horizon; what changed is
subtracted from and added to the roll-up. So a late, corrected or repeated event needs no case of its own, the result
depends only on the set of events, and a rebuild gives the same numbers to the last row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings

from core.folds import Fold, register_fold

BUCKET_BASE = 1.02
"""Histogram buckets grow by 2 %, so a percentile read from them is off by at most 1 %."""

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
_BUCKET = (
    f"CASE WHEN value IS NULL THEN NULL WHEN value < 1 THEN 0 ELSE 1 + floor(ln(value) / ln({BUCKET_BASE}))::int END"
)


def _typed(columns: str) -> str:
    """Give the measured columns their table's type: thousandths, so that sums are exact."""
    for name in ("value", "numerator", "denominator"):
        columns = columns.replace(f", {name},", f", {name}::numeric(20,3) AS {name},")
    return columns


@dataclass(frozen=True)
class RootFold:
    """`root_column` of core_event names the root, for events that satisfy `where` (both must fit an index).

    `facts` is a SELECT of FACT_COLUMNS over `ev`: all events of the touched roots below the horizon, with `root_id`.
    """

    name: str
    version: int
    root_column: str
    where: str
    facts: str

    def register(self) -> Fold:
        """Make it known to the core."""
        return register_fold(Fold(self.name, self.version, self.apply, self.clear))

    def apply(self, cursor: Any, x0: int, x1: int) -> None:
        """Consume the window x0 <= xid < x1."""
        columns = ", ".join(FACT_COLUMNS)
        cursor.execute("DROP TABLE IF EXISTS pg_temp.fold_roots, pg_temp.fold_new, pg_temp.fold_old")
        cursor.execute(  # allowed: a fold's own SQL
            f"CREATE TEMP TABLE fold_roots ON COMMIT DROP AS SELECT DISTINCT e.{self.root_column} AS root_id"
            f" FROM core_event e WHERE e.xid >= %s::text::xid8 AND e.xid < %s::text::xid8 AND {self.where}",
            [str(x0), str(x1)],
        )
        cursor.execute("ANALYZE fold_roots")
        cursor.execute(  # allowed: a fold's own SQL
            f"CREATE TEMP TABLE fold_new ON COMMIT DROP AS WITH ev AS MATERIALIZED ("
            f" SELECT e.{self.root_column} AS root_id, e.* FROM fold_roots t"
            f" JOIN core_event e ON e.{self.root_column} = t.root_id AND {self.where} AND e.xid < %s::text::xid8)"
            f" SELECT {_typed(columns)}, (at AT TIME ZONE %s)::date AS day FROM ({self.facts}) AS facts",
            [str(x1), settings.BUSINESS_TIME_ZONE],
        )
        cursor.execute(  # allowed: constant column names
            f"CREATE TEMP TABLE fold_old ON COMMIT DROP AS SELECT {columns}, day FROM kpi_fact"
            " WHERE fold = %s AND version = %s AND root_id IN (SELECT root_id FROM fold_roots)",
            [self.name, self.version],
        )
        self._add_to_rollup(cursor)
        cursor.execute(
            "DELETE FROM kpi_fact f USING (SELECT * FROM fold_old EXCEPT SELECT * FROM fold_new) gone"
            " WHERE f.version = %s AND f.fold = %s AND f.metric = gone.metric AND f.fact_key = gone.fact_key",
            [self.version, self.name],
        )
        cursor.execute(  # allowed: constant column names
            f"INSERT INTO kpi_fact (fold, version, {columns}, day)"
            " SELECT %s, %s, * FROM (SELECT * FROM fold_new EXCEPT SELECT * FROM fold_old) fresh",
            [self.name, self.version],
        )

    def _add_to_rollup(self, cursor: Any) -> None:
        cells = ", ".join(DIMENSIONS)
        cursor.execute(  # allowed: constant column names
            f"""INSERT INTO kpi_rollup AS r
                       (version, metric, day, bucket, {cells}, n, value_sum, numerator, denominator)
                SELECT %s, metric, day, {_BUCKET}, {cells}, sum(sign), sum(sign * coalesce(value, 0)),
                       sum(sign * numerator), sum(sign * denominator)
                  FROM (SELECT 1 AS sign, * FROM (SELECT * FROM fold_new EXCEPT SELECT * FROM fold_old) a
                        UNION ALL
                        SELECT -1, * FROM (SELECT * FROM fold_old EXCEPT SELECT * FROM fold_new) b) AS changes
                 GROUP BY metric, day, {_BUCKET}, {cells}
                HAVING sum(sign) <> 0 OR sum(sign * numerator) <> 0 OR sum(sign * denominator) <> 0
                    OR sum(sign * coalesce(value, 0)) <> 0
                ORDER BY metric, day
                ON CONFLICT (metric, version, day, bucket, {cells}) DO UPDATE
                   SET n = r.n + excluded.n, value_sum = r.value_sum + excluded.value_sum,
                       numerator = r.numerator + excluded.numerator,
                       denominator = r.denominator + excluded.denominator""",
            [self.version],
        )

    def clear(self, cursor: Any, version: int) -> None:
        """Empty one version's facts and take them out of the roll-up."""
        cursor.execute(
            "DELETE FROM kpi_rollup WHERE version = %s AND metric IN"
            " (SELECT DISTINCT metric FROM kpi_fact WHERE fold = %s AND version = %s)",
            [version, self.name, version],
        )
        cursor.execute("DELETE FROM kpi_fact WHERE fold = %s AND version = %s", [self.name, version])

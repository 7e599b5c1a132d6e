"""Three roll-ups kept by the same differences: full grain, a shop's days, and the spread of values by shop.

At full grain nearly every fact has a cell of its own, so figures narrowed to nothing but shops are read from the other
two: sums by day, and histogram buckets by day and by month.
"""

from __future__ import annotations

from typing import Any

BUCKET_BASE = 1.02
"""Histogram buckets grow by 2 %, so a percentile read from them is off by at most 1 %."""

ROLLUPS = ("kpi_rollup", "kpi_shop_day", "kpi_shop_spread")
_BUCKET = (
    f"CASE WHEN value IS NULL THEN NULL WHEN value < 1 THEN 0 ELSE 1 + floor(ln(value) / ln({BUCKET_BASE}))::int END"
)
_SUMS = """sum(sign) AS n, sum(sign * coalesce(value, 0)) AS value_sum, sum(sign * numerator) AS numerator,
           sum(sign * denominator) AS denominator"""
_CHANGED = """sum(sign) <> 0 OR sum(sign * coalesce(value, 0)) <> 0 OR sum(sign * numerator) <> 0
              OR sum(sign * denominator) <> 0"""
_ADD = """n = r.n + excluded.n, value_sum = r.value_sum + excluded.value_sum,
          numerator = r.numerator + excluded.numerator, denominator = r.denominator + excluded.denominator"""
_FINE = "shop_id, team_id, agent_id, channel, category, stage, priority, tier, survey"
_STATEMENTS = (
    f"""INSERT INTO kpi_rollup AS r (version, metric, day, bucket, {_FINE}, n, value_sum, numerator, denominator)
        SELECT %(version)s, metric, day, {_BUCKET}, {_FINE}, {_SUMS} FROM fold_changes
         GROUP BY metric, day, {_BUCKET}, {_FINE} HAVING {_CHANGED} ORDER BY metric, day
        ON CONFLICT (metric, version, day, bucket, {_FINE}) DO UPDATE SET {_ADD}""",
    f"""INSERT INTO kpi_shop_day AS r (version, metric, day, shop_id, n, value_sum, numerator, denominator)
        SELECT %(version)s, metric, day, shop_id, {_SUMS} FROM fold_changes
         GROUP BY metric, day, shop_id HAVING {_CHANGED} ORDER BY metric, day
        ON CONFLICT (metric, version, day, shop_id) DO UPDATE SET {_ADD}""",
    f"""WITH changed AS (
            SELECT metric, span, first_on, shop_id, {_BUCKET} AS bucket, sum(sign) AS n
              FROM fold_changes,
                   LATERAL (VALUES ('day', day), ('month', date_trunc('month', day)::date)) AS s (span, first_on)
             WHERE value IS NOT NULL
             GROUP BY metric, span, first_on, shop_id, bucket HAVING sum(sign) <> 0),
        cells AS (SELECT DISTINCT metric, span, first_on, shop_id FROM changed),
        merged AS (
            SELECT metric, span, first_on, shop_id, bucket, sum(n) AS n
              FROM (SELECT * FROM changed
                    UNION ALL
                    SELECT c.metric, c.span, c.first_on, c.shop_id, h.bucket, h.n
                      FROM cells c
                      JOIN kpi_shop_spread r ON r.metric = c.metric AND r.version = %(version)s AND r.span = c.span
                       AND r.first_on = c.first_on AND r.shop_id IS NOT DISTINCT FROM c.shop_id,
                           LATERAL unnest(r.buckets, r.counts) AS h (bucket, n)) AS both_sides
             GROUP BY metric, span, first_on, shop_id, bucket)
        INSERT INTO kpi_shop_spread AS r (version, metric, span, first_on, shop_id, buckets, counts)
        SELECT %(version)s, metric, span, first_on, shop_id, array_agg(bucket::smallint ORDER BY bucket),
               array_agg(n::int ORDER BY bucket)
          FROM merged GROUP BY metric, span, first_on, shop_id
        ON CONFLICT (metric, version, span, first_on, shop_id) DO UPDATE
           SET buckets = excluded.buckets, counts = excluded.counts""",
)


def add_changes(cursor: Any, version: int) -> None:
    """Add what fold_changes holds to every roll-up of a version."""
    for statement in _STATEMENTS:
        cursor.execute(statement, {"version": version})

"""Read figures: sums over the roll-up, percentiles, and the rows behind a number."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from core.folds import active_version, active_versions
from kpi.folds.engine import BUCKET_BASE
from kpi.metrics import METRICS, Metric, Shape, Stat
from kpi.models import Fact, Target
from kpi.periods import Period

EXACT_LIMIT = 20_000
"""Up to so many facts a percentile is read from the facts themselves; beyond, from the histogram (within 1 %)."""
SERIES_DAYS = 14


@dataclass(frozen=True)
class Filters:
    """What the figures are narrowed to; `shops` is the reader's own scope (None = all)."""

    shops: tuple[int, ...] | None = None
    shop_id: int | None = None
    team_id: int | None = None
    agent_id: int | None = None
    channel: str = ""
    category: str = ""

    def conditions(self) -> tuple[str, list[Any]]:
        """Return an SQL condition over the dimension columns and its values."""
        parts, values = ["TRUE"], []
        if self.shops is not None:
            parts.append("shop_id = ANY(%s)")
            values.append(list(self.shops))
        for name in ("shop_id", "team_id", "agent_id", "channel", "category"):
            value = getattr(self, name)
            if value not in (None, ""):
                parts.append(f"{name} = %s")
                values.append(value)
        return " AND ".join(parts), values


@dataclass
class Sums:
    """Sums of one metric over some days."""

    n: int = 0
    value: Decimal = Decimal(0)
    numerator: Decimal = Decimal(0)
    denominator: Decimal = Decimal(0)

    def add(self, n: int, value: Decimal, numerator: Decimal, denominator: Decimal) -> None:
        """Add one roll-up row."""
        self.n += n
        self.value += value
        self.numerator += numerator
        self.denominator += denominator


@dataclass
class Figure:
    """One metric in one period: its headline value in the metric's unit (None = no data) and what stands beside it."""

    metric: Metric
    value: float | None
    n: int
    mean: float | None = None
    p50: float | None = None
    p90: float | None = None
    previous: float | None = None
    target: float | None = None
    numerator: float = 0
    denominator: float = 0
    series: list[tuple[date, float | None, int]] = field(default_factory=list)

    @property
    def state(self) -> str:
        """Say how the value stands to its target: good, warn (within a tenth), bad, or nothing."""
        if self.value is None or self.target is None:
            return ""
        if self.metric.is_lower_better:
            return "good" if self.value <= self.target else "warn" if self.value <= self.target * 1.1 else "bad"
        return "good" if self.value >= self.target else "warn" if self.value >= self.target * 0.9 else "bad"


def figures(keys: list[str], period: Period, filters: Filters) -> dict[str, Figure]:
    """Return each metric's figure for the period, the one before and the days up to its end: four statements in all."""
    by_fold = active_versions()
    series_from = min(period.previous.first, period.last - timedelta(days=SERIES_DAYS - 1))
    sums = _sums(keys, by_fold, series_from, period.last, filters)
    spread = _percentiles(
        [key for key in keys if METRICS[key].shape is Shape.DURATION], by_fold, period, filters, series_from
    )
    targets = dict(Target.objects.values_list("metric", "value"))
    result = {}
    for key in keys:
        metric, days = METRICS[key], sums.get(key, {})
        now, before = _total(days, period), _total(days, period.previous)
        quantiles = spread.get(key, {})
        figure = Figure(
            metric,
            None,
            now.n,
            mean=_mean(now),
            p50=quantiles.get(("now", 50)),
            p90=quantiles.get(("now", 90)),
            target=targets.get(key, metric.target),
            numerator=float(now.numerator),
            denominator=float(now.denominator),
        )
        figure.value = _headline(metric, now, quantiles, "now")
        figure.previous = _headline(metric, before, quantiles, "before")
        for offset in range(SERIES_DAYS):
            day = period.last - timedelta(days=SERIES_DAYS - 1 - offset)
            one = days.get(day, Sums())
            figure.series.append((day, _headline(metric, one, quantiles, day), one.n))
        result[key] = figure
    return result


def rows_behind(key: str, first: date, last: date, filters: Filters) -> QuerySet[Fact]:
    """Return the facts a figure counts, newest first. Raises KeyError for an unknown metric."""
    metric = METRICS[key]
    rows = Fact.objects.filter(metric=key, version=active_version(metric.fold), day__gte=first, day__lte=last).order_by(
        "-at", "-id"
    )
    if filters.shops is not None:
        rows = rows.filter(shop_id__in=filters.shops)
    for name in ("shop_id", "team_id", "agent_id", "channel", "category"):
        value = getattr(filters, name)
        if value not in (None, ""):
            rows = rows.filter(**{name: value})
    return rows


def _sums(
    keys: list[str], versions: dict[str, int], first: date, last: date, filters: Filters
) -> dict[str, dict[date, Sums]]:
    where, values = filters.conditions()
    with connection.cursor() as cursor:
        cursor.execute(  # allowed: conditions are constants, values are parameters
            f"""SELECT metric, version, day, sum(n), sum(value_sum), sum(numerator), sum(denominator)
                  FROM kpi_rollup WHERE metric = ANY(%s) AND day BETWEEN %s AND %s AND {where}
                 GROUP BY metric, version, day""",
            [keys, first, last, *values],
        )
        result: dict[str, dict[date, Sums]] = defaultdict(dict)
        for key, version, day, n, value, numerator, denominator in cursor.fetchall():
            if version == versions[METRICS[key].fold]:
                result[key].setdefault(day, Sums()).add(int(n), value, numerator, denominator)
    return result


def _percentiles(
    keys: list[str], versions: dict[str, int], period: Period, filters: Filters, first: date
) -> dict[str, dict[Any, float]]:
    """Return per metric {("now"|"before", 50|90): seconds} and {(day, 90): seconds}."""
    if not keys:
        return {}
    where, values = filters.conditions()
    result: dict[str, dict[Any, float]] = defaultdict(dict)
    version = versions[METRICS[keys[0]].fold]
    span = """CASE WHEN day BETWEEN %s AND %s THEN 'now' WHEN day BETWEEN %s AND %s THEN 'before' END"""
    before = period.previous
    span_values = [period.first, period.last, before.first, before.last]
    with connection.cursor() as cursor:
        cursor.execute(  # allowed: conditions are constants, values are parameters
            f"""SELECT count(*) FROM (SELECT 1 FROM kpi_fact WHERE metric = ANY(%s) AND version = %s
                   AND day BETWEEN %s AND %s AND {where} LIMIT {EXACT_LIMIT + 1}) f""",
            [keys, version, before.first, period.last, *values],
        )
        exact = cursor.fetchone()[0] <= EXACT_LIMIT
        if exact:
            cursor.execute(  # allowed: conditions are constants, values are parameters
                f"""SELECT metric, {span}, percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY value)
                      FROM kpi_fact WHERE metric = ANY(%s) AND version = %s AND day BETWEEN %s AND %s AND {where}
                     GROUP BY 1, 2""",
                [*span_values, keys, version, before.first, period.last, *values],
            )
            for key, part, (p50, p90) in cursor.fetchall():
                result[key][part, 50], result[key][part, 90] = p50, p90
        cursor.execute(_HISTOGRAM.format(part="day::text", where=where), [keys, version, first, period.last, *values])
        for key, day, _p50, p90 in cursor.fetchall():
            result[key][date.fromisoformat(day), 90] = _middle(p90)
        if not exact:
            cursor.execute(
                _HISTOGRAM.format(part=span, where=where),
                [*span_values, keys, version, before.first, period.last, *values],
            )
            for key, part, p50, p90 in cursor.fetchall():
                result[key][part, 50], result[key][part, 90] = _middle(p50), _middle(p90)
    return result


_HISTOGRAM = """
WITH cells AS (
    SELECT metric, {part} AS part, bucket, sum(n) AS n FROM kpi_rollup
     WHERE metric = ANY(%s) AND version = %s AND day BETWEEN %s AND %s AND bucket IS NOT NULL AND {where}
     GROUP BY 1, 2, 3 HAVING sum(n) > 0),
running AS (
    SELECT *, sum(n) OVER (PARTITION BY metric, part ORDER BY bucket) AS upto,
           sum(n) OVER (PARTITION BY metric, part) AS total FROM cells)
SELECT metric, part, min(bucket) FILTER (WHERE upto >= 0.5 * total), min(bucket) FILTER (WHERE upto >= 0.9 * total)
  FROM running WHERE part IS NOT NULL GROUP BY 1, 2
"""


def _middle(bucket: int) -> float:
    """Return the middle of a histogram bucket in seconds."""
    return 0.5 if bucket == 0 else float(BUCKET_BASE ** (bucket - 0.5))


def _total(days: dict[date, Sums], period: Period) -> Sums:
    total = Sums()
    for day, one in days.items():
        if period.first <= day <= period.last:
            total.add(one.n, one.value, one.numerator, one.denominator)
    return total


def _mean(sums: Sums) -> float | None:
    return float(sums.value) / sums.n if sums.n else None


def _headline(metric: Metric, sums: Sums, quantiles: dict[Any, float], part: Any) -> float | None:
    if metric.shape is Shape.COUNT:
        return float(sums.n)
    if metric.headline in (Stat.P50, Stat.P90):
        return quantiles.get((part, 90 if metric.headline is Stat.P90 else 50))
    if metric.shape is Shape.MEAN:
        return _mean(sums)
    return 100 * float(sums.numerator) / float(sums.denominator) if sums.denominator else None

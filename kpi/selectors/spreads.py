"""Percentiles: exact while the facts are few, else the middle of the 2 % bucket the rank lies in: at most 1 % off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from kpi.folds.rollups import BUCKET_BASE
from kpi.periods import Period
from kpi.selectors.filters import Filters

EXACT_LIMIT = 10_000
"""Up to so many facts of both periods a percentile is read from the facts themselves; beyond, from the histogram."""

Quantiles = dict[Any, float]
"""("now"|"before", 50|90) and (day, 90), each in seconds."""


@dataclass(frozen=True)
class Question:
    """Which metrics' percentiles, in which period and the one before, by day since `series_from`.

    `versions` says by metric of which version of its fold; `n` is how many facts both periods have, as the sums say.
    """

    versions: dict[str, int]
    period: Period
    series_from: date
    filters: Filters
    n: int

    @property
    def wanted(self) -> tuple[list[str], list[int]]:
        """Return the metrics and their versions side by side."""
        return list(self.versions), list(self.versions.values())


_WANTED = "unnest(%s::text[], %s::smallint[]) AS wanted (metric, version)"


def percentiles(question: Question) -> dict[str, Quantiles]:
    """Return per metric the quantiles of both periods and of each day, in at most two statements."""
    if not question.versions:
        return {}
    is_exact = question.n <= EXACT_LIMIT
    result: dict[str, Quantiles] = defaultdict(dict)
    for (key, part), histogram in _histograms(question, with_periods=not is_exact).items():
        if isinstance(part, str):
            result[key][part, 50] = quantile(histogram, 0.5)
        result[key][part, 90] = quantile(histogram, 0.9)
    if is_exact and question.n:
        _add_exact(question, result)
    return result


def quantile(histogram: Mapping[int, int], share: float) -> float:
    """Return the value in seconds below which `share` of all lie, between two neighbours in proportion.

    The same definition as percentile_cont, with the middle of its bucket for each value.
    """
    place = share * (sum(histogram.values()) - 1)
    rank = int(place)
    upto, lower = 0, 0.0
    for bucket in sorted(histogram):
        upto += histogram[bucket]
        if upto > rank and not lower:
            lower = _middle(bucket)
        if upto > rank + 1:
            return lower + (place - rank) * (_middle(bucket) - lower)
    return lower


def _middle(bucket: int) -> float:
    return 0.5 if bucket == 0 else float(BUCKET_BASE ** (bucket - 0.5))


def _histograms(question: Question, *, with_periods: bool) -> dict[tuple[str, Any], dict[int, int]]:
    """Return {(metric, day or "now"|"before"): {bucket: count}}, empty ones left out."""
    period, before = question.period, question.period.previous
    cells = _cells_by_shop if question.filters.is_by_shop else _cells_at_full_grain
    found: dict[tuple[str, Any], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for key, is_month, first_on, buckets, counts in cells(question, before.first if with_periods else period.last):
        parts: list[Any] = []
        if not is_month and first_on >= question.series_from:
            parts.append(first_on)
        if with_periods and is_month == _is_by_month(question):
            parts += ["now"] if first_on >= period.first else ["before"] if first_on >= before.first else []
        for part in parts:
            histogram = found[key, part]
            for bucket, n in zip(buckets, counts, strict=True):
                histogram[bucket] += n
    return {cell: histogram for cell, histogram in found.items() if any(histogram.values())}


def _is_by_month(question: Question) -> bool:
    return question.period.span == "month" and question.filters.is_by_shop


_Cell = tuple[str, bool, date, list[int], list[int]]


def _cells_by_shop(question: Question, first: date) -> Iterator[_Cell]:
    """Yield (metric, is it a month, first day, buckets, counts): the days shown and, from `first` on, the periods."""
    where, narrowed = question.filters.conditions()
    is_by_month = _is_by_month(question)
    days_from = question.series_from if is_by_month else min(question.series_from, first)
    with connection.cursor() as cursor:
        cursor.execute(  # allowed: conditions are constants, values are parameters
            f"""SELECT metric, span = 'month', first_on, buckets, counts FROM kpi_shop_spread
                  JOIN {_WANTED} USING (metric, version)
                 WHERE {where}
                   AND (span = 'day' AND first_on BETWEEN %s AND %s
                        OR span = 'month' AND %s AND first_on BETWEEN %s AND %s)""",
            [
                *(*question.wanted, *narrowed),
                *(days_from, question.period.last, is_by_month, first, question.period.first),
            ],
        )
        yield from cursor.fetchall()


def _cells_at_full_grain(question: Question, first: date) -> Iterator[_Cell]:
    """Yield the same from the roll-up that knows every dimension; there are only days."""
    where, narrowed = question.filters.conditions()
    with connection.cursor() as cursor:
        cursor.execute(  # allowed: conditions are constants, values are parameters
            f"""SELECT metric, false, day, array_agg(bucket), array_agg(n) FROM kpi_rollup
                  JOIN {_WANTED} USING (metric, version)
                 WHERE day BETWEEN %s AND %s AND bucket IS NOT NULL AND {where}
                 GROUP BY metric, day""",
            [
                *question.wanted,
                *(min(question.series_from, first), question.period.last, *narrowed),
            ],
        )
        yield from cursor.fetchall()


def _add_exact(question: Question, result: dict[str, Quantiles]) -> None:
    where, narrowed = question.filters.conditions()
    period = question.period
    with connection.cursor() as cursor:
        cursor.execute(  # allowed: conditions are constants, values are parameters
            f"""SELECT metric, CASE WHEN day >= %s THEN 'now' ELSE 'before' END,
                       percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY value)
                  FROM kpi_fact JOIN {_WANTED} USING (metric, version) WHERE day BETWEEN %s AND %s AND {where}
                 GROUP BY 1, 2""",
            [period.first, *question.wanted, period.previous.first, period.last, *narrowed],
        )
        for key, part, (p50, p90) in cursor.fetchall():
            result[key][part, 50], result[key][part, 90] = p50, p90

"""Figures of a period, the one before and the days up to its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from core.folds import active_versions
from kpi.metrics import METRICS, Metric, Shape, Stat
from kpi.models import Target
from kpi.periods import Period
from kpi.selectors.filters import Filters
from kpi.selectors.spreads import Quantiles, Question, percentiles
from kpi.selectors.sums import Sums, levels, sums_by_day, total

SERIES_DAYS = 14
NOTHING = Sums()


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


def figures(keys: list[str], period: Period, filters: Filters, until: date | None = None) -> dict[str, Figure]:
    """Return each metric's figure for the period, the one before and the days up to its end: five statements in all.

    `until` is today: a level has no value on days that are still to come.

    Several statements: read them within core.snapshot.one_snapshot() where they must agree.
    """
    versions = active_versions()
    series_from = period.last - timedelta(days=SERIES_DAYS - 1)
    sums = sums_by_day(keys, versions, period, series_from, filters)
    spread = _spread(keys, versions, period, series_from, filters, sums)
    targets = dict(Target.objects.values_list("metric", "value"))
    found = {}
    for key in keys:
        metric, days, target = METRICS[key], sums.get(key, {}), targets.get(key)
        if metric.shape is Shape.LEVEL:
            found[key] = _level(metric, period, days, target, min(period.last, until or period.last))
        else:
            found[key] = _figure(metric, period, days, spread.get(key, {}), target)
    return found


def _level(
    metric: Metric, period: Period, days: Mapping[date | None, Sums], target: float | None, until: date
) -> Figure:
    """Return how a level stands as the period ends, or now."""
    before = period.previous.last
    count = max(SERIES_DAYS, (period.last - before).days + 1)
    standing = {day: n for day, n in levels(days, period.last, count).items() if day <= until}
    now, earlier = standing.get(until), standing.get(before)
    figure = Figure(
        metric,
        None if now is None or period.first > until else float(now),
        now or 0,
        previous=None if earlier is None else float(earlier),
        target=metric.target if target is None else target,
    )
    for offset in reversed(range(SERIES_DAYS)):
        day = period.last - timedelta(days=offset)
        n = standing.get(day)
        figure.series.append((day, None if n is None else float(n), n or 0))
    return figure


def _spread(
    keys: list[str],
    versions: dict[str, int],
    period: Period,
    series_from: date,
    filters: Filters,
    sums: dict[str, dict[date | None, Sums]],
) -> dict[str, Quantiles]:
    """Return the percentiles of the durations among the metrics."""
    mine = {key: versions[METRICS[key].fold] for key in keys if METRICS[key].shape is Shape.DURATION}
    first, last = period.previous.first, period.last
    n = sum(one.n for key in mine for day, one in sums.get(key, {}).items() if day and first <= day <= last)
    return percentiles(Question(mine, period, series_from, filters, n))


def _figure(
    metric: Metric, period: Period, days: Mapping[date | None, Sums], quantiles: Quantiles, target: float | None
) -> Figure:
    now, before = total(days, period), total(days, period.previous)
    figure = Figure(
        metric,
        _headline(metric, now, quantiles, "now"),
        now.n,
        mean=_mean(now),
        p50=quantiles.get(("now", 50)),
        p90=quantiles.get(("now", 90)),
        previous=_headline(metric, before, quantiles, "before"),
        target=metric.target if target is None else target,
        numerator=float(now.numerator),
        denominator=float(now.denominator),
    )
    for offset in reversed(range(SERIES_DAYS)):
        day = period.last - timedelta(days=offset)
        one = days.get(day, NOTHING)
        figure.series.append((day, _headline(metric, one, quantiles, day), one.n))
    if period.span == "day":  # the chart says of these two days what the figure says, to the second
        figure.series[-2:] = [(period.previous.last, figure.previous, before.n), (period.last, figure.value, now.n)]
    return figure


def _mean(sums: Sums) -> float | None:
    return float(sums.value) / sums.n if sums.n else None


def _headline(metric: Metric, sums: Sums, quantiles: Quantiles, part: Any) -> float | None:
    if metric.shape is Shape.COUNT:
        return float(sums.n)
    if metric.headline in (Stat.P50, Stat.P90):
        return quantiles.get((part, 90 if metric.headline is Stat.P90 else 50))
    if metric.headline is Stat.MEAN:
        return _mean(sums)
    return 100 * float(sums.numerator) / float(sums.denominator) if sums.denominator else None

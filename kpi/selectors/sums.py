"""Sums of a metric over days, from the coarsest roll-up that knows the filters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection

from kpi.folds.standing import NOW
from kpi.metrics import METRICS
from kpi.periods import Period
from kpi.selectors.filters import Filters

LEVEL = "backlog"


@dataclass(slots=True)
class Sums:
    """Sums of one metric over some days."""

    n: int = 0
    value: Decimal = Decimal(0)
    numerator: Decimal = Decimal(0)
    denominator: Decimal = Decimal(0)


def sums_by_day(
    keys: list[str], versions: dict[str, int], period: Period, series_from: date, filters: Filters
) -> dict[str, dict[date | None, Sums]]:
    """Return each metric's sums by day since `series_from`, in one statement; days without facts are left out.

    What lies before in the period and in the one before it stands whole under the first day of each. Under None stands
    a level as the last day ends: what stands now less what came since.
    """
    where, values = filters.conditions()
    before, last = period.previous.first, period.last
    table = "kpi_shop_day" if filters.is_by_shop else "kpi_rollup"
    now = "sum(n) AS n FROM kpi_shop_day" if filters.is_by_shop else "count(*) AS n FROM kpi_fact"
    level = f"""
        UNION ALL
        SELECT '{LEVEL}', version, NULL, sum(n), 0, 0, 0 FROM (
            SELECT version, {now} WHERE metric = '{NOW}' AND {where} GROUP BY version
            UNION ALL
            SELECT version, -sum(numerator) FROM {table} WHERE metric = '{LEVEL}' AND day > %s AND {where}
             GROUP BY version) AS parts GROUP BY version"""
    result: dict[str, dict[date | None, Sums]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(  # allowed: table and conditions are constants, values are parameters
            f"""SELECT metric, version,
                       CASE WHEN day >= %s THEN day WHEN day >= %s THEN %s::date ELSE %s::date END,
                       sum(n), sum(value_sum), sum(numerator), sum(denominator)
                  FROM {table} WHERE metric = ANY(%s) AND day BETWEEN %s AND %s AND {where}
                 GROUP BY 1, 2, 3{level if LEVEL in keys else ""}""",
            [
                *(series_from, period.first, period.first, before),
                *(keys, min(before, series_from), last, *values),
                *((*values, last, *values) if LEVEL in keys else ()),
            ],
        )
        for key, version, day, n, value, numerator, denominator in cursor.fetchall():
            if version == versions[METRICS[key].fold]:
                result[key][day] = Sums(int(n), value, numerator, denominator)
    return result


def levels(days: Mapping[date | None, Sums], last: date, count: int) -> dict[date, int]:
    """Return how a level stood as each of the `count` days up to the last one ended."""
    standing, found = days.get(None, Sums()).n, {}
    for offset in range(count):
        day = last - timedelta(days=offset)
        found[day] = standing
        standing -= int(days.get(day, Sums()).numerator)
    return found


def total(days: Mapping[date | None, Sums], period: Period) -> Sums:
    """Add up the days of a period."""
    first, last = period.first, period.last
    mine = [one for day, one in days.items() if day is not None and first <= day <= last]
    return Sums(
        sum(one.n for one in mine),
        sum((one.value for one in mine), Decimal(0)),
        sum((one.numerator for one in mine), Decimal(0)),
        sum((one.denominator for one in mine), Decimal(0)),
    )

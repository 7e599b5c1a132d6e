"""Sums of a metric over days, from the coarsest roll-up that knows the filters."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection

from kpi.metrics import METRICS
from kpi.periods import Period
from kpi.selectors.filters import Filters


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


def sums_by_day(
    keys: list[str], versions: dict[str, int], first: date, last: date, filters: Filters
) -> dict[str, dict[date, Sums]]:
    """Return each metric's sums by day, in one statement; days without facts are left out."""
    where, values = filters.conditions()
    table = "kpi_shop_day" if filters.is_by_shop else "kpi_rollup"
    result: dict[str, dict[date, Sums]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(  # allowed: table and conditions are constants, values are parameters
            f"""SELECT metric, version, day, sum(n), sum(value_sum), sum(numerator), sum(denominator)
                  FROM {table} WHERE metric = ANY(%s) AND day BETWEEN %s AND %s AND {where}
                 GROUP BY metric, version, day""",
            [keys, first, last, *values],
        )
        for key, version, day, n, value, numerator, denominator in cursor.fetchall():
            if version == versions[METRICS[key].fold]:
                result[key].setdefault(day, Sums()).add(int(n), value, numerator, denominator)
    return result


def total(days: dict[date, Sums], period: Period) -> Sums:
    """Add up the days of a period."""
    result = Sums()
    for day, one in days.items():
        if period.first <= day <= period.last:
            result.add(one.n, one.value, one.numerator, one.denominator)
    return result

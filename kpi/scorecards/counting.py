"""Count a month's cohort into the scorecard's rows; the same run twice gives the same rows."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import connection, transaction

from kpi.models import CarrierMonth
from kpi.periods import today
from kpi.scorecards.cohort import COHORT, NUMBERS, month_of, values_of

LOOKED_BACK = 3
"""So many months are counted anew: parcels of earlier ones have come or are lost."""
_COUNTED = (
    "parcels",
    "judged",
    "on_time",
    "delivered",
    "stalled",
    "lost",
    "damaged",
    "returned",
    "estimates",
    "inside",
    "complaints",
)
_COUNTS = ", ".join(f"count(*) FILTER (WHERE {NUMBERS[name]}) AS {name}" for name in _COUNTED)
_INSERT = f"""
INSERT INTO kpi_carrier_month (month, carrier_id, lane, region, {", ".join(_COUNTED)}, transit_p50, transit_p90,
       promised_p50, bias, made_at)
{COHORT}
SELECT %(month)s, carrier_id, coalesce(lane, ''), coalesce(region, ''), {_COUNTS},
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM delivered_at - shipped_at) / 3600)
           FILTER (WHERE delivered),
       percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM delivered_at - shipped_at) / 3600)
           FILTER (WHERE delivered),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM counted_at - shipped_at) / 3600)
           FILTER (WHERE counted_at IS NOT NULL),
       avg(late) FILTER (WHERE inside IS NOT NULL), %(at)s
  FROM cohort GROUP BY GROUPING SETS ((carrier_id), (carrier_id, lane), (carrier_id, region))
HAVING (grouping(lane) = 1 OR lane <> '') AND (grouping(region) = 1 OR region <> '')
"""


@transaction.atomic
def count_month(*, month: date, at: datetime) -> int:
    """Count a month anew and put its rows in the place of the old ones; return how many rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('kpi_carrier_month'))")
        cursor.execute("DELETE FROM kpi_carrier_month WHERE month = %s", [month])
        cursor.execute(_INSERT, {**values_of(month), "month": month, "at": at})  # allowed: constant column names
        return int(cursor.rowcount)


def count_recent_months(*, at: datetime) -> None:
    """Count the present month and those before it that may still change."""
    month = month_of(today(at))
    for _back in range(LOOKED_BACK):
        count_month(month=month, at=at)
        month = month_of(month - timedelta(days=1))


def months_counted() -> list[date]:
    """Return the months there are rows of, newest first."""
    return list(CarrierMonth.objects.order_by("-month").values_list("month", flat=True).distinct()[:24])

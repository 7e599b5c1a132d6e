"""The parcels behind a number of the scorecard, counted by the same statement."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import connection

from kpi.scorecards.cohort import COHORT, NUMBERS, values_of


class ParcelRow(NamedTuple):
    """One parcel behind a number."""

    parcel_id: int
    order_id: int
    order_number: str
    tracking_number: str
    lane: str
    shipped_at: datetime
    promised_at: datetime | None
    delivered_at: datetime | None


def parcels_behind(
    month: date, carrier_id: int, what: str, *, lane: str = "", region: str = "", after: int = 0, most: int = 100_000
) -> list[ParcelRow]:
    """Return the parcels a number counts, by id, from one id on."""
    cut = "(%(lane)s = '' OR lane = %(lane)s) AND (%(region)s = '' OR region = %(region)s)"
    values: dict[str, Any] = {"carrier": carrier_id, "lane": lane, "region": region, "after": after, "most": most}
    with connection.cursor() as cursor:
        cursor.execute(  # allowed: the condition is one of our own constants
            f"{COHORT}"
            " SELECT id, order_id, number, tracking_number, lane, shipped_at, counted_at, delivered_at FROM cohort"
            f" WHERE carrier_id = %(carrier)s AND ({NUMBERS[what]}) AND {cut} AND id > %(after)s"
            " ORDER BY id LIMIT %(most)s",
            {**values_of(month), **values},
        )
        return [ParcelRow(*row) for row in cursor.fetchall()]

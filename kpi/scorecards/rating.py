"""The monthly rating: 100 points less what went wrong, so that anybody can do the sum again.

2 points for each per cent of parcels on time below 98, 10 for each per cent lost, 5 for each per cent damaged, 5 for
each complaint per 100 parcels, 1 for each per cent stalled; never below 0. A from 90, B from 80, C from 65, else D.
With fewer than 20 judged parcels there is none.
"""

from __future__ import annotations

from kpi.models import CarrierMonth

ON_TIME = 98.0
LEAST_JUDGED = 20
GRADES = ((90.0, "A"), (80.0, "B"), (65.0, "C"))
WEIGHTS = {"lost": 10.0, "damaged": 5.0, "complaints": 5.0, "stalled": 1.0}


def points_of(row: CarrierMonth) -> float | None:
    """Return the points of a month, None with too few parcels."""
    if row.judged < LEAST_JUDGED:
        return None
    points = 100.0 - 2.0 * max(0.0, ON_TIME - 100.0 * row.on_time / row.judged)
    points -= sum(weight * 100.0 * getattr(row, name) / row.parcels for name, weight in WEIGHTS.items())
    return max(0.0, points)


def grade_of(points: float | None) -> str:
    """Return the letter of so many points, empty without any."""
    return "" if points is None else next((letter for least, letter in GRADES if points >= least), "D")

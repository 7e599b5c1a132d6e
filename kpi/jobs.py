"""Keep the figures near the present."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from core.jobs import every_tick, periodic
from kpi.scorecards.counting import count_recent_months
from kpi.services import advance_folds

BUDGET = timedelta(seconds=1.5)
"""So long one tick folds at most: a first fold of a large log goes on tick by tick, and other upkeep gets its turn."""


@every_tick("kpi.folds", at_most_every=timedelta(seconds=2))
def fold_events(now: datetime) -> None:
    """Fold what was recorded since the last tick and have open boards look again."""
    advance_folds(at=now, budget=BUDGET)


@periodic("kpi.carrier_months", every=timedelta(hours=1), fill=False, outside=True)
def count_carriers(*, period_start: datetime) -> None:
    """Count the carriers' scorecards of the months that may still change."""
    count_recent_months(at=timezone.now())

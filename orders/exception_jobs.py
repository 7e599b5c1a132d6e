"""Due work of exceptions: thin leaves, one service call each."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.jobs import every_tick
from orders.services.exceptions import judge_due


@every_tick("orders.judge_parcels", at_most_every=timedelta(seconds=10))
def judge(now: datetime) -> None:
    """Open and close exceptions of parcels that fell silent or were heard of."""
    judge_due(at=now)

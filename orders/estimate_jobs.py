"""Due work of estimates: thin leaves, one service call each."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.utils import timezone

from core.jobs import every_tick, periodic
from orders.services.estimates import learn_lanes, refresh_due

A_TURN = 1.5


@every_tick("orders.refresh_estimates", at_most_every=timedelta(seconds=5))
def refresh(now: datetime) -> None:
    """Estimate what is due for a second or two; what is left is due at the next tick."""
    end = time.monotonic() + A_TURN
    while refresh_due(at=now) and time.monotonic() < end:
        pass


@periodic("orders.learn_lanes", every=timedelta(days=1), fill=False, outside=True)
def learn(*, period_start: datetime) -> None:
    """Learn how long parcels take from the last half year."""
    learn_lanes(at=timezone.now())

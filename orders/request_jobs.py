"""Due work of requests to shops: thin leaves, one service call each."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.jobs import every_tick
from orders.services.requests import follow_due_requests, remind_overdue_requests


@every_tick("orders.follow_requests", at_most_every=timedelta(seconds=5))
def follow(now: datetime) -> None:
    """Close requests whose order went on."""
    follow_due_requests(at=now)


@every_tick("orders.remind_requests", at_most_every=timedelta(seconds=60))
def remind(now: datetime) -> None:
    """Tell who asked what the shop has not answered in time."""
    remind_overdue_requests(at=now)

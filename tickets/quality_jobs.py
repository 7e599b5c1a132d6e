"""Work of quality review that is due later: drawing samples, handing reviews on, the pre-check after each answer."""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta

from django.utils import timezone

from core.jobs import RunningJob, job, periodic
from tickets.services.quality.drawing import draw_sample, rebalance_reviews
from tickets.services.quality.plans import DRAW_JOB

logger = logging.getLogger(__name__)


@job(DRAW_JOB)
def draw(*, job: RunningJob, plan_id: int, period: str) -> None:
    """Draw a plan's sample of a period that is over."""
    drawn = draw_sample(plan_id=plan_id, period=date.fromisoformat(period), at=timezone.now())
    if drawn is not None:
        logger.info("quality.drawn plan_id=%s period=%s drawn=%s", plan_id, period, drawn.drawn_count)


@periodic("tickets.rebalance_reviews", every=timedelta(hours=1), fill=False)
def rebalance(*, period_start: datetime) -> None:
    """Hand on what waits with leavers and with people who are away."""
    rebalance_reviews(at=timezone.now())

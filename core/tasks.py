"""Celery tasks: thin leaves that drain the job table."""

from __future__ import annotations

import time

from celery import shared_task
from django.utils import timezone

from core.jobs import drain
from core.jobs.clock import tick as run_tick


@shared_task(name="core.drain", ignore_result=True)
def drain_jobs() -> None:
    """Run due jobs for a few seconds."""
    drain(seconds=20)


@shared_task(name="core.tick", ignore_result=True)
def tick() -> None:
    """Make due periods, do the upkeep and sweep up jobs whose wake-up was lost."""
    LAST_TICK[0] = time.monotonic()
    run_tick(timezone.now())
    drain(seconds=20)


LAST_TICK = [time.monotonic()]

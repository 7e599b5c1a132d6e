"""Work that is due later: reminders and breaches of promises, escalation of late tasks, the departments' digest."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from core.jobs import RunningJob, job, periodic, schedule
from tickets.selectors.digest import staff_for_digest
from tickets.services.digest import DIGEST_JOB, send_digest
from tickets.services.promises import DUE_JOB, WARN_JOB, break_promise, warn_of_promise
from tickets.services.task_clock import DUE_JOB as TASK_DUE_JOB
from tickets.services.task_clock import escalate_task

MONDAY = 0


@job(WARN_JOB)
def promise_warn(*, job: RunningJob, promise_id: int, round: int) -> None:
    """Remind the owner of a promise that it is due soon."""
    warn_of_promise(promise_id=promise_id, round_=round, at=timezone.now())


@job(DUE_JOB)
def promise_due(*, job: RunningJob, promise_id: int, round: int) -> None:
    """Note that a promise's time has passed."""
    break_promise(promise_id=promise_id, round_=round, at=timezone.now())


@job(TASK_DUE_JOB)
def task_due(*, job: RunningJob, task_id: int, round: int, level: int) -> None:
    """Raise a late task one step."""
    escalate_task(task_id=task_id, round_=round, level=level, at=timezone.now())


@periodic("tickets.weekly_digest", every=timedelta(days=1), fill=False)
def weekly_digest(*, period_start: datetime) -> None:
    """On Mondays, owe every department its week by mail, one job a person."""
    monday = period_start.astimezone(ZoneInfo(settings.BUSINESS_TIME_ZONE)).date()
    if monday.weekday() != MONDAY:
        return
    for staff_id in staff_for_digest():
        payload = {"staff_id": staff_id, "monday": monday.isoformat()}
        schedule(DIGEST_JOB, key=f"{monday}:{staff_id}", due_at=timezone.now(), payload=payload)


@job(DIGEST_JOB)
def digest(*, job: RunningJob, staff_id: int, monday: str) -> None:
    """Send somebody her department's week."""
    send_digest(staff_id=staff_id, monday=datetime.fromisoformat(monday).date(), at=timezone.now())

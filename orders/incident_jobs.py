"""Work of incidents that is due later or takes its time."""

from __future__ import annotations

from django.utils import timezone

from core.jobs import RunningJob, job
from orders.services.incidents import ATTACH_JOB, REVIEW_JOB, attach_by_job, remind_of_review


@job(ATTACH_JOB, outside=True, max_attempts=6)
def attach_affected(*, job: RunningJob, run_id: int, part: int) -> None:
    """Attach some more of what a search found, then owe the rest."""
    attach_by_job(run_id=run_id, part=part)


@job(REVIEW_JOB)
def review_due(*, job: RunningJob, incident_id: int, round: int) -> None:
    """Remind the owner of a missing review."""
    remind_of_review(incident_id=incident_id, round_=round, at=timezone.now())

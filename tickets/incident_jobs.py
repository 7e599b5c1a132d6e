"""Telling an incident's customers, in the background."""

from __future__ import annotations

from core.jobs import RunningJob, job
from tickets.services.incidents import TELL_JOB, tell_by_job


@job(TELL_JOB, outside=True, max_attempts=6)
def tell_incident(*, job: RunningJob, update_id: int, turn: int, part: int) -> None:
    """Tell some more customers, each in its own transaction, then owe the rest."""
    tell_by_job(update_id=update_id, turn=turn, part=part)

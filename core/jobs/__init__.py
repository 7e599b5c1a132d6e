"""Work owed: reactions, deadlines, and effects outside, all rows of one table."""

from core.jobs.queue import (
    Owed,
    cancel,
    discard_job,
    drain,
    replay_job,
    reschedule,
    schedule,
    schedule_many,
    schedule_unless_ready,
    went_on,
)
from core.jobs.registry import RetryLater, RunningJob, every_tick, job, periodic

__all__ = [
    "Owed",
    "RetryLater",
    "RunningJob",
    "cancel",
    "discard_job",
    "drain",
    "every_tick",
    "job",
    "periodic",
    "replay_job",
    "reschedule",
    "schedule",
    "schedule_many",
    "schedule_unless_ready",
    "went_on",
]

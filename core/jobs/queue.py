"""The job table as a queue: schedule, claim, run, finish, quarantine, replay.

Claim and effect are two short transactions. The claim gives a lease and a fence number and counts the attempt before
any work is done, so a job that kills its worker is counted too. The effect commits together with
`done WHERE fence = mine`: a worker that was frozen past its lease finds another fence and its work is rolled back.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from core.events.log import caused_by
from core.jobs.orphans import FIRST_PAUSE, free_orphans
from core.jobs.registry import JOBS, JobKind, RetryLater, RunningJob
from core.jobs.wake import wake_workers
from core.models import Event, Job, JobState

logger = logging.getLogger(__name__)


class LeaseLost(RuntimeError):
    """Another worker took the job over; this one's effect must not commit."""


def schedule(
    name: str,
    *,
    key: str,
    due_at: datetime,
    shard: str = "",
    payload: dict[str, Any] | None = None,
    event: Event | None = None,
) -> bool:
    """Owe a job, once per (name, key); return False when it was owed before. Call inside the service's transaction."""
    return schedule_many([Owed(name, key, due_at, shard, payload or {}, event)]) == 1


def schedule_unless_ready(name: str, *, key: str, due_at: datetime) -> bool:
    """Owe a job that works off a list unless one of that name is due and not begun; return whether it was owed.

    The one that is there is held until this transaction ends, and whoever claims jobs passes over what is held: when it
    begins it sees what this transaction wrote.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM core_job WHERE name = %s AND state = 'ready' AND due_at <= clock_timestamp()"
            " AND retry_at IS NULL ORDER BY due_at, id LIMIT 1 FOR KEY SHARE SKIP LOCKED",
            [name],
        )
        if cursor.fetchone():
            wake_workers()
            return False
    return schedule(name, key=key, due_at=due_at)


@dataclass(frozen=True)
class Owed:
    """A job to be owed by schedule_many; fields as in schedule()."""

    name: str
    key: str
    due_at: datetime
    shard: str = ""
    payload: dict[str, Any] = field(default_factory=dict)
    event: Event | None = None


_OWE = """INSERT INTO core_job (name, key, shard, payload, due_at, state, fence, attempts, last_error, event_id,
                      cause_depth)
VALUES {rows} ON CONFLICT (name, key) DO NOTHING"""
_OWE_ONE = "(%s, %s, %s, %s::jsonb, %s, 'ready', 0, 0, '', %s, %s)"


def schedule_many(jobs: Sequence[Owed]) -> int:
    """Owe several jobs in one statement, each once per (name, key); return how many were not owed before."""
    if not jobs:
        return 0
    values: list[Any] = []
    for job in jobs:
        event_id, depth = (job.event.pk, job.event.depth) if job.event else (None, 0)
        values += [job.name, job.key, job.shard, _json(job.payload), job.due_at, event_id, depth]
    with connection.cursor() as cursor:
        cursor.execute(_OWE.format(rows=", ".join([_OWE_ONE] * len(jobs))), values)
        created = cursor.rowcount
    if created and min(job.due_at for job in jobs) <= timezone.now():
        wake_workers()
    return created


def cancel(name: str, key: str) -> bool:
    """Take back a job that has not begun; return whether there was one."""
    return bool(
        Job.objects.filter(name=name, key=key, state=JobState.READY).update(
            state=JobState.CANCELLED, done_at=timezone.now()
        )
    )


def reschedule(name: str, key: str, due_at: datetime) -> bool:
    """Move a job that has not begun to another time; return whether there was one."""
    return bool(Job.objects.filter(name=name, key=key, state=JobState.READY).update(due_at=due_at, retry_at=None))


# The rows to take are materialised first: as a plain subquery the planner may run it once per row of a join, and every
# run would lock and take `limit` more.
_CLAIM = """
WITH due AS MATERIALIZED (
        SELECT c.id FROM core_job c
         WHERE c.due_at <= clock_timestamp() AND c.name = ANY(%(names)s)
           AND ((c.state = 'ready' AND (c.retry_at IS NULL OR c.retry_at <= clock_timestamp()))
                OR (c.state = 'running' AND c.lease_until < clock_timestamp()))
           AND (c.shard = '' OR NOT EXISTS (
                SELECT 1 FROM core_job p
                 WHERE p.name = c.name AND p.shard = c.shard AND p.shard <> '' AND p.state IN ('ready', 'running')
                   AND (p.due_at, p.id) < (c.due_at, c.id)))
         ORDER BY c.due_at, c.id LIMIT %(limit)s FOR UPDATE OF c SKIP LOCKED)
UPDATE core_job AS j
   SET state = 'running', attempts = j.attempts + 1, fence = j.fence + 1,
       lease_until = clock_timestamp() + make_interval(secs => (%(leases)s::jsonb ->> j.name)::float8), retry_at = NULL,
       lease_pid = pg_backend_pid(),
       lease_session_at = (SELECT a.backend_start FROM pg_stat_get_activity(pg_backend_pid()) AS a)
  FROM due
 WHERE j.id = due.id
RETURNING j.id, j.name, j.key, j.shard, j.payload::text, j.due_at, j.attempts, j.fence, j.event_id, j.cause_depth
"""


def claim(limit: int, *, names: list[str] | None = None) -> list[RunningJob]:
    """Take up to `limit` due jobs this process knows, in order of due time; unknown names wait for a newer worker.

    Each is leased for as long as its own kind says, and its attempt is counted here.
    """
    import json

    leases = {name: JOBS[name].lease.total_seconds() for name in (JOBS if names is None else names)}
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"names": list(leases), "limit": limit, "leases": json.dumps(leases)})
        rows = cursor.fetchall()
    jobs = [RunningJob(r[0], r[1], r[2], r[3], json.loads(r[4]), r[5], r[6], r[7], r[8], r[9]) for r in rows]
    return sorted(jobs, key=lambda job: (job.due_at, job.id))


def run_job(running: RunningJob) -> bool:
    """Run one claimed job to its end, its retry or its quarantine; return whether it is done."""
    kind = JOBS[running.name]
    if running.attempts > kind.max_attempts:  # earlier attempts took their worker down before they could report
        _quarantine(running, "worker lost in every attempt")
        return False
    try:
        with caused_by_job(running):
            if kind.outside:
                kind.run(job=running, **running.payload)
                with transaction.atomic():
                    _finish(running)
            else:
                with transaction.atomic():
                    kind.run(job=running, **running.payload)
                    _finish(running)
    except LeaseLost:
        logger.warning("job.lease_lost name=%s id=%s", running.name, running.id)
        return False
    except RetryLater as later:
        _fail(running, kind, f"retry: {later.reason}", later.delay)
        return False
    except Exception as error:  # a job may fail in any way; the row keeps what happened and the queue goes on
        logger.exception(
            "job.failed name=%s id=%s attempt=%s",
            running.name,
            running.id,
            running.attempts,
        )
        _fail(running, kind, f"{type(error).__name__}: {_public(error)}", None)
        return False
    return True


def caused_by_job(running: RunningJob) -> Any:
    """Mark what a job records as a consequence of its event."""
    from contextlib import nullcontext

    if running.event_id is None:
        return nullcontext()
    return caused_by(running.event_id, running.cause_depth, _root_of(running.event_id))


def _root_of(event_id: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH RECURSIVE up AS (
                 SELECT id, cause_id, depth FROM core_event WHERE id = %s
                 UNION ALL SELECT e.id, e.cause_id, e.depth FROM core_event e JOIN up ON e.id = up.cause_id)
               SELECT id FROM up ORDER BY depth LIMIT 1""",
            [event_id],
        )
        row = cursor.fetchone()
    return row[0] if row else event_id


def _finish(running: RunningJob) -> None:
    done = _held(running).update(state=JobState.DONE, done_at=timezone.now(), lease_until=None, last_error="")
    if not done:
        raise LeaseLost(running.id)


def went_on(running: RunningJob) -> None:
    """Note that a long job came further: its attempts count from here, and its lease runs from here.

    Call it in the transaction of what was done. Raises LeaseLost when another worker has taken the job over.
    """
    lease_until = timezone.now() + JOBS[running.name].lease
    if not _held(running).update(attempts=1, lease_until=lease_until):
        raise LeaseLost(running.id)


def _held(running: RunningJob) -> QuerySet[Job]:
    return Job.objects.filter(pk=running.id, fence=running.fence, state=JobState.RUNNING)


def _fail(running: RunningJob, kind: JobKind, error: str, delay: timedelta | None) -> None:
    attempts = _held(running).values_list("attempts", flat=True).first()  # fewer than claimed with when it went on
    if attempts is None:
        return
    if attempts >= kind.max_attempts:
        _quarantine(running, error)
        return
    wait = delay if delay is not None else kind.backoff[min(attempts, len(kind.backoff)) - 1]
    _held(running).update(
        state=JobState.READY,
        retry_at=timezone.now() + wait,
        lease_until=None,
        lease_pid=None,
        lease_session_at=None,
        last_error=error[:2000],
    )


def _quarantine(running: RunningJob, error: str) -> None:
    changed = _held(running).update(
        state=JobState.QUARANTINED,
        done_at=timezone.now(),
        lease_until=None,
        last_error=error[:2000],
    )
    if changed:
        logger.error("job.quarantined name=%s id=%s", running.name, running.id)
        from core.live import announce

        announce("system", "job_quarantined", running.id, running.attempts)


def _public(error: Exception) -> str:
    """Keep database messages out of the row: they can quote what a person typed."""
    return "" if isinstance(error, OperationalError) else str(error)[:500]


@transaction.atomic
def replay_job(*, job_id: int, at: datetime) -> bool:
    """Give a quarantined job a fresh set of attempts; return whether it was in quarantine."""
    changed = Job.objects.filter(pk=job_id, state=JobState.QUARANTINED).update(
        state=JobState.READY, attempts=0, retry_at=None, due_at=at, done_at=None
    )
    if changed:
        wake_workers()
    return bool(changed)


@transaction.atomic
def discard_job(*, job_id: int, at: datetime) -> bool:
    """Close a quarantined job for good; return whether it was in quarantine."""
    return bool(Job.objects.filter(pk=job_id, state=JobState.QUARANTINED).update(state=JobState.CANCELLED, done_at=at))


def drain(*, seconds: float) -> int:
    """Run due jobs until none is left or the time is up; return how many were done.

    One is claimed at a time: a job that takes its worker down costs no other job an attempt or a lease.
    """
    import time

    done, end = 0, time.monotonic() + seconds
    freed = free_orphans()
    pause_over = time.monotonic() + FIRST_PAUSE * bool(freed)  # from after the pause was written: never before its end
    while (now := time.monotonic()) < end:
        claimed = claim(1)
        if not claimed and now > pause_over:
            break
        if not claimed:  # what a dead worker left is free in a moment: no need to wait for the next tick
            time.sleep(0.1)
        done += sum(run_job(running) for running in claimed)
    return done


def _json(value: dict[str, Any]) -> str:
    import json

    return json.dumps(value, separators=(",", ":"))

"""Jobs whose worker is dead, given back at once instead of after their lease.

The lease names the database session that took the job. While a worker lives, frozen or busy, its session lives: the
lease stands, and past it the fence decides. When a worker is killed the kernel closes its connection and the server
ends the session; a job claimed by a session that is no more can have no effect any longer, so it is free.

A restart or crash of the server ends all sessions, also those of workers that are alive and talking to the outside.
So the absence of a session says something only while an older session (the server's checkpointer, or one of our own)
proves that the server has been up all the time; otherwise the lease runs its course. This needs connections straight
to PostgreSQL, as a pooler between (pgbouncer) keeps sessions of its own, and a role that may see the checkpointer.
"""

from __future__ import annotations

import logging

from django.db import connection

from core.jobs.registry import BACKOFF

logger = logging.getLogger(__name__)
FIRST_PAUSE = 1.0  # seconds in which the others get ahead of a job that may have killed its worker

_FREE = """
UPDATE core_job AS j
   SET state = 'ready', lease_until = NULL, lease_pid = NULL, lease_session_at = NULL, last_error = 'worker lost',
       retry_at = clock_timestamp() + make_interval(secs => (%(pauses)s::float8[])[least(j.attempts, %(count)s)])
 WHERE j.state = 'running' AND j.lease_pid IS NOT NULL AND j.lease_until > clock_timestamp()
   AND NOT EXISTS (SELECT FROM pg_stat_get_activity(j.lease_pid) a
                    WHERE a.backend_start IS NULL OR a.backend_start = j.lease_session_at)
   AND EXISTS (SELECT FROM pg_stat_get_activity(NULL) a WHERE a.backend_start < j.lease_session_at)
RETURNING j.id, j.name
"""


def free_orphans() -> int:
    """Give back the jobs of dead workers, the first time after a second, then as after a failure; return how many."""
    pauses = [FIRST_PAUSE, *(pause.total_seconds() for pause in BACKOFF[1:])]
    with connection.cursor() as cursor:
        cursor.execute(_FREE, {"pauses": pauses, "count": len(pauses)})
        rows = cursor.fetchall()
    for job_id, name in rows:
        logger.warning("job.worker_lost name=%s id=%s", name, job_id)
    return len(rows)

"""The core's own periodic jobs."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from core.events.partitions import roll_partitions
from core.jobs import periodic

logger = logging.getLogger(__name__)
KEEP_DONE = timedelta(days=7)
KEEP_REPLIES = timedelta(days=2)


@periodic("core.partitions", every=timedelta(hours=6), fill=False)
def make_partitions(*, period_start: datetime) -> None:
    """Have the event log's partitions of this and the next two months ready."""
    roll_partitions(timezone.now())


@periodic("core.sweep", every=timedelta(hours=1), fill=False)
def sweep(*, period_start: datetime) -> None:
    """Remove done jobs, passed rate windows and old idempotent replies."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM core_job WHERE state IN ('done', 'cancelled') AND done_at < %s", [now - KEEP_DONE])
        cursor.execute("DELETE FROM core_rate_counter WHERE expires_at < %s", [now])
        cursor.execute("DELETE FROM core_idempotent_reply WHERE created_at < %s", [now - KEEP_REPLIES])

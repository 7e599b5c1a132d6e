"""Due work of standstills: thin leaves, one service call each."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from core.jobs import RunningJob, job, periodic, schedule
from orders.services.clusters import SETTLE_JOB, find_clusters, settle_exceptions


@periodic("orders.find_clusters", every=timedelta(minutes=10), fill=False, outside=True)
def find(*, period_start: datetime) -> None:
    """Look for carriers, hubs and lanes that stand still."""
    find_clusters(at=timezone.now())


@job(SETTLE_JOB, outside=True)
def settle(*, job: RunningJob, incident_id: int, after: int) -> None:
    """Close together the exceptions of an ended incident, then owe the rest."""
    now = timezone.now()
    left = settle_exceptions(incident_id=incident_id, after=after, at=now)
    if left is not None:
        with transaction.atomic():
            payload = {"incident_id": incident_id, "after": left}
            schedule(SETTLE_JOB, key=f"{incident_id}:{job.id}:{left}", due_at=now, payload=payload)

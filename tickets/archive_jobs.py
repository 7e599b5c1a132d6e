"""Work of archives outside a request: thin leaves over the services."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from core.jobs import RunningJob, job, periodic
from tickets.services import archives
from tickets.services.archives.asking import WRITE_JOB


@job(WRITE_JOB, outside=True)
def write(*, job: RunningJob, archive_id: int) -> None:
    """Write for half a minute, then let others have a turn."""
    archives.write_slice(archive_id=archive_id, at=timezone.now())


@periodic("tickets.sweep_archives", every=timedelta(minutes=30), fill=False, outside=True)
def sweep(*, period_start: datetime) -> None:
    """Delete archives whose day is over."""
    archives.sweep_archives(at=timezone.now())

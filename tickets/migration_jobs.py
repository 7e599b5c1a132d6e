"""Work of migrations outside a request: thin leaves over the services."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from django.utils import timezone

from core.jobs import RunningJob, job, periodic, went_on
from tickets.services import migration
from tickets.services.migration.starting import CHECK_JOB, RUN_JOB


@job(CHECK_JOB, outside=True, lease=timedelta(minutes=30))
def check(*, job: RunningJob, migration_id: int) -> None:
    """Read an export dry."""
    migration.check_migration(migration_id=migration_id, at=timezone.now())


@job(RUN_JOB, outside=True)
def run(*, job: RunningJob, migration_id: int) -> None:
    """Take in for half a minute, then let others have a turn."""
    migration.migrate_slice(migration_id=migration_id, at=timezone.now(), went_on=partial(went_on, job))


@periodic("tickets.sweep_migrations", every=timedelta(hours=6), fill=False)
def sweep(*, period_start: datetime) -> None:
    """Clear away files and refused parts nobody needs any more."""
    migration.sweep_migrations(at=timezone.now())

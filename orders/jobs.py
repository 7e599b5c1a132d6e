"""Background work of the orders app: thin leaves, one service call each."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from core.jobs import RunningJob, every_tick, job, periodic
from orders import services
from orders.services import imports


@job("orders.check_import", outside=True)
def check_import(*, job: RunningJob, run_id: int) -> None:
    """Read a file dry."""
    imports.check_import(run_id=run_id, at=timezone.now())


@job("orders.run_import", outside=True)
def run_import(*, job: RunningJob, run_id: int) -> None:
    """Import for half a minute, then let others have a turn."""
    imports.import_slice(run_id=run_id, at=timezone.now())


@every_tick("orders.complete_due", at_most_every=timedelta(seconds=30))
def complete_due(now: datetime) -> None:
    """Complete orders that were delivered long enough ago."""
    services.complete_due_orders(at=now)


@periodic("orders.sweep_imports", every=timedelta(hours=6), fill=False)
def sweep_imports(*, period_start: datetime) -> None:
    """Clear away files and refused rows nobody needs any more."""
    imports.sweep_imports(at=timezone.now())

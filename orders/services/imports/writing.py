"""What every import does while it writes: hold its run, write alone for its shop, list what is refused late."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.db import IntegrityError, OperationalError, connection

from core.live import announce
from orders.enums import ImportState
from orders.models import ImportRowError, ImportRun
from orders.services.imports.checking import MAX_LISTED, row_error
from orders.services.imports.grouping import Refused
from orders.services.imports.starting import lock_run

logger = logging.getLogger(__name__)
TRIES = 5
PROGRESS = (
    "orders_new", "orders_changed", "orders_same", "orders_bad", "orders_done", "rows_read", "rows_bad", "version",
)  # fmt: skip


class Stopped(Exception):
    """The import was called off, or another worker is on it."""


def hold_run(run_id: int, position: int) -> ImportRun:
    """Lock a run that stands where this worker thinks it does. Raises Stopped."""
    run = lock_run(run_id)
    if run.state != ImportState.RUNNING or run.orders_done != position:
        raise Stopped
    return run


def write_alone(shop_id: int) -> None:
    """One import per shop writes at a time; for this transaction only, as is not waiting for the disk at its end.

    A crash of the server can take the newest batches back, and with them how far the run is: it does them again. The
    end of the run is a commit that waits, and with it everything before.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('orders.import'), %s)", [shop_id % 2**31])


def save_progress(run: ImportRun) -> None:
    """Write how far a run is, inside the batch's transaction, and let its page know."""
    run.version += 1
    run.save(update_fields=PROGRESS)
    announce(f"import.{run.pk}", "import", run.pk, run.version)


def again_on_clash(run_id: int, write: Callable[[int], int]) -> int:
    """Call `write(attempt)`, again when somebody else wrote the same at the same moment; return what it returns."""
    for attempt in range(1, TRIES + 1):
        try:
            return write(attempt)
        except (IntegrityError, OperationalError) as clash:
            # Somebody else brought the same order or person just now: it is committed, the next try finds it.
            if attempt == TRIES or not connection.is_usable():
                raise
            logger.info("import.again id=%s attempt=%s reason=%s", run_id, attempt, type(clash).__name__)
            time.sleep(0.05 * attempt)
    raise AssertionError("unreachable")


def refuse_late(run: ImportRun, refused: list[Refused]) -> None:
    """Refuse what the check let through, a carrier or a rule being gone; the rest is listed already."""
    if not refused or run.preview.get("listed", 0) >= MAX_LISTED:
        return
    rows = [one.problems[0].row for one in refused]
    listed = set(ImportRowError.objects.filter(run=run, row__in=rows).values_list("row", flat=True))
    for one in refused:
        if one.problems[0].row not in listed:
            refuse(run, one)


def refuse(run: ImportRun, refused: Refused) -> None:
    """Count and list what went through the check and is refused all the same."""
    run.orders_bad += 1
    run.rows_bad += len({problem.row for problem in refused.problems})
    headings = run.headings
    ImportRowError.objects.bulk_create(
        row_error(run.pk, one, headings[one.column][:120] if one.column is not None else "") for one in refused.problems
    )

"""Steps of an import that people take: check it, let it run, call it off; and what is cleared away later."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.errors import InvalidInput, NotFound, Text
from core.jobs import schedule
from core.live import announce
from orders.enums import IMPORT_TRANSITIONS, ImportKind, ImportState
from orders.errors import ImportBusy
from orders.models import ImportMapping, ImportRowError, ImportRun
from orders.services.imports.headings import headings_hash, remember
from orders.services.imports.kinds import KINDS
from orders.services.imports.reading import storage

logger = logging.getLogger(__name__)
KEPT_UNUSED = timedelta(days=7)
KEPT_ROWS = timedelta(days=30)


def lock_run(run_id: int) -> ImportRun:
    """Lock and return an import. Raises NotFound."""
    run = (
        ImportRun.objects.select_for_update(no_key=True, of=("self",)).select_related("shop").filter(pk=run_id).first()
    )
    if run is None:
        raise NotFound
    return run


def move_run(run: ImportRun, to: str) -> None:
    """Move an import on; the only place that assigns its state. Raises ImportBusy."""
    if to not in IMPORT_TRANSITIONS[run.state]:
        raise ImportBusy(state=str(run.state), to=str(to))
    run.state = to
    run.version += 1
    announce(f"import.{run.pk}", "import", run.pk, run.version)


@transaction.atomic
def begin_check(
    *, run_id: int, columns: dict[str, str], options: dict[str, Any], actor: Actor, at: datetime
) -> ImportRun:
    """Take the matching of columns, remember it for the shop, and check every row in the background.

    `columns` maps a column's index (as text) to a target; `options` may hold day_first. Raises InvalidInput naming what
    is missing or doubled, ImportBusy.
    """
    run = lock_run(run_id)
    chosen = {index: target for index, target in columns.items() if target}
    _check_columns(run, chosen)
    run.columns = chosen
    run.options = {**run.options, "day_first": bool(options.get("day_first"))}
    run.rows_read = run.rows_bad = run.rows_total = run.orders_total = run.orders_bad = 0
    run.preview, run.failure_code, run.checked_at = {}, "", None
    move_run(run, ImportState.CHECKING)
    run.save()
    ImportRowError.objects.filter(run=run).delete()
    ImportMapping.objects.update_or_create(
        shop=run.shop,
        kind=run.kind,
        headings_hash=headings_hash(run.headings),
        defaults={
            "columns": remember(run.headings, chosen),
            "options": {"day_first": run.options["day_first"]},
            "used_at": at,
        },
    )
    schedule("orders.check_import", key=f"{run.pk}:{run.version}", due_at=at, payload={"run_id": run.pk})
    return run


def _check_columns(run: ImportRun, columns: dict[str, str]) -> None:
    kind = KINDS[ImportKind(run.kind)]
    fields: dict[str, list[Text]] = {}
    seen: dict[str, str] = {}
    for index, target in columns.items():
        if target not in kind.targets or not index.isdigit() or int(index) >= len(run.headings):
            fields[f"column_{index}"] = [_("Choose one of the fields in the list.")]
        elif target in seen:
            fields[f"column_{index}"] = [_("Another column is matched to this already.")]
        seen[target] = index
    if missing := kind.missing(columns):
        fields["columns"] = missing[:1]
    if fields:
        raise InvalidInput(fields=fields)


@transaction.atomic
def begin_run(*, run_id: int, live_from: datetime | None, actor: Actor, at: datetime) -> ImportRun:
    """Let a checked file in. Orders placed from `live_from` on are treated as live: notices and visits follow them.

    Raises ImportBusy when the import is not checked (or was begun already).
    """
    run = lock_run(run_id)
    run.live_from = live_from
    run.orders_done = run.orders_new = run.orders_changed = run.orders_same = run.rows_read = 0
    move_run(run, ImportState.RUNNING)
    run.save()
    schedule("orders.run_import", key=f"{run.pk}:0", due_at=at, shard=f"import:{run.pk}", payload={"run_id": run.pk})
    logger.info("import.begun id=%s orders=%s", run.pk, run.orders_total)
    return run


@transaction.atomic
def cancel_import(*, run_id: int, actor: Actor, at: datetime) -> ImportRun:
    """Call an import off; orders that are in stay in, the file goes. Raises ImportBusy when it is over."""
    run = lock_run(run_id)
    move_run(run, ImportState.CANCELLED)
    run.finished_at = at
    run.save(update_fields=["state", "version", "finished_at"])
    transaction.on_commit(lambda: drop_file(run), robust=True)
    return run


def drop_file(run: ImportRun) -> None:
    """Delete an import's file and what was made from it."""
    for key in (run.file_key, run.options.get("csv_key", "")):
        if key:
            storage().delete(key)


def sweep_imports(*, at: datetime) -> int:
    """Clear away files nobody imported within a week and refused rows after thirty days; return how many imports."""
    idle = ImportRun.objects.filter(
        state__in=[ImportState.UPLOADED, ImportState.CHECKED, ImportState.FAILED], created_at__lt=at - KEPT_UNUSED
    )
    swept = 0
    for run in idle[:200]:
        drop_file(run)
        swept += ImportRun.objects.filter(pk=run.pk, version=run.version).update(
            state=ImportState.CANCELLED, finished_at=at, version=run.version + 1
        )
    ImportRowError.objects.filter(run__created_at__lt=at - KEPT_ROWS).delete()
    return swept

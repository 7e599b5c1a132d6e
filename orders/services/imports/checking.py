"""The dry run: read every row, say what would happen, write nothing but the list of refused rows."""

from __future__ import annotations

import json
import logging
import tempfile
import time
from collections import Counter
from datetime import datetime
from itertools import batched
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.files.base import File
from django.db import transaction

from core.crypto import encrypt
from core.errors import DomainError
from core.live import announce
from orders.enums import ImportKind, ImportState
from orders.models import ImportRowError, ImportRun
from orders.services.data import OrderData, items_total
from orders.services.imports.bulk import foresee
from orders.services.imports.grouping import Refused, RowProblem
from orders.services.imports.handling import Judged, judge, open_reader
from orders.services.imports.reading import collector_paused, local_file, storage
from orders.services.imports.rowwise import CustomerTold
from orders.services.imports.sheets import write_csv
from orders.services.imports.starting import lock_run, move_run
from orders.services.products import ProductTold
from orders.services.promotions import PromotionTold

logger = logging.getLogger(__name__)
BATCH = 2000
MAX_LISTED = 20_000
SAMPLES = 12


def check_import(*, run_id: int, at: datetime) -> ImportRun | None:
    """Check a file whose columns are matched; None when it was called off meanwhile. Ends as checked or failed.

    Runs outside a transaction: progress is committed as it goes. The same check twice gives the same result.
    """
    run = ImportRun.objects.select_related("shop").filter(pk=run_id, state=ImportState.CHECKING).first()
    if run is None:
        return None
    try:
        _make_csv(run)
        with collector_paused():
            return _check(run, at)
    except DomainError as refused:
        logger.info("import.refused id=%s code=%s", run.pk, refused.code)
        return fail_import(run_id=run.pk, error=refused, at=at)


@transaction.atomic
def fail_import(*, run_id: int, error: DomainError, at: datetime) -> ImportRun | None:
    """End an import that cannot go on; why stands in its preview."""
    run = lock_run(run_id)
    if run.state not in {ImportState.CHECKING, ImportState.RUNNING}:
        return None
    move_run(run, ImportState.FAILED)
    run.failure_code, run.finished_at = error.code[:40], at
    run.preview = {**run.preview, "failure": {key: str(value)[:60] for key, value in error.context.items()}}
    run.save()
    return run


def _make_csv(run: ImportRun) -> None:
    if run.file_format != "xlsx" or run.options.get("csv_key"):
        return
    with tempfile.TemporaryDirectory() as folder, local_file(run.file_key) as path:
        target = Path(folder) / "rows.csv"
        write_csv(path, target)
        with open(target, "rb") as made:
            run.options["csv_key"] = storage().save(
                run.file_key.rsplit(".", 1)[0] + ".csv", File(made, name="rows.csv")
            )
    ImportRun.objects.filter(pk=run.pk).update(options=run.options)


def _check(run: ImportRun, at: datetime) -> ImportRun | None:
    tally = _Tally(run, at)
    began = time.perf_counter()
    with local_file(run.options.get("csv_key") or run.file_key) as path:
        reader = open_reader(run, path, at)
        reader.count()
        ImportRun.objects.filter(pk=run.pk).update(rows_total=reader.total_rows, orders_total=reader.total_orders)
        ImportRowError.objects.filter(run=run).delete()
        for groups in batched(reader.groups(), BATCH):
            if not tally.take(judge(reader, run, groups), sum(len(group.rows) for group in groups)):
                return None
    with transaction.atomic():
        run = lock_run(run.pk)
        if run.state != ImportState.CHECKING:
            return None
        move_run(run, ImportState.CHECKED)
        run.rows_read = run.rows_total = reader.total_rows
        run.orders_total = reader.total_orders
        run.rows_bad, run.orders_bad = tally.rows_bad, tally.orders_bad
        run.orders_new, run.orders_changed, run.orders_same = tally.new, tally.changed, tally.same
        run.preview, run.checked_at = tally.preview(), at
        run.options = {**run.options, "together": reader.together}
        run.save()
    logger.info("import.checked id=%s rows=%s ms=%.0f", run.pk, run.rows_total, (time.perf_counter() - began) * 1000)
    return run


class _Tally:
    """What would happen, counted."""

    def __init__(self, run: ImportRun, at: datetime) -> None:
        self.run, self.at, self.zone = run, at, ZoneInfo(run.shop.timezone)
        self.new = self.changed = self.same = self.rows_bad = self.orders_bad = self.rows_read = self.listed = 0
        self.reasons: Counter[tuple[str, str]] = Counter()
        self.first_row: dict[tuple[str, str], int] = {}
        self.days: Counter[str] = Counter()
        self.samples: list[dict[str, Any]] = []

    def take(self, judged: list[Judged], rows: int) -> bool:
        """Count a batch; return whether the check goes on."""
        errors: list[RowProblem] = []
        for one in judged:
            if isinstance(one, Refused):
                self.orders_bad += 1
                self.rows_bad += len({problem.row for problem in one.problems})
                errors.extend(one.problems)
                continue
            item, what = one
            setattr(self, what, getattr(self, what) + 1)
            if what == "new" and isinstance(item.data, OrderData) and item.data.placed_at:
                self.days[item.data.placed_at.astimezone(self.zone).date().isoformat()] += 1
            if len(self.samples) < SAMPLES:
                self.samples.append({"what": what, "rows": item.rows, **self._sample(item.data)})
        self._list(errors)
        self.rows_read += rows
        with transaction.atomic():
            going = ImportRun.objects.filter(pk=self.run.pk, state=ImportState.CHECKING).update(
                rows_read=self.rows_read, rows_bad=self.rows_bad
            )
            announce(f"import.{self.run.pk}", "import", self.run.pk, 0)
        return bool(going)

    def _sample(self, data: OrderData | ProductTold | CustomerTold | PromotionTold) -> dict[str, Any]:
        """Return what the preview shows of a thing; nothing personal, it is kept with the run."""
        if isinstance(data, ProductTold):
            currency = data.currency or self.run.shop.currency
            money = {"total": "" if data.price is None else str(data.price), "currency": currency}
            return {"number": data.sku, "title": data.name, "stock": data.stock, **money}
        if isinstance(data, CustomerTold):
            return {"number": "", "tier": data.tier, "tags": len(data.tags)}
        if isinstance(data, PromotionTold):
            return {
                "number": data.code, "title": data.title, "items": len(data.skus), "currency": self.run.shop.currency,
                "total": "" if data.price is None else str(data.price),
                "percent": "" if data.percent is None else f"{data.percent.normalize():f}",
                "starts_at": data.starts_at.isoformat(), "ends_at": data.ends_at.isoformat() if data.ends_at else "",
            }  # fmt: skip
        shared = {"number": data.number, "items": len(data.items), "parcels": len(data.parcels)}
        if self.run.kind != ImportKind.ORDERS:
            return shared
        status = foresee(data, self.run.shop, at=self.at)[0].status if data.placed_at else data.status
        return {
            **shared, "total": str(items_total(data) if data.total is None else data.total), "currency": data.currency,
            "status": status, "placed_at": data.placed_at.isoformat() if data.placed_at else "",
        }  # fmt: skip

    def _list(self, errors: list[RowProblem]) -> None:
        headings = self.run.headings
        rows: list[ImportRowError] = []
        for error in errors:
            column = headings[error.column][:120] if error.column is not None and error.column < len(headings) else ""
            if error.code not in {"order_refused", "promotion_refused"}:
                self.reasons[column, error.code] += 1
                self.first_row.setdefault((column, error.code), error.row)
            if self.listed + len(rows) < MAX_LISTED:
                rows.append(row_error(self.run.pk, error, column))
        self.listed += len(rows)
        ImportRowError.objects.bulk_create(rows, batch_size=1000)

    def preview(self) -> dict[str, Any]:
        """Return the summary kept with the run: counts, samples and reasons, nothing personal."""
        return {
            "samples": self.samples,
            "days": dict(sorted(self.days.items())[-400:]),
            "reasons": [
                {"column": column, "code": code, "count": count, "row": self.first_row[column, code]}
                for (column, code), count in self.reasons.most_common(30)
            ],
            "listed": self.listed,
        }


def row_error(run_id: int, error: RowProblem, column: str) -> ImportRowError:
    params = {key: value if isinstance(value, int) else str(value)[:60] for key, value in error.params.items()}
    cells = json.dumps([cell[:2000] for cell in error.cells[:200]], ensure_ascii=False)
    return ImportRowError(
        run_id=run_id,
        row=error.row,
        column=column,
        code=error.code,
        params=params,
        cells_enc=encrypt(cells.encode("utf-8", "replace").decode()),
    )

"""Write orders as they are listed: an Excel file, or CSV where they are many. Text stays text, whatever a shop wrote.

Times are in the reader's zone, words in the reader's language; phones, names and streets whole only for those who may
reveal them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from itertools import batched
from typing import Any

from django.db.models import QuerySet, prefetch_related_objects
from django.utils import timezone
from django.utils.translation import gettext as _

from core.crypto import CannotDecrypt, decrypt
from core.snapshot import one_snapshot
from core.text import mask_name, mask_phone
from core.workbooks import build_workbook, safe_cell
from orders.enums import OrderStatus
from orders.models import Order

MOST_IN_EXCEL = 20_000
MOST_ROWS = 200_000
BATCH = 1000
LONGEST_CELL = 32_767
PERSONAL_FIELDS = ("recipient", "phone", "region", "street")


def is_large(rows: QuerySet[Order]) -> bool:
    """Tell whether these orders are too many for a workbook."""
    return rows.order_by()[: MOST_IN_EXCEL + 1].count() > MOST_IN_EXCEL


def write_workbook(rows: QuerySet[Order], *, whole: bool) -> bytes:
    """Return a workbook of orders; `whole` shows personal data unmasked."""

    def fill(sheet: Any) -> None:
        sheet.freeze_panes(1, 0)
        for line, cells in enumerate(_table(rows, whole, MOST_IN_EXCEL)):
            for column, cell in enumerate(cells):
                if isinstance(cell, Decimal):
                    sheet.write_number(line, column, float(cell))
                elif cell:
                    sheet.write_string(line, column, cell[:LONGEST_CELL])

    return build_workbook(fill)


def write_csv(rows: QuerySet[Order], *, whole: bool) -> bytes:
    """Return orders as CSV (UTF-8 with a byte order mark, for Excel); no cell is a formula."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8-sig", errors="replace", newline="")
    writer = csv.writer(out)
    for cells in _table(rows, whole, MOST_ROWS):
        writer.writerow([str(cell) if isinstance(cell, Decimal) else safe_cell(cell) for cell in cells])
    out.flush()
    raw = out.detach()
    assert isinstance(raw, io.BytesIO)
    return raw.getvalue()


def _table(rows: QuerySet[Order], whole: bool, most: int) -> Iterator[list[str | Decimal]]:
    yield _titles()
    labels = {status.value: str(status.label) for status in OrderStatus}
    count = 0
    with one_snapshot():  # a server-side cursor lives as long as its transaction
        found = rows.select_related("shop")[: most + 1].iterator(chunk_size=BATCH)
        for batch in batched(found, BATCH):
            prefetch_related_objects(list(batch), "parcels")
            for order in batch:
                count += 1
                if count > most:
                    yield [_("Only the first %(count)s rows are listed.") % {"count": most}]
                    return
                yield _row(order, labels, whole)


def _titles() -> list[str | Decimal]:
    return [
        _("Order"), _("Shop"), _("Status"), _("Ordered at"), _("Paid at"), _("Shipped at"), _("Delivered at"),
        _("Completed at"), _("Currency"), _("Total"), _("Paid"), _("Recipient"), _("Phone"), _("Region"), _("Street"),
        _("Tracking numbers"),
    ]  # fmt: skip


def _row(order: Order, labels: dict[str, str], whole: bool) -> list[str | Decimal]:
    phone, street = _opened(order.phone_enc), _opened(order.street_enc) if whole else ""
    return [
        order.number, order.shop.name, labels.get(order.status, order.status), _local(order.placed_at),
        _local(order.paid_at), _local(order.shipped_at), _local(order.delivered_at), _local(order.completed_at),
        order.currency, order.total, order.paid, order.recipient if whole else mask_name(order.recipient),
        phone if whole else mask_phone(phone) if phone else "", order.region, street or "",
        ", ".join(parcel.tracking_number for parcel in order.parcels.all()),
    ]  # fmt: skip


def _opened(value: Any) -> str:
    if not value:
        return ""
    try:
        return decrypt(bytes(value))
    except CannotDecrypt:
        return ""


def _local(at: datetime | None) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S") if at else ""

"""Write the rows behind a number as an Excel file, in constant memory however many they are."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from core.snapshot import one_snapshot
from core.workbooks import build_workbook
from kpi.metrics import METRICS, Shape
from kpi.periods import Period
from kpi.selectors import Filters, level_moment, rows_behind, with_ages

MOST_ROWS = 100_000
FIELDS: tuple[str, ...] = ("at", "ticket_id", "order_id", "value", "numerator", "denominator", "channel", "category")


def write_rows(metric: str, period: Period, filters: Filters) -> bytes:
    """Return a workbook with the newest MOST_ROWS rows."""
    return build_workbook(lambda sheet: _fill(sheet, metric, period, filters))


def _fill(sheet: Any, metric: str, period: Period, filters: Filters) -> None:
    titles = [_("Time"), _("Ticket"), _("Order"), _("Value"), _("Numerator"), _("Denominator"), _("Channel")]
    for column, title in enumerate([*titles, _("Category")]):
        sheet.write_string(0, column, title)
    with one_snapshot():  # a server-side cursor lives as long as its transaction; packing the file needs neither
        behind, fields = rows_behind(metric, period.first, period.last, filters), FIELDS
        if METRICS[metric].shape is Shape.LEVEL:
            behind = with_ages(behind, level_moment(period.last, timezone.now()))
            fields = tuple("age" if name == "value" else name for name in FIELDS)
        rows = behind.values_list(*fields)
        for line, row in enumerate(rows[: MOST_ROWS + 1].iterator(chunk_size=2000), start=1):
            if line > MOST_ROWS:
                sheet.write_string(line, 0, _("Only the newest %(count)s rows are listed.") % {"count": MOST_ROWS})
                break
            _write_row(sheet, line, row)


def _write_row(sheet: Any, line: int, row: tuple[Any, ...]) -> None:
    at, ticket, order, value, numerator, denominator, channel, category = row
    sheet.write_string(line, 0, timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S"))
    sheet.write_string(line, 1, str(ticket + 100_000) if ticket else "")
    sheet.write_string(line, 2, str(order or ""))
    if value is not None:
        sheet.write_number(line, 3, float(value))
    sheet.write_number(line, 4, float(numerator))
    sheet.write_number(line, 5, float(denominator))
    sheet.write_string(line, 6, channel or "")
    sheet.write_string(line, 7, category or "")

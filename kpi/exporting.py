"""Write the rows behind a number as an Excel file, in constant memory however many they are."""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from typing import IO, Any

from django.utils import timezone
from django.utils.translation import gettext as _
from xlsxwriter import Workbook

from core.snapshot import one_snapshot
from kpi.periods import Period
from kpi.selectors import Filters, rows_behind

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS = 100_000
IN_MEMORY = 1024 * 1024  # a finished workbook up to so many bytes needs no file of its own
FIELDS = ("at", "ticket_id", "order_id", "value", "numerator", "denominator", "channel", "category")


def write_rows(metric: str, period: Period, filters: Filters) -> IO[bytes]:
    """Return an open file with the newest MOST_ROWS rows, each on its way to disk before the next is read."""
    target = SpooledTemporaryFile(max_size=IN_MEMORY, prefix="cs-portal-")  # noqa: SIM115 - the response closes it
    book = Workbook(target, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet()
    titles = [_("Time"), _("Ticket"), _("Order"), _("Value"), _("Numerator"), _("Denominator"), _("Channel")]
    for column, title in enumerate([*titles, _("Category")]):
        sheet.write_string(0, column, title)
    with one_snapshot():  # a server-side cursor lives as long as its transaction; packing the file needs neither
        rows = rows_behind(metric, period.first, period.last, filters).values_list(*FIELDS)
        for line, row in enumerate(rows[: MOST_ROWS + 1].iterator(chunk_size=2000), start=1):
            if line > MOST_ROWS:
                sheet.write_string(line, 0, _("Only the newest %(count)s rows are listed.") % {"count": MOST_ROWS})
                break
            _write_row(sheet, line, row)
    book.close()
    target.seek(0)
    return target


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

"""The refused rows as a file to mend and import again: the original cells, then what was wrong."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from itertools import groupby

from django.utils.translation import gettext as _

from core.crypto import decrypt
from core.workbooks import safe_cell
from orders.errors import Problem, say
from orders.models import ImportRowError, ImportRun


def refused_rows(run: ImportRun) -> Iterator[list[str]]:
    """Yield the headings and then every refused row once: its cells, its number in the file, its reasons."""
    yield [*run.headings, _("Row"), _("Reason")]
    errors = ImportRowError.objects.filter(run=run).order_by("row", "pk").iterator(chunk_size=1000)
    for row, group in groupby(errors, key=lambda error: error.row):
        listed = list(group)
        cells = json.loads(decrypt(listed[0].cells_enc)) if listed[0].cells_enc else []
        cells = (cells + [""] * len(run.headings))[: max(len(run.headings), 1)]
        yield [*cells, str(row), " ".join(words_for(error) for error in listed)]


def words_for(error: ImportRowError) -> str:
    """Return the reason in the reader's language, with its column in front."""
    text = str(say(Problem(error.column, error.code, error.params)))
    return _("%(column)s: %(reason)s") % {"column": error.column, "reason": text} if error.column else text


def write_refused_rows(run: ImportRun, kind: str) -> bytes:
    """Return the refused rows as "csv" (UTF-8 with a byte order mark, for Excel) or "xlsx"; no cell is a formula."""
    return _xlsx(run) if kind == "xlsx" else _csv(run)


def _csv(run: ImportRun) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    for cells in refused_rows(run):
        writer.writerow([safe_cell(cell) for cell in cells])
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8", "replace")


def _xlsx(run: ImportRun) -> bytes:
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "constant_memory": True},
    )
    sheet = book.add_worksheet()
    bold = book.add_format({"bold": True})
    for number, cells in enumerate(refused_rows(run)):
        for column, cell in enumerate(cells):
            sheet.write_string(number, column, cell[:32_000], bold if number == 0 else None)
    book.close()
    return out.getvalue()

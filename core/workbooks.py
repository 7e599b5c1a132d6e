"""Excel files for the desk: text stays text, rows leave memory as they come, and the file goes out in one piece."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

from django.http import HttpResponse
from django.utils.http import content_disposition_header
from xlsxwriter import Workbook

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


_LIVE = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the last four are full width


def safe_cell(text: str) -> str:
    """Return a cell no spreadsheet takes for a formula; the apostrophe in front is dropped again on import."""
    seen = text.lstrip(" \ufeff\u200b\u00a0\u3000")  # spreadsheets look past these
    return "'" + text if text.startswith(_LIVE) or seen.startswith(_LIVE) else text


def build_workbook(write: Callable[[Any], None]) -> bytes:
    """Return an Excel file of one sheet.

    `write` gets xlsxwriter's worksheet and fills it top to bottom: a finished row lies in a file of its own until the
    book is packed, so that memory holds the packed file alone (about 10 MB for 100,000 tickets). No cell becomes a
    formula or a link by what it says.
    """
    target = BytesIO()
    book = Workbook(target, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    write(book.add_worksheet())
    book.close()
    return target.getvalue()


def workbook_response(book: bytes, name: str) -> HttpResponse:
    """Return the answer that saves an Excel file under a name."""
    disposition = content_disposition_header(as_attachment=True, filename=name)
    return HttpResponse(book, content_type=MEDIA_TYPE, headers={"Content-Disposition": disposition})

"""Read an Excel workbook as rows of text: refused before it can hurt, then turned into CSV once."""

from __future__ import annotations

import csv
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from core.errors import TooLarge
from orders.errors import ImportRefused
from orders.services.imports.reading import MAX_COLUMNS, MAX_ROWS

MAX_UNPACKED = 700 * 1024 * 1024
MAX_STRINGS = 64 * 1024 * 1024
MAX_PARTS = 2000
MAX_RATIO = 120
BLOCK = 256 * 1024
# What zipfile, zlib, lzma, bz2 and the XML parser raise for bytes that are not what they claim to be.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, SyntaxError, RuntimeError, NotImplementedError,
    OverflowError, KeyError, ValueError, TypeError, AttributeError, IndexError, InvalidFileException,
)  # fmt: skip
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def inspect(source: Any) -> None:
    """Refuse a workbook that is none, or that would unpack to more than we read: zip bombs, entities, huge strings."""
    try:
        with zipfile.ZipFile(source) as book:
            parts = book.infolist()
            names = {part.filename for part in parts}
            if "xl/workbook.xml" not in names:
                raise _not_a_workbook()
            _check_sizes(parts)
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    _check_markup(book, part)
    except _DAMAGED:
        raise _not_a_workbook() from None


def _check_sizes(parts: list[zipfile.ZipInfo]) -> None:
    total = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts) or 1
    bomb = total > MAX_UNPACKED or len(parts) > MAX_PARTS or (total > 20 * 1024 * 1024 and total / packed > MAX_RATIO)
    strings = any(p.filename.endswith("sharedStrings.xml") and p.file_size > MAX_STRINGS for p in parts)
    if bomb or strings:
        raise TooLarge(_("This workbook unpacks to more than we can take. Save it as CSV instead."), code="zip_bomb")


def _check_markup(book: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Read the part's head as far as markup declarations can stand; a declared size that lies ends the reading."""
    with book.open(part) as stream:
        head = stream.read(64 * 1024)
    if _DOCTYPE.search(head) or b"\x00" in head[:64]:
        raise ImportRefused(
            _("This workbook holds things a list of orders does not need. Save it anew, or as CSV."),
            code="unsafe_markup",
        )


def _not_a_workbook() -> ImportRefused:
    return ImportRefused(
        _("This is not an Excel workbook we can read. Save it as xlsx or CSV and try again."), code="not_a_workbook"
    )


def sheet_rows(source: Any, limit: int | None = None) -> Iterator[list[str]]:
    """Yield the rows of the first visible sheet that has any, every cell as text; a formula is its text."""
    try:
        book = load_workbook(source, read_only=True, data_only=False, keep_links=False)
    except _DAMAGED:
        raise _not_a_workbook() from None
    try:
        sheet = next((s for s in book.worksheets if s.sheet_state == "visible"), None)
        if sheet is None:
            raise _not_a_workbook()
        sheet.reset_dimensions()
        for count, row in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS + 1, values_only=True)):
            if limit is not None and count >= limit:
                return
            if count > MAX_ROWS * 2:
                raise TooLarge(
                    _("The file has more than %(max)s rows. Split it and import the parts.") % {"max": f"{MAX_ROWS:,}"},
                    code="too_many_rows",
                )
            yield [_text(value) for value in row]
    except _DAMAGED:
        raise ImportRefused(
            _("The workbook is damaged and cannot be read to its end. Save it anew, or as CSV."),
            code="workbook_damaged",
        ) from None
    finally:
        book.close()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)


def write_csv(source: Any, target: Path) -> int:
    """Turn a workbook into UTF-8 CSV, blank rows as blank lines so that row numbers stay; return the rows."""
    count = 0
    with open(target, "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        for cells in sheet_rows(source):
            while cells and not cells[-1]:
                cells.pop()
            # One sheet row is one line, whatever breaks stand in its cells: row numbers are those of the sheet.
            writer.writerow([_flat(cell) for cell in cells])
            count += 1
    return count


def _flat(cell: str) -> str:
    return " ".join(cell.split()) if "\n" in cell or "\r" in cell else cell


def peek(source: Path) -> list[list[str]]:
    """Return the first rows of a workbook."""
    return list(sheet_rows(source, limit=30))

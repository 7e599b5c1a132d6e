"""Read a file row by row without ever holding more than a row: strict decoding, caps, a clear word when it ends."""

from __future__ import annotations

import codecs
import csv
import gc
import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any

from django.core.files.storage import storages
from django.utils.translation import gettext_lazy as _

from core.errors import TooLarge
from orders.errors import ImportRefused

MAX_BYTES = 100 * 1024 * 1024
MAX_ROWS = 300_000
MAX_COLUMNS = 200
MAX_LINE = 1024 * 1024
MAX_FIELD = 64 * 1024
ENCODINGS = ("utf-8", "gb18030")
DELIMITERS = (",", "\t", ";", "|")


def storage() -> Any:
    """Return where uploads wait to be imported."""
    return storages["attachments"]


@contextmanager
def local_file(key: str) -> Iterator[Path]:
    """Give the stored file as a path on this machine."""
    store = storage()
    try:
        yield Path(store.path(key))
        return
    except NotImplementedError:
        pass
    with tempfile.NamedTemporaryFile(suffix=Path(key).suffix) as copy, store.open(key, "rb") as source:
        shutil.copyfileobj(source, copy, 1024 * 1024)
        copy.flush()
        yield Path(copy.name)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Look for no cycles meanwhile: rows hold none, and the search among them costs a tenth of the time."""
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_collecting:
            gc.enable()


def detect_encoding(source: IO[bytes]) -> str:
    """Return the encoding of the whole file: a byte order mark, else the first that decodes it strictly.

    Raises ImportRefused when it is no text.
    """
    head = source.read(4)
    source.seek(0)
    if head.startswith(codecs.BOM_UTF8):
        candidates: tuple[str, ...] = ("utf-8-sig",)
    elif head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ("utf-16",)
    else:
        candidates = ENCODINGS
    for name in candidates:
        if _decodes(source, name):
            return name
    raise ImportRefused(
        _("The text of this file cannot be read. Save it as CSV in UTF-8 or GB18030, or as an Excel workbook (xlsx)."),
        code="encoding_unknown",
    )


def _decodes(source: IO[bytes], encoding: str) -> bool:
    source.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while block := source.read(1024 * 1024):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except (UnicodeDecodeError, UnicodeError):
        return False
    finally:
        source.seek(0)
    return True


def sniff_delimiter(line: str) -> str:
    """Return the delimiter that cuts the heading line into most columns."""
    counts = {sign: len(next(csv.reader([line], delimiter=sign), [])) for sign in DELIMITERS}
    return max(DELIMITERS, key=lambda sign: counts[sign])


class Rows:
    """The rows of a delimited text: (line number of the row's first line, cells). The headings are row 1."""

    def __init__(self, path: Path, encoding: str, delimiter: str) -> None:
        self.path, self.encoding, self.delimiter = path, encoding, delimiter

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Yield every row that is not blank. Raises ImportRefused at the first place that cannot be read."""
        csv.field_size_limit(MAX_FIELD)
        with open(self.path, "rb", buffering=1024 * 1024) as raw:
            text = io.TextIOWrapper(raw, encoding=self.encoding, errors="strict", newline="")
            reader = csv.reader(_lines(text), delimiter=self.delimiter, strict=True)
            count = 0
            while True:
                start = reader.line_num + 1
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    raise _damaged(start, str(error)) from None
                except UnicodeDecodeError:
                    raise ImportRefused(
                        _("Row %(row)s holds characters that do not fit the file's encoding (%(encoding)s).")
                        % {"row": start, "encoding": self.encoding},
                        code="encoding_broken",
                        row=start,
                    ) from None
                if not any(cells):
                    continue
                count += 1
                if count > MAX_ROWS + 1:
                    raise TooLarge(
                        _("The file has more than %(max)s rows. Split it and import the parts.")
                        % {"max": f"{MAX_ROWS:,}"},
                        code="too_many_rows",
                    )
                yield start, cells


def first_rows(rows: Rows, count: int) -> list[tuple[int, list[str]]]:
    """Return the first rows and close the file."""
    with closing(iter(rows)) as source:  # type: ignore[type-var]
        return list(islice(source, count))


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Yield lines with a cap, so that one endless line cannot fill the memory."""
    number = 0
    while line := text.readline(MAX_LINE):
        number += 1
        if len(line) >= MAX_LINE:
            raise TooLarge(
                _("Row %(row)s is larger than 1 MB. This is probably not a list of orders.") % {"row": number},
                code="row_too_large",
                row=number,
            )
        yield line


def _damaged(row: int, error: str) -> ImportRefused:
    if "field larger" in error:
        return ImportRefused(
            _("A cell in row %(row)s is larger than 64 kB, or a quotation mark there is never closed.") % {"row": row},
            code="cell_too_large",
            row=row,
        )
    return ImportRefused(
        _("Row %(row)s is damaged: a quotation mark is opened and never closed, or stands in the wrong place.")
        % {"row": row},
        code="row_damaged",
        row=row,
    )

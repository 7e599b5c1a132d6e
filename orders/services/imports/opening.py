"""Take an uploaded file in: what is it, can it be read, which columns does it have."""

from __future__ import annotations

import hashlib
import logging
import secrets
from datetime import datetime
from pathlib import PurePosixPath
from typing import IO, Any

from django.core.files.base import File
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.errors import DomainError, NotFound, TooLarge
from core.text import normalise
from orders.enums import ImportKind, ImportState
from orders.errors import ImportRefused
from orders.models import ImportMapping, ImportRun, Shop
from orders.services.imports.headings import guess_columns, headings_hash, recall
from orders.services.imports.kinds import KINDS
from orders.services.imports.reading import (
    MAX_BYTES,
    MAX_COLUMNS,
    Rows,
    detect_encoding,
    first_rows,
    local_file,
    sniff_delimiter,
    storage,
)
from orders.services.imports.sheets import inspect, peek

logger = logging.getLogger(__name__)
SAMPLE = 8
_MAGIC = {
    b"PK\x03\x04": "xlsx",
    b"\xd0\xcf\x11\xe0": "xls",
    b"%PDF": "pdf",
    b"\x89PNG": "image",
    b"\xff\xd8\xff": "image",
    b"GIF8": "image",
    b"Rar!": "archive",
    b"7z\xbc\xaf": "archive",
    b"\x1f\x8b": "archive",
    b"{\\rt": "document",
}


def start_import(
    *, shop_id: int, file: IO[bytes], name: str, actor: Actor, at: datetime, kind: str = ImportKind.ORDERS
) -> ImportRun:
    """Store an uploaded file of a kind and read its headings; nothing of it is taken in yet.

    Columns are matched as this shop matched them last time, else guessed. Raises ImportRefused (wrong type, empty,
    unreadable, no headings), TooLarge, NotFound for an unknown shop.
    """
    shop = Shop.objects.filter(pk=shop_id, is_active=True).first()
    if shop is None:
        raise NotFound(_("There is no shop with this code."), code="unknown_shop")
    size, digest = _measure(file)
    form = _format(file, size)
    key = storage().save(f"imports/{at:%Y%m}/{secrets.token_urlsafe(12)}.{form}", File(file, name="upload"))
    try:
        opened = _open(key, form)
        return _add_run(shop, ImportKind(kind), name, key, size, digest, form, opened, actor, at)
    except DomainError:
        storage().delete(key)
        raise


def _measure(file: IO[bytes]) -> tuple[int, bytes]:
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    while block := file.read(1024 * 1024):
        size += len(block)
        if size > MAX_BYTES:
            raise TooLarge(_("The file is larger than 100 MB. Split it and import the parts."), code="file_too_large")
        digest.update(block)
    file.seek(0)
    return size, digest.digest()


def _format(file: IO[bytes], size: int) -> str:
    head = file.read(4096)
    file.seek(0)
    if not size or not head.strip(b"\xef\xbb\xbf\xff\xfe\r\n\t ,;"):
        raise ImportRefused(_("The file is empty."), code="file_empty")
    kind = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), "csv")
    if kind == "xlsx":
        inspect(file)
        file.seek(0)
    elif kind == "xls":
        raise ImportRefused(
            _("This is an old Excel file (xls). Open it in Excel and save it as xlsx or CSV."), code="old_excel"
        )
    elif (
        kind != "csv"
        or (b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")))
        or head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in {b"<", b"{", b"["}
    ):
        raise ImportRefused(
            _("This is not a table. Choose a CSV file or an Excel workbook (xlsx) with one order or item a row."),
            code="wrong_type",
        )
    return kind


def _open(key: str, kind: str) -> dict[str, Any]:
    """Return encoding, delimiter, headings and the first rows."""
    with local_file(key) as path:
        if kind == "xlsx":
            rows, start = _trim(peek(path))
            encoding, delimiter = "utf-8", ","
        else:
            with open(path, "rb") as source:
                encoding = detect_encoding(source)
            with open(path, encoding=encoding, newline="") as text:
                head = text.read(64 * 1024)
            first = next((line for line in head.splitlines() if line.strip(" ,;\t|")), "")
            delimiter = sniff_delimiter(first)
            numbered = first_rows(Rows(path, encoding, delimiter), SAMPLE + 1)
            rows, start = [cells for _number, cells in numbered], numbered[0][0] if numbered else 0
    if not rows:
        raise ImportRefused(_("The file is empty."), code="file_empty")
    headings = [normalise(cell)[:120] for cell in rows[0]]
    while headings and not headings[-1]:
        headings.pop()
    if len(headings) > MAX_COLUMNS:
        raise TooLarge(_("The file has more than 200 columns. Leave out what is not needed."), code="too_many_columns")
    if len([heading for heading in headings if heading]) < 2:
        raise ImportRefused(
            _("The first row has to name the columns, such as order number, placed at, item."), code="no_headings"
        )
    if len(rows) < 2:
        raise ImportRefused(_("The file has headings but no rows below them."), code="no_rows")
    sample = [[cell[:80] for cell in row[: len(headings)]] for row in rows[1 : SAMPLE + 1]]
    return {
        "encoding": encoding,
        "delimiter": delimiter,
        "headings": headings,
        "sample": sample,
        "heading_row": start or 1,
    }


def _trim(rows: list[list[str]]) -> tuple[list[list[str]], int]:
    for index, row in enumerate(rows):
        if any(cell.strip() for cell in row):
            return [r for r in rows[index:] if any(cell.strip() for cell in r)], index + 1
    return [], 0


@transaction.atomic
def _add_run(
    shop: Shop,
    kind: ImportKind,
    name: str,
    key: str,
    size: int,
    digest: bytes,
    form: str,
    opened: dict[str, Any],
    actor: Actor,
    at: datetime,
) -> ImportRun:
    headings, targets = opened["headings"], KINDS[kind].targets
    known = ImportMapping.objects.filter(shop=shop, kind=kind, headings_hash=headings_hash(headings)).first()
    columns = recall(headings, known.columns, targets) if known else guess_columns(headings, targets)
    options = dict(known.options) if known else {}
    options |= {"delimiter": opened["delimiter"], "heading_row": opened["heading_row"], "remembered": known is not None}
    run = ImportRun.objects.create(
        shop=shop,
        kind=kind,
        file_name=normalise(PurePosixPath(name.replace("\\", "/")).name)[:200] or kind,
        file_key=key,
        file_size=size,
        file_hash=digest,
        file_format=form,
        encoding=opened["encoding"],
        headings=headings,
        columns=columns,
        options=options,
        state=ImportState.UPLOADED,
        preview={},
        started_by_id=actor.id if actor.is_person else None,
        created_at=at,
    )
    logger.info("import.opened id=%s format=%s bytes=%s columns=%s", run.pk, form, size, len(headings))
    return run


def read_sample(run: ImportRun) -> list[list[str]]:
    """Return the first rows as they stand in the file, for matching columns; read anew, kept nowhere."""
    with local_file(run.file_key) as path:
        if run.file_format == "xlsx" and not run.options.get("csv_key"):
            rows, _start = _trim(peek(path))
        else:
            source = Rows(path, run.encoding, run.options.get("delimiter", ","))
            rows = [cells for _number, cells in first_rows(source, SAMPLE + 1)]
        rows = rows[1:]
    return [[cell[:80] for cell in row[: len(run.headings)]] for row in rows[:SAMPLE]]

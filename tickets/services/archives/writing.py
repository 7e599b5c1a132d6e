"""Write an archive: piece after piece, each whole or not at all, from wherever the last one stopped.

A piece is a deflated file of the later zip. It lies in the store before its row is told of it, and the row says how
many pieces there are: a killed worker's file is named nowhere, and of two workers the later one throws its own away.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import secrets
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.core.files.base import File
from django.core.files.storage import storages
from django.db import transaction
from django.utils import timezone, translation

from accounts.models import Staff
from accounts.permissions import has
from accounts.services import notify
from core.actors import SYSTEM
from core.events import record
from core.jobs import schedule
from core.live import announce
from core.workbooks import safe_cell
from tickets.archive_enums import ArchiveFormat, ArchiveState
from tickets.archive_events import ArchiveWritten
from tickets.archive_zip import Packed, Packer, zip_size
from tickets.models import Archive
from tickets.selectors.archives import TABLES, Table, count_rows
from tickets.services.archives.asking import KEPT, NEEDED, WRITE_JOB, lock_archive, move_archive, scope_of
from tickets.services.archives.clearing import end_archive

logger = logging.getLogger(__name__)
NOTICE = "archive.ready"
SLICE_SECONDS = 25.0
PIECE_SECONDS = 12.0
PIECE_ROWS = 100_000
PIECE_BYTES = 256 * 1024 * 1024


def write_slice(*, archive_id: int, at: datetime, seconds: float = SLICE_SECONDS) -> bool:
    """Write for a while, then owe the next slice as a job; return whether something is left.

    Runs outside a transaction. Started twice, called off or killed at any point, no half piece counts.
    """
    archive = Archive.objects.select_related("asked_by").filter(pk=archive_id, state=ArchiveState.WRITING).first()
    if archive is None:
        return False
    staff = archive.asked_by
    if not all(has(staff, permission) for permission in NEEDED) or archive.scope != scope_of(staff):
        end_archive(archive_id=archive.pk, code="no_right", at=at)
        return False
    with timezone.override(ZoneInfo(staff.timezone)), translation.override(staff.language):
        return _write(archive, staff, at, time.monotonic() + seconds)


def _write(archive: Archive, staff: Staff, at: datetime, end: float) -> bool:
    if archive.rows_total is None:
        archive.rows_total = count_rows(archive, staff)
        Archive.objects.filter(pk=archive.pk).update(rows_total=archive.rows_total)
    while True:
        number = int(archive.place.get("table", 0))
        if number >= len(TABLES):
            _finish(archive.pk, at)
            return False
        piece, after = _piece(archive, staff, TABLES[number])
        place = {"table": number, "after": after} if after else {"table": number + 1, "after": []}
        if not _keep(archive, piece, place):
            return False
        if time.monotonic() > end:
            _owe_next(archive, at)
            return True


def _piece(archive: Archive, staff: Staff, table: Table) -> tuple[Packed, list[int]]:
    """Write the next file of a table; return it and the key it ends with, [] when the table is whole."""
    end, after = time.monotonic() + PIECE_SECONDS, list(archive.place.get("after", []))
    rows, is_over = 0, False
    form = archive.archive_format
    with tempfile.TemporaryFile() as target:  # without a name: a killed worker leaves nothing behind
        packer, heads = Packer(target), table.heads()
        line = _lines(form, packer, heads)
        while not is_over and rows < PIECE_ROWS and packer.size < PIECE_BYTES and time.monotonic() < end:
            page = table.page(archive, staff, after)
            for cells in page.rows:
                line(cells)
            rows, after, is_over = rows + len(page.rows), page.after, not page.after
        packer.close()
        target.seek(0)
        part = sum(piece["name"].startswith(f"{table.name}-") for piece in archive.pieces) + 1
        key = f"{archive.folder}/{secrets.token_hex(16)}"
        key = storages["attachments"].save(key, File(target, name="piece"))
    piece = Packed(f"{table.name}-{part}.{form}", key, packer.crc, packer.size, packer.packed, rows)
    return piece, after


def _lines(form: str, packer: Packer, heads: list[tuple[str, str]]) -> Callable[[list[Any]], None]:
    if form == ArchiveFormat.JSON:
        keys = [key for key, _title in heads]

        def as_json(cells: list[Any]) -> None:
            told = {key: _plain(cell) for key, cell in zip(keys, cells, strict=True)}
            packer.write(json.dumps(told, ensure_ascii=False).encode("utf-8", "replace") + b"\n")

        return as_json
    packer.write(b"\xef\xbb\xbf" + _row([title for _key, title in heads]))
    return lambda cells: packer.write(_row([_cell(cell) for cell in cells]))


def _row(cells: list[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> str:
    """Return a cell of a table: times in the reader's zone, and nothing a spreadsheet would compute."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S")
    return str(value) if isinstance(value, int | Decimal) else safe_cell(str(value))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _keep(archive: Archive, piece: Packed, place: dict[str, Any]) -> bool:
    """Tell the row of a piece; return False, the file thrown away, when the archive has moved on meanwhile."""
    if _add(archive, piece, place):
        return True
    storages["attachments"].delete(piece.key)
    return False


@transaction.atomic
def _add(archive: Archive, piece: Packed, place: dict[str, Any]) -> bool:
    row = lock_archive(archive.pk)
    if row.state != ArchiveState.WRITING or len(row.pieces) != len(archive.pieces):
        return False
    table = TABLES[archive.place.get("table", 0)].name
    row.pieces = archive.pieces = [*row.pieces, asdict(piece)]
    row.place = archive.place = place
    row.counts = row.counts | {table: row.counts.get(table, 0) + piece.rows}
    row.rows_done += piece.rows
    row.version += 1
    row.touched_at = timezone.now()
    row.save(update_fields=["pieces", "place", "counts", "rows_done", "version", "touched_at"])
    announce(f"archive.{row.pk}", "archive", row.pk, row.version)
    return True


@transaction.atomic
def _owe_next(archive: Archive, at: datetime) -> None:
    schedule(
        WRITE_JOB, key=f"{archive.pk}:{len(archive.pieces)}", due_at=at, shard=f"archive:{archive.pk}",
        payload={"archive_id": archive.pk},
    )  # fmt: skip


@transaction.atomic
def _finish(archive_id: int, at: datetime) -> None:
    archive = lock_archive(archive_id)
    if archive.state != ArchiveState.WRITING:
        return
    archive.finished_at, archive.expires_at = at, at + KEPT
    archive.size = zip_size((Packed(**piece) for piece in archive.pieces), at=timezone.localtime(at))
    move_archive(archive, ArchiveState.READY, at=at)
    archive.save(update_fields=["state", "version", "finished_at", "expires_at", "size"])
    data = ArchiveWritten(**{table.name: archive.counts.get(table.name, 0) for table in TABLES}, bytes=archive.size)
    record("archive.written", subject=archive, actor=SYSTEM, at=at, data=data)
    notify(
        staff_id=archive.asked_by_id, kind=NOTICE, params={"archive_id": archive.pk}, url="/settings/archive/", at=at
    )
    logger.info("archive.written id=%s bytes=%s", archive.pk, archive.size)

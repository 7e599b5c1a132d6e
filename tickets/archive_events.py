"""Events of archives people take out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.events import Code, declare


@dataclass(frozen=True)
class ArchiveAsked:
    """Somebody asked for an archive: of which time and shop (None: all), in which format."""

    archive_format: Code
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True)
class ArchiveWritten:
    """An archive can be fetched: rows by table, bytes of the whole file."""

    tickets: int
    messages: int
    customers: int
    orders: int
    items: int
    bytes: int


declare("archive.asked", ArchiveAsked)
declare("archive.written", ArchiveWritten)

"""What of the past a page shows, exactly: the database snapshot it was read in."""

from __future__ import annotations

import re

from django.db.models import Func, TextField

_SNAPSHOT = re.compile(r"[0-9]{1,18}:[0-9]{1,18}:[0-9,]{0,4000}")


class PageSnapshot(Func):
    """The snapshot of the statement this is read in, as text."""

    template = "pg_current_snapshot()::text"
    output_field = TextField()


def read_snapshot(text: str) -> str:
    """Return a snapshot that came back from a page, "" for anything the database would not take."""
    if not _SNAPSHOT.fullmatch(text):
        return ""
    low, high, rest = text.split(":")
    parts = rest.split(",") if rest else []
    if not all(parts) or not 0 < int(low) <= int(high):
        return ""
    running = [int(part) for part in parts]
    inside = running == sorted(set(running)) and all(int(low) <= one < int(high) for one in running)
    return text if inside else ""

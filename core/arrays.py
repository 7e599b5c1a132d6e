"""Lists for PostgreSQL as the text of an array: written in one go, where an adapter would ask each value what it is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

_NULL = "NULL"


def array_of(values: Iterable[object]) -> str:
    """Return the literal of an array of numbers, times, truth values or None; cast it where it is used."""
    return "{" + ",".join(map(_plain, values)) + "}"


def text_array_of(values: Iterable[str]) -> str:
    """Return the literal of an array of texts."""
    return "{" + ",".join(map(_quoted, values)) + "}"


def _plain(value: object) -> str:
    if value is None:
        return _NULL
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

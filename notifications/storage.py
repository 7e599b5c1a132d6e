"""Keep raw mail in STORAGES["attachments"]: the file is whole and on disk before any row speaks of it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

INBOUND = "inbound"
SINK = "mail-sink"
PART = ".part"


def keep_raw(folder: str, raw: bytes, at: datetime) -> str:
    """Store bytes under a fresh unguessable name and return it. Raises OSError when the disk is full."""
    storage = storages["attachments"]
    name = f"{folder}/{at.astimezone(UTC):%Y-%m-%d}/{secrets.token_hex(16)}.eml"
    place = _local(storage, name)
    if place is None:
        return storage.save(name, ContentFile(raw))
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    part = place.with_name(place.name + PART)
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(raw)
            handle.flush()
            os.fsync(handle.fileno())
        part.rename(place)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(place.parent)
    return name


def read_raw(name: str) -> bytes:
    """Return the stored bytes. Raises FileNotFoundError."""
    with storages["attachments"].open(name) as handle:
        return bytes(handle.read())


def forget_raw(name: str) -> None:
    """Delete a file; nothing happens when it is gone."""
    if name:
        storages["attachments"].delete(name)


def forget_all(names: Iterable[str]) -> None:
    """Delete files."""
    for name in names:
        forget_raw(name)


def raw_older_than(folder: str, limit: datetime) -> Iterator[str]:
    """Yield the names of files last written before `limit`, half-written ones included."""
    storage = storages["attachments"]
    try:
        days = sorted(storage.listdir(folder)[0])
    except FileNotFoundError:
        return
    for day in days:
        if day > f"{limit.astimezone(UTC):%Y-%m-%d}":
            continue
        for file in storage.listdir(f"{folder}/{day}")[1]:
            name = f"{folder}/{day}/{file}"
            try:
                if storage.get_modified_time(name) < limit:
                    yield name
            except FileNotFoundError:
                continue


def _local(storage: Storage, name: str) -> Path | None:
    try:
        return Path(storage.path(name))
    except NotImplementedError:
        return None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

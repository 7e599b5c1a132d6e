"""Where the bytes lie: STORAGES["attachments"], a folder or an S3 bucket, under random keys."""

from __future__ import annotations

import errno
import logging
import re
import secrets
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import storages

from tickets.errors import NoRoom, StoreAway
from tickets.storage import StoreUnavailable

logger = logging.getLogger(__name__)
FOLDER = re.compile(r"[0-9a-f]{2}")
FULL = {errno.ENOSPC, errno.EDQUOT}


def new_key() -> str:
    """Return an unguessable key (160 bits)."""
    return secrets.token_hex(20)


def path_of(key: str) -> str:
    """Return where a key's file lies in the store; 256 folders keep each small."""
    return f"{key[:2]}/{key}"


def put(key: str, data: bytes) -> None:
    """Store bytes under a fresh key, whole or not at all. Raises NoRoom when the disk is full, StoreAway."""
    try:
        storages["attachments"].save(path_of(key), ContentFile(data))
    except StoreUnavailable as error:
        logger.error("attachments.store_unavailable error=%s", error)
        raise StoreAway from error
    except OSError as error:
        if error.errno in FULL:
            raise NoRoom from error
        raise


def fetch(key: str) -> File[Any]:
    """Open a stored file. Raises FileNotFoundError, StoreAway."""
    try:
        return storages["attachments"].open(path_of(key))
    except StoreUnavailable as error:
        logger.error("attachments.store_unavailable error=%s", error)
        raise StoreAway from error


def remove(keys: Iterable[str]) -> int:
    """Delete stored files; a missing one is fine. Returns how many were asked for. Raises OSError."""
    return remove_paths(path_of(key) for key in keys if key)


def remove_paths(paths: Iterable[str]) -> int:
    """Delete what lies at these places of the store. Raises OSError."""
    count = 0
    for path in paths:
        storages["attachments"].delete(path)
        count += 1
    return count


def all_files() -> Iterator[tuple[str, str, datetime]]:
    """Walk the store: each file's place, key (its name) and when it was written; others keep things there too."""
    store: Any = storages["attachments"]
    for path, written_at in store.listing(FOLDER):
        yield path, path.rpartition("/")[2], written_at

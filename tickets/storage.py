"""The local store of files: written beside, made durable, then put in place, so that a name never holds half a file.

tickets.bucket is the other store, behind the same calls and errors.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.storage import FileSystemStorage

Listed = tuple[str, datetime]


class StoreUnavailable(OSError):
    """The bucket cannot be reached or does not let us in; the same call may work later."""


class DurableFileSystemStorage(FileSystemStorage):
    """Files on disk: temporary name, fsync, rename, fsync of the folder; no name is ever written over."""

    def _save(self, name: str, content: File[Any]) -> str:
        target = Path(self.path(name))
        target.parent.mkdir(mode=self.directory_permissions_mode or 0o750, parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, self.file_permissions_mode or 0o640)
        try:
            with os.fdopen(descriptor, "wb") as handle:
                for chunk in content.chunks():
                    handle.write(chunk)
                handle.flush()
                os.fsync(handle.fileno())
            os.link(part, target)  # unlike a rename it refuses to replace a file that is there
        finally:
            part.unlink(missing_ok=True)
        _sync_folder(target.parent)
        return str(name).replace("\\", "/")

    def listing(self, folder: re.Pattern[str]) -> Iterator[Listed]:
        """Yield each file of the folders that fit, with when it was written."""
        try:
            folders, _files = self.listdir("")
        except FileNotFoundError:
            return
        for found in filter(folder.fullmatch, folders):
            for name in self.listdir(found)[1]:
                yield f"{found}/{name}", self.get_modified_time(f"{found}/{name}")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

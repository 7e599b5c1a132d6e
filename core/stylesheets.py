"""Serve a stylesheet of parts as one file: the parts are written by noun, the page loads them in one request."""

import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.contrib.staticfiles.utils import matches_patterns
from django.core.checks import CheckMessage
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage

FOLDER = "css"
type Found = list[str]  # inside the class the word list is a method
IMPORT = re.compile(r'^@import "([\w/-]+\.css)";$', re.MULTILINE)


def parts(sheet: Path) -> list[Path]:
    """List the parts a stylesheet imports, in its order; empty when it has none."""
    return [sheet.parent / name for name in IMPORT.findall(sheet.read_text(encoding="utf-8"))]


def together(sheet: Path) -> str:
    """Write a stylesheet of parts out as one text."""
    return "\n".join(part.read_text(encoding="utf-8") for part in parts(sheet))


class StylesheetFinder(BaseFinder):
    """Stand in front of the other finders, for every css/*.css that imports parts.

    collectstatic, the development server and the tests all ask finders, so each serves the same bytes.
    """

    def __init__(self, root: Path | None = None, built: Path | None = None) -> None:
        self.root = root or Path(settings.STATICFILES_DIRS[0])
        self.built = built or Path(settings.VAR_DIR) / "stylesheets"

    def check(self, **kwargs: object) -> list[CheckMessage]:
        return []

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, InMemoryStorage]]:
        """Give collectstatic every sheet of parts, written out."""
        for sheet in sorted((self.root / FOLDER).glob("*.css")):
            name = f"{FOLDER}/{sheet.name}"
            if parts(sheet) and not matches_patterns(name, ignore_patterns or []):
                storage = InMemoryStorage()
                storage.save(name, ContentFile(together(sheet).encode()))
                yield name, storage

    def find(self, path: str, find_all: bool = False) -> str | Found:  # type: ignore[override]
        """Write the asked sheet out, if it has parts, and tell where it lies."""
        sheet = self.root / path
        nothing: Found = []
        if sheet.parent != self.root / FOLDER or sheet.suffix != ".css" or not sheet.is_file() or not parts(sheet):
            return nothing
        built = self.built / sheet.name
        text = together(sheet)
        if not built.is_file() or built.read_text(encoding="utf-8") != text:
            self._write(built, text)
        return [str(built)] if find_all else str(built)

    def _write(self, built: Path, text: str) -> None:
        # Several processes may write at once: each its own file, then one rename that readers cannot see half of.
        built.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=built.parent, suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(built)

"""manage.py export_tickets FOLDER: every ticket with its messages and everybody they name, as lines of JSON."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.services import record_access
from core.actors import SYSTEM
from tickets.archiving import ticket_lines, user_lines


class Command(BaseCommand):
    """Write users.json and tickets.json, unmasked and whole; who looks is written into the access log."""

    help = "Export all tickets with full conversations, and all people, as NDJSON. The files hold personal data."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        """Write both files, readable for their owner only; existing ones are not overwritten."""
        folder: Path = options["folder"]
        folder.mkdir(parents=True, exist_ok=True)
        record_access(
            actor=SYSTEM, subject_type="ticket_archive", subject_id=0, fields=("name", "phone", "email", "text"),
            purpose="export: archive", at=timezone.now(), ip=None,
        )  # fmt: skip
        for name, lines in (("users.json", user_lines()), ("tickets.json", ticket_lines())):
            count = self._write(folder / name, lines)
            self.stdout.write(f"{name}: {count} lines")

    def _write(self, path: Path, lines: Iterator[str]) -> int:
        if path.exists():
            raise CommandError(f"{path} exists already.")
        written = 0
        path.touch(mode=0o600)
        with path.open("w", encoding="utf-8", newline="\n") as out:
            for line in lines:
                out.write(line + "\n")
                written += 1
        return written

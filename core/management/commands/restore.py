"""Restore a backup archive."""

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.backup.archive import BackupError, read_backup
from core.backup.restored import reset_xids


class Command(BaseCommand):
    """`manage.py restore FILE`: into an empty database; then migrate and reset what belongs to the old cluster."""

    help = "Restore a backup into an empty database, migrate it and make it ready to start."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the archive and whether to replace what is there."""
        parser.add_argument("file")
        parser.add_argument("--force", action="store_true", help="replace a database that is not empty")

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore, migrate, reset."""
        try:
            manifest = read_backup(source=Path(options["file"]).resolve(), force=options["force"])
        except BackupError as error:
            raise CommandError(str(error)) from error
        call_command("migrate", "--noinput", "--skip-checks", verbosity=0)
        events = reset_xids()
        self.stdout.write(f"Restored the backup of {manifest['at']}: {events} events. The figures rebuild themselves.")

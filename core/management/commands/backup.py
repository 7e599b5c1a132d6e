"""Write a backup archive."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from core.backup.archive import BackupError, write_backup


class Command(BaseCommand):
    """`manage.py backup [FILE]`: database, attachments and manifest in one .tar."""

    help = "Write a backup (database, attachments, manifest) to one .tar file."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file and how many older ones to keep."""
        parser.add_argument("file", nargs="?", help="default: var/backups/backup-TIME.tar")
        parser.add_argument("--keep", type=int, default=0, help="remove all but the newest N backups of the folder")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it and say where it is."""
        now = timezone.now()
        name = f"backup-{now:%Y%m%d-%H%M%S}.tar"
        target = Path(options["file"]) if options["file"] else Path(settings.VAR_DIR) / "backups" / name
        try:
            manifest = write_backup(target=target.resolve(), at=now)
        except BackupError as error:
            raise CommandError(str(error)) from error
        if options["keep"] > 0:
            for old in sorted(target.parent.glob("backup-*.tar"))[: -options["keep"]]:
                old.unlink()
        self.stdout.write(f"{target} ({target.stat().st_size / 2**20:.1f} MB, version {manifest['product_version']})")

"""Reset what belongs to another cluster, after a restore by other means than `manage.py restore`."""

from typing import Any

from django.core.management.base import BaseCommand

from core.backup.restored import reset_xids


class Command(BaseCommand):
    """`manage.py after_restore`: transaction ids of the log and the folds' cursors."""

    help = "After a restore by pg_restore or a file copy into a new cluster: reset transaction ids and folds."

    def handle(self, *args: Any, **options: Any) -> None:
        """Reset and say how many events there are."""
        self.stdout.write(f"{reset_xids()} events are ready to be folded again.")

"""Build the figures again from the event log."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from kpi.services import rebuild_folds


class Command(BaseCommand):
    """`manage.py rebuild_kpis [NAME …]`: the numbers come out the same, or the log was not folded right."""

    help = "Rebuild the figures from the event log."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take fold names."""
        parser.add_argument("names", nargs="*")

    def handle(self, *args: Any, **options: Any) -> None:
        """Rebuild and say what was rebuilt."""
        for name in rebuild_folds(names=options["names"], at=timezone.now()):
            self.stdout.write(name)

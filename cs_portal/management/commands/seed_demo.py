"""Seed the demo shop."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from cs_portal.demo.seed import SCALE, AlreadySeeded, seed


class Command(BaseCommand):
    """`manage.py seed_demo`: a living company with a past; does nothing when there is one."""

    help = "Make the demo shop (once)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a size."""
        parser.add_argument("--small", action="store_true", help="a tenth of it, for tests")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed and say how much."""
        start = time.monotonic()
        scale = {name: max(3, count // 10) for name, count in SCALE.items()} if options["small"] else SCALE
        try:
            made = seed(now=timezone.now(), scale=scale)
        except AlreadySeeded:
            self.stdout.write("There is a company already; nothing was changed.")
            return
        except OSError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{made['orders']} orders, {made['tickets']} tickets in {time.monotonic() - start:.1f} s")

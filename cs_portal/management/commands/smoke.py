"""Play the first story against a running product."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from cs_portal.demo.smoke import play


class Command(BaseCommand):
    """`manage.py smoke --base-url URL`: one JSON line with timings; exit 0 or 1."""

    help = "Play steps 2 to 7 of the first story over HTTP."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the address."""
        parser.add_argument("--base-url", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """Play and print."""
        result = play(options["base_url"])
        self.stdout.write(json.dumps(result, ensure_ascii=False))
        if not result["ok"]:
            raise SystemExit(1)

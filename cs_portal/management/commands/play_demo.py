"""Let the demo play by itself."""

import json
import logging
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cs_portal.demo.doors import CarrierCounter
from cs_portal.demo.player import Player


class Command(BaseCommand):
    """`manage.py play_demo --base-url URL`: orders, scans, questions and answers through the public doors."""

    help = "Play customers and a colleague through the public doors until stopped."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the address and the pace."""
        parser.add_argument("--base-url", required=True)
        parser.add_argument("--carrier-url", default="", help="where the trial's carrier stands, when it does")
        parser.add_argument("--fast", action="store_true", help="ten times the pace")

    def handle(self, *args: Any, **options: Any) -> None:
        """Play."""
        logging.basicConfig(level=logging.INFO)
        path = Path(settings.VAR_DIR) / "demo-doors.json"
        if not path.exists():
            raise CommandError("There is no demo to play: run seed_demo first.")
        carrier = CarrierCounter(options["carrier_url"]) if options["carrier_url"] else None
        doors = json.loads(path.read_text(encoding="utf-8"))
        player = Player(options["base_url"], doors, carrier=carrier)
        player.play((0.4, 1.1) if options["fast"] else (4, 11))

"""Let the trial's provider of tracking answer on loopback."""

import secrets
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from cs_portal.demo.carrier import Provider
from cs_portal.demo.carrier_account import open_account


class Command(BaseCommand):
    """`manage.py play_carrier --port N`: a provider as Kuaidi100 is on the wire, with an account for the demo shop."""

    help = "Answer as a provider of tracking on 127.0.0.1 until stopped; only in the trial."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the port."""
        parser.add_argument("--port", type=int, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve for ever."""
        if not settings.TRIAL:
            raise CommandError("The provider of the trial stands in the trial only.")
        provider = Provider(key=secrets.token_hex(16), port=options["port"])
        provider.mood.pushes_at_once = 1.5
        open_account(provider, at=timezone.now())
        threading.Event().wait()

"""Print the link that opens the first-run wizard."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from cs_portal.welcome.views import setup_key


class Command(BaseCommand):
    """`manage.py setup_link`."""

    help = "Print the address of the first-run wizard with its key."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print it."""
        self.stdout.write(f"{settings.PUBLIC_URL.rstrip('/')}/welcome/?key={setup_key()}")

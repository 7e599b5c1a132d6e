"""Send the tick: the only thing that is scheduled."""

from __future__ import annotations

from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """`manage.py ticker`: Celery beat with its schedule in code and no file of its own; two do no harm."""

    help = "Send a tick to the workers every two seconds."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run beat until stopped."""
        beat = current_app.Beat(loglevel="WARNING", scheduler="celery.beat:Scheduler", pidfile=None, quiet=True)
        beat.run()

"""Compare clocks with the event log, and bring them into step."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from tickets.selectors.sla import tickets_with_clocks
from tickets.services.sla.rebuilding import compare_clocks, repair_clocks


class Command(BaseCommand):
    """`manage.py recompute_clocks [--ticket ID …] [--repair]`: without --repair it only says what differs."""

    help = "Compare the clocks of open tickets with the event log; with --repair, bring them into step."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take ticket ids and whether to repair."""
        parser.add_argument("--ticket", type=int, nargs="*", default=[])
        parser.add_argument("--repair", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through the tickets one by one and say what differed.

        Each is compared at one moment, or repaired under its own lock: people go on working meanwhile.
        """
        work = repair_clocks if options["repair"] else compare_clocks
        count = found = 0
        for ticket_id in tickets_with_clocks(options["ticket"]).values_list("pk", flat=True).iterator(chunk_size=200):
            count += 1
            unlike = work(ticket_id=ticket_id, at=timezone.now())
            found += bool(unlike)
            for one in unlike:
                self.stdout.write(f"ticket {one.ticket_id}: {one.kind} {one.round} {one.field}")
        self.stdout.write(f"{count} tickets, {found} differed{', repaired' if options['repair'] and found else ''}")

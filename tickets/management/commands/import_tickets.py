"""manage.py import_tickets FILE…: the same migration as in the browser, at the command line."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from core.actors import SYSTEM
from core.errors import DomainError, InvalidInput
from orders.selectors import find_shop_by_code
from tickets.migration_enums import MigrationState
from tickets.models import Migration
from tickets.services import migration


class Command(BaseCommand):
    """Check an export of another desk dry, show what would happen, and take it in with --yes."""

    help = "Import tickets, messages and customers of another desk (Zendesk JSON or CSV). Without --yes only checked."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("files", type=Path, nargs="+")
        parser.add_argument("--source", default="zendesk", help="The other desk's name; keeps its numbers apart.")
        parser.add_argument("--shop", help="The code of the shop the tickets belong to.")
        parser.add_argument(
            "--mapping", help='JSON: {"statuses": {"solved": "closed"}, "priorities": {}, "fields": {}}.'
        )
        parser.add_argument("--refused", type=Path, help="Write the refused parts to this CSV file.")
        parser.add_argument("--resume", type=int, metavar="ID", help="Go on with a migration that was stopped.")
        parser.add_argument("--yes", action="store_true", help="Import after the check.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the migration; exits with an error when the files cannot be read."""
        try:
            self._migrate(options)
        except InvalidInput as error:
            words = [str(error), *(f"{name}: {text}" for name, texts in error.fields.items() for text in texts)]
            raise CommandError("\n".join(words)) from None
        except (DomainError, json.JSONDecodeError) as error:
            raise CommandError(str(error)) from None

    def _migrate(self, options: dict[str, Any]) -> None:
        if options["resume"]:
            self._run(options["resume"])
            return
        checked = self._check(options)
        if options["refused"]:
            options["refused"].write_bytes(migration.write_problems(checked))
        self.stdout.write(
            f"Migration {checked.pk}: {checked.tickets_total} tickets, {checked.found.get('messages', 0)} messages, "
            f"{checked.people_total} users, {checked.found.get('known', 0)} here already, {checked.bad} refused."
        )
        if checked.state == MigrationState.FAILED:
            raise CommandError(f"The files cannot be imported: {checked.failure_code}")
        if not options["yes"]:
            self.stdout.write(json.dumps(checked.mapping, ensure_ascii=False))
            self.stdout.write("Nothing was written. Add --yes to import.")
            return
        mapping = json.loads(options["mapping"]) if options["mapping"] else {}
        migration.begin_migration(migration_id=checked.pk, mapping=mapping, actor=SYSTEM, at=timezone.now())
        self._run(checked.pk)

    def _check(self, options: dict[str, Any]) -> Migration:
        shop = find_shop_by_code(options["shop"]) if options["shop"] else None
        if options["shop"] and shop is None:
            raise CommandError(f"There is no shop with the code {options['shop']!r}.")
        for path in options["files"]:
            if not path.is_file():
                raise CommandError(f"There is no file {path}.")
        with ExitStack() as stack:
            files = [(path.name, stack.enter_context(path.open("rb"))) for path in options["files"]]
            started = migration.start_migration(
                source=options["source"], shop_id=shop.pk if shop else None, files=files, actor=SYSTEM,
                at=timezone.now(),
            )  # fmt: skip
        found = migration.check_migration(migration_id=started.pk, at=timezone.now())
        return found or Migration.objects.get(pk=started.pk)  # a worker took the job first; its result is the same

    def _run(self, migration_id: int) -> None:
        done = migration.run_migration(migration_id=migration_id, at=timezone.now())
        self.stdout.write(
            f"{done.get_state_display()}: {done.tickets_new} new, {done.tickets_changed} grown, {done.tickets_same} as "
            f"they were, {done.messages_new} messages, {done.bad} refused."
        )

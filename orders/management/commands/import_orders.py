"""manage.py import_orders FILE --shop CODE: the same import as in the browser, at the command line."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from core.actors import SYSTEM
from core.errors import DomainError, InvalidInput
from orders.enums import ImportKind, ImportState
from orders.errors import Problem, say
from orders.models import ImportRowError, ImportRun
from orders.selectors import find_shop_by_code
from orders.services import imports
from orders.services.imports.kinds import KINDS


class Command(BaseCommand):
    """Check a file dry, show what would happen, and import it with --yes."""

    help = "Import a shop's export (CSV, TSV or xlsx). Without --yes it is only checked."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--shop", required=True, help="The shop's code.")
        parser.add_argument(
            "--kind", choices=ImportKind.values, default=ImportKind.ORDERS.value, help="What the file holds (orders)."
        )
        parser.add_argument(
            "--mapping",
            help='JSON of heading to field, as text or in a file: {"订单编号": "number"}. Fields: '
            + "; ".join(f"{kind}: {', '.join(KINDS[kind].targets)}" for kind in KINDS),
        )
        parser.add_argument(
            "--live-from", type=date.fromisoformat, help="Treat orders placed from this day on as live."
        )
        parser.add_argument("--day-first", action="store_true", help="03/04/2026 is the 3rd of April.")
        parser.add_argument("--refused", type=Path, help="Write the refused rows to this file (.csv or .xlsx).")
        parser.add_argument("--yes", action="store_true", help="Import after the check.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the import; exits with an error when the file cannot be read or nothing of it is good."""
        try:
            self._import(options)
        except InvalidInput as error:
            words = [str(error), *(f"{name}: {text}" for name, texts in error.fields.items() for text in texts)]
            raise CommandError("\n".join(words)) from None
        except DomainError as error:
            raise CommandError(str(error)) from None

    def _import(self, options: dict[str, Any]) -> None:
        shop = find_shop_by_code(options["shop"])
        if shop is None:
            raise CommandError(f"There is no shop with the code {options['shop']!r}.")
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        with path.open("rb") as file:
            run = imports.start_import(
                shop_id=shop.pk, file=file, name=path.name, kind=options["kind"], actor=SYSTEM, at=timezone.now()
            )
        columns = _columns(run, options["mapping"]) if options["mapping"] else run.columns
        imports.begin_check(
            run_id=run.pk, columns=columns, options={"day_first": options["day_first"]}, actor=SYSTEM, at=timezone.now()
        )
        checked = imports.check_import(run_id=run.pk, at=timezone.now())
        if checked is None:  # the worker took the job first; its result is the same
            checked = ImportRun.objects.get(pk=run.pk)
        self._report(checked, options["refused"])
        if checked.state == ImportState.FAILED:
            raise CommandError(f"The file cannot be imported: {checked.failure_code}")
        if not options["yes"]:
            self.stdout.write("Nothing was written. Add --yes to import.")
            return
        day = options["live_from"]
        live_from = datetime.combine(day, time.min, ZoneInfo(shop.timezone)) if day else None
        imports.begin_run(run_id=run.pk, live_from=live_from, actor=SYSTEM, at=timezone.now())
        done = imports.run_import(run_id=run.pk, at=timezone.now())
        assert done is not None
        self.stdout.write(
            f"{done.get_state_display()}: {done.orders_new} new, {done.orders_changed} changed,"
            f" {done.orders_same} the same"
        )

    def _report(self, run: ImportRun, refused: Path | None) -> None:
        things = "orders" if run.kind in {ImportKind.ITEMS, ImportKind.PARCELS} else run.kind
        self.stdout.write(
            f"{run.rows_total} rows, {run.orders_total} {things}: {run.orders_new} new, {run.orders_changed} changed, "
            f"{run.orders_same} the same, {run.orders_bad} refused ({run.rows_bad} rows)"
        )
        for error in ImportRowError.objects.filter(run=run).order_by("row", "pk")[:20]:
            where = f"row {error.row}" + (f", {error.column}" if error.column else "")
            self.stdout.write(f"  {where}: {say(Problem(error.column, error.code, error.params))}")
        if refused is not None and run.rows_bad:
            kind = "xlsx" if refused.suffix == ".xlsx" else "csv"
            refused.write_bytes(imports.write_refused_rows(run, kind))
            self.stdout.write(f"Refused rows are in {refused}.")


def _columns(run: ImportRun, mapping: str) -> dict[str, str]:
    text = Path(mapping).read_text(encoding="utf-8") if Path(mapping).is_file() else mapping
    try:
        wanted = json.loads(text)
    except ValueError:
        raise CommandError("--mapping is not JSON.") from None
    if not isinstance(wanted, dict):
        raise CommandError("--mapping is an object of heading to field.")
    unknown = [heading for heading in wanted if heading not in run.headings]
    if unknown:
        raise CommandError(f"The file has no column {unknown[0]!r}. It has: {', '.join(run.headings)}")
    return {str(run.headings.index(heading)): str(target) for heading, target in wanted.items()}

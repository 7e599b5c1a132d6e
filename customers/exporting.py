"""Write customers as they are listed: an Excel file, or CSV where they are many. Contacts whole only by right."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import batched
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from core.snapshot import one_snapshot
from core.workbooks import build_workbook, safe_cell
from customers.enums import IdentityKind, Tier
from customers.models import Customer
from customers.selectors.listing import contacts_of

MOST_IN_EXCEL = 20_000
MOST_ROWS = 200_000
BATCH = 500
LONGEST_CELL = 32_767
PERSONAL_FIELDS = ("name", "phone", "email", "note")


def is_large(rows: QuerySet[Customer]) -> bool:
    """Tell whether these customers are too many for a workbook."""
    return rows.order_by()[: MOST_IN_EXCEL + 1].count() > MOST_IN_EXCEL


def write_workbook(rows: QuerySet[Customer], *, whole: bool) -> bytes:
    """Return a workbook of customers; `whole` shows contacts unmasked."""

    def fill(sheet: Any) -> None:
        sheet.freeze_panes(1, 0)
        for line, cells in enumerate(_table(rows, whole, MOST_IN_EXCEL)):
            for column, cell in enumerate(cells):
                if cell:
                    sheet.write_string(line, column, cell[:LONGEST_CELL])

    return build_workbook(fill)


def write_csv(rows: QuerySet[Customer], *, whole: bool) -> bytes:
    """Return customers as CSV (UTF-8 with a byte order mark, for Excel); no cell is a formula."""
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="")
    writer = csv.writer(out)
    for cells in _table(rows, whole, MOST_ROWS):
        writer.writerow([safe_cell(cell) for cell in cells])
    out.flush()
    out.detach()
    return raw.getvalue()


def _table(rows: QuerySet[Customer], whole: bool, most: int) -> Iterator[list[str]]:
    yield [_("Number"), _("Name"), _("Tier"), _("Tags"), _("Phone"), _("Email"), _("Language"), _("Customer since")]
    tiers = {tier.value: str(tier.label) for tier in Tier}
    count = 0
    with one_snapshot():  # a server-side cursor lives as long as its transaction
        for batch in batched(rows[: most + 1].iterator(chunk_size=BATCH), BATCH):
            contacts = contacts_of(batch)
            for customer in batch:
                count += 1
                if count > most:
                    yield [_("Only the first %(count)s rows are listed.") % {"count": most}]
                    return
                known = contacts.get(customer.pk, [])
                told = {
                    kind: ", ".join(one.value if whole else one.masked for one in known if one.kind == kind)
                    for kind in (IdentityKind.PHONE, IdentityKind.EMAIL)
                }
                yield [
                    str(customer.pk), customer.name, tiers[customer.tier], ", ".join(customer.tags),
                    told[IdentityKind.PHONE], told[IdentityKind.EMAIL], customer.language,
                    timezone.localtime(customer.created_at).strftime("%Y-%m-%d %H:%M:%S"),
                ]  # fmt: skip

"""Write the tickets of a view as an Excel file, in constant memory however many they are.

Every cell is written as text or as a number, never as a formula or a link, so that what a customer typed stays what it
is: "=1+1" is shown, not computed. Times are in the reader's zone, words in the reader's language.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.models import Staff
from core.snapshot import one_snapshot
from core.workbooks import build_workbook
from customers.enums import Tier
from tickets.enums import Channel, Priority, Sorting, TicketStatus
from tickets.models.ticket import NUMBER_OFFSET
from tickets.selectors.sorting import ORDERS
from tickets.selectors.views import tickets_in_view

MOST_ROWS = 100_000
LONGEST_CELL = 32_767
PERSONAL_FIELDS = ("name", "subject", "preview")
FIELDS = (
    "id", "subject", "status", "priority", "channel", "customer__name", "customer__tier", "order__number", "shop__name",
    "category__name_zh", "category__name_en", "team__name", "assignee__display_name", "tags", "opened_at",
    "first_response_at", "first_response_due_at", "resolved_at", "resolution_due_at", "last_message_at", "preview",
)  # fmt: skip


def write_tickets(staff: Staff, view: str, *, now: datetime, sorting: str = Sorting.NEWEST) -> bytes:
    """Return a workbook with the first MOST_ROWS tickets of a view."""
    return build_workbook(lambda sheet: _fill(sheet, staff, view, now, sorting))


def _fill(sheet: Any, staff: Staff, view: str, now: datetime, sorting: str) -> None:
    sheet.freeze_panes(1, 0)
    for column, (title, width) in enumerate(_titles()):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, title)
    words = _words()
    with one_snapshot():  # a server-side cursor lives as long as its transaction; packing the file needs neither
        rows = ORDERS[sorting].arrange(tickets_in_view(staff, view, now=now)).values_list(*FIELDS)
        for line, row in enumerate(rows[: MOST_ROWS + 1].iterator(chunk_size=1000), start=1):
            if line > MOST_ROWS:
                sheet.write_string(line, 0, _("Only the first %(count)s rows are listed.") % {"count": MOST_ROWS})
                break
            _write_row(sheet, line, row, words)


def _titles() -> list[tuple[str, int]]:
    return [
        (_("Ticket"), 10), (_("Subject"), 40), (_("Status"), 14), (_("Priority"), 10), (_("Channel"), 12),
        (_("Customer"), 16), (_("Tier"), 10), (_("Order"), 18), (_("Shop"), 16), (_("Category"), 16), (_("Team"), 16),
        (_("Assignee"), 14), (_("Tags"), 20), (_("Opened"), 20), (_("First reply"), 20), (_("First reply due"), 20),
        (_("Resolved"), 20), (_("Solution due"), 20), (_("Last message"), 20), (_("Last words"), 60),
    ]  # fmt: skip


def _words() -> dict[str, dict[Any, str]]:
    kinds = {"status": TicketStatus, "priority": Priority, "channel": Channel, "tier": Tier}
    return {name: {value: str(label) for value, label in kind.choices} for name, kind in kinds.items()}


def _write_row(sheet: Any, line: int, row: tuple[Any, ...], words: dict[str, dict[Any, str]]) -> None:
    pk, subject, status, priority, channel, name, tier, order, shop, category_zh, category_en, *rest = row
    team, assignee, tags, *times, preview = rest
    category = category_en if (get_language() or "").startswith("en") else category_zh
    sheet.write_number(line, 0, pk + NUMBER_OFFSET)
    cells = [
        subject, words["status"].get(status, status), words["priority"].get(priority, ""),
        words["channel"].get(channel, channel), name, words["tier"].get(tier, ""), order, shop, category, team,
        assignee, ", ".join(tags), *(_local(at) for at in times), preview,
    ]  # fmt: skip
    for column, text in enumerate(cells, start=1):
        if text:
            sheet.write_string(line, column, str(text)[:LONGEST_CELL])


def _local(at: datetime | None) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S") if at else ""

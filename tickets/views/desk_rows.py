"""The lines of the ticket list, built as strings: fifty of them cost a page a few milliseconds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from django.utils.safestring import SafeString, mark_safe  # allowed: rows escape what people wrote
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from core import ui
from core.ui.escaping import esc
from customers.enums import Tier
from tickets.enums import Priority, TicketStatus
from tickets.selectors.lists import Row
from tickets.selectors.search import Hit

MARKED_TIERS = {"silver", "gold", "vip"}
FACT_NAMES = (
    ("assignee", _("Assignee")), ("team", _("Team")), ("category", _("Category")), ("shop", _("Shop")),
    ("order", _("Order")), ("tags", _("Tags")), ("opened", _("Opened")), ("waiting", _("Customer waits since")),
)  # fmt: skip
QUIET = {TicketStatus.OPEN.value, TicketStatus.NEW.value}


def ticket_rows(
    rows: Iterable[Row],
    *,
    view: str,
    now: datetime,
    current: int | None = None,
    may_bulk: bool = False,
    cursor: str = "",
) -> SafeString:
    """Return the <li> of each row; `current` is the id of the open ticket."""
    tail = f"?view={esc(view)}" + (f"&amp;before={esc(cursor)}" if cursor else "")
    words = _words(get_language() or "")
    lines = [_line(row, tail, now, row.id == current, may_bulk, words) for row in rows]
    return mark_safe("".join(lines))  # allowed: rows escape what people wrote


@lru_cache(maxsize=8)
def _words(_language: str) -> dict[str, str]:
    """Return the words of a line in the active language, looked up once."""
    return {
        "unread": esc(gettext("New message")),
        "nobody": esc(gettext("Unknown customer")),
        "you": esc(gettext("You")),
        "select": gettext("Select ticket %(number)s"),
        "urgent": ui.icon("flame", 14, gettext("Urgent"), "text-bad"),
        "high": ui.icon("arrow-up", 14, gettext("High priority"), "text-warn"),
        "resolved": ui.icon("circle-check", 14, gettext("Resolved"), "text-good"),
        "closed": ui.icon("archive", 14, gettext("Closed")),
        "waiting_customer": ui.icon("user-question", 14, gettext("Waiting for the customer")),
        "waiting_department": ui.icon("users-group", 14, gettext("Waiting for a department")),
        "double": ui.icon("copy", 14, gettext("The same question is open in another ticket"), "text-warn"),
        **{f"fact_{key}": esc(str(label)) for key, label in FACT_NAMES},
        **{
            f"tier_{code}": f'<span class="tier">{ui.icon("star-filled", 14)}{esc(label)}</span>'
            for code, label in Tier.choices
        },
    }


def _line(row: Row, tail: str, now: datetime, is_current: bool, may_bulk: bool, words: dict[str, str]) -> str:
    name = row.customer_name or ""
    subject = esc(row.subject or row.preview)
    last = f' <span class="ticket-last">{esc(row.preview)}</span>' if row.preview and row.preview != row.subject else ""
    tier = words[f"tier_{row.tier}"] if row.tier in MARKED_TIERS else ""
    number = row.number
    check = (
        f'<input class="ticket-check" type="checkbox" name="ids" value="{row.id}" form="bulk" '
        f'aria-label="{esc(words["select"] % {"number": number})}">'
        if may_bulk
        else ""
    )
    return (
        f'<li id="row-{row.id}" data-v="{row.version}"{" class=is-unread" if row.is_unread else ""}>{check}'
        f'<a class="ticket" href="/desk/t/{row.id}/{tail}" data-key-item{" aria-current=true" if is_current else ""}>'
        f"{ui.avatar(name, 32, row.channel)}"
        f'<span class="ticket-who"><span>{esc(name) or words["nobody"]}</span>{tier}'
        f'<span class="ticket-no num">#{number}</span></span>'
        f'<span class="ticket-age">{ui.when(row.last_message_at or row.opened_at, now=now)}</span>'
        f'<span class="ticket-subject">{subject}{last}</span>'
        f'<span class="ticket-marks">{_marks(row, now, words)}</span>{_facts(row, now, words)}</a></li>'
    )


def _facts(row: Row, now: datetime, words: dict[str, str]) -> str:
    """Return what this person wants each line to say besides; empty ones are left out."""
    told = []
    for name, value in row.facts:
        if value in (None, "", []):
            continue
        shown: str = (
            ui.when(value, now=now)
            if name in {"opened", "waiting"}
            else esc(", ".join(value) if name == "tags" else value)
        )
        label = words[f"fact_{name}"]
        told.append(f'<span class="ticket-fact" title="{label}"><span class="sr-only">{label} </span>{shown}</span>')
    return f'<span class="ticket-facts">{"".join(told)}</span>' if told else ""


def _marks(row: Row, now: datetime, words: dict[str, str]) -> str:
    marks = [words["double"]] if row.is_double else []
    if row.priority >= Priority.HIGH:
        marks.append(words["urgent"] if row.priority >= Priority.URGENT else words["high"])
    if row.status not in QUIET:
        marks.append(words[row.status])
    elif row.due_at is not None:
        marks.append(ui.clock(row.due_at, row.ring_start, now=now, compact=True))
    if row.is_unread:
        marks.append(
            f'<span class="unread" role="img" aria-label="{words["unread"]}" title="{words["unread"]}"></span>'
        )
    return "".join(marks)


def _excerpt(hit: Hit) -> str:
    """Return where the words were found, unless the subject says the same already."""
    return "" if hit.excerpt.strip() in {"", hit.subject.strip()} else f'<span class="ticket-last">{hit.excerpt}</span>'


def found_rows(hits: Iterable[Hit], *, now: datetime) -> SafeString:
    """Return the lines of a search result, with the words that matched marked."""
    words = _words(get_language() or "")
    lines = []
    for hit in hits:
        row = hit.row
        tier = words[f"tier_{row.tier}"] if row.tier in MARKED_TIERS else ""
        lines.append(
            f'<li id="row-{row.id}"{" class=is-unread" if row.is_unread else ""}>'
            f'<a class="ticket ticket-found" href="/desk/t/{row.id}/" data-key-item>'
            f"{ui.avatar(row.customer_name or '', 32, row.channel)}"
            f'<span class="ticket-who"><span>{esc(row.customer_name or "") or words["nobody"]}</span>{tier}'
            f'<span class="ticket-no num">#{row.number}</span>'
            f"{ui.status(row.status, TicketStatus(row.status).label)}</span>"
            f'<span class="ticket-age">{ui.when(row.last_message_at or row.opened_at, now=now)}</span>'
            f'<span class="ticket-subject">{hit.subject}{_excerpt(hit)}</span>'
            f'<span class="ticket-marks">{_marks(row, now, words)}</span></a></li>'
        )
    return mark_safe("".join(lines))  # allowed: rows escape what people wrote

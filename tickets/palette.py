"""The palette: tickets, what other apps find, and commands; recent tickets first when nothing is typed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db.models import F
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff
from core import registry
from core.text import pinyin_initials, pinyin_key
from tickets.models import TicketRead
from tickets.models.ticket import NUMBER_OFFSET
from tickets.permissions import tickets_visible_to
from tickets.selectors.search import search_tickets

PER_GROUP = 6
RECENT = 6
GROUPS = {"tickets": _("Tickets"), "orders": _("Orders"), "customers": _("Customers"), "articles": _("Articles")}


@dataclass(frozen=True)
class Entry:
    """One line of the palette."""

    kind: str
    icon: str
    title: str
    hint: str
    url: str
    keys: str = ""
    method: str = "get"


def palette_groups(staff: Staff, query: str) -> list[tuple[str, list[Entry]]]:
    """Return (heading, entries) in the order shown; only what this person may see or do."""
    query = query.strip()[:80]
    if not query:
        return _filled(
            [(gettext("Recent tickets"), recent_tickets(staff)), (gettext("Commands"), commands(staff, "")[:12])]
        )
    groups = [
        (gettext("Commands"), commands(staff, query)[:PER_GROUP]),
        (gettext("Tickets"), found_tickets(staff, query)),
    ]
    for name, (_order, search) in sorted(registry.SEARCHES.items(), key=lambda item: item[1][0]):
        rows = [entry_of(name, row) for row in search(staff, query, PER_GROUP)]
        groups.append((str(GROUPS.get(name, name)), rows))
    if not query.isascii() or len(query) > 12:
        groups = groups[1:] + groups[:1]
    return _filled(groups)


def _filled(groups: list[tuple[str, list[Entry]]]) -> list[tuple[str, list[Entry]]]:
    return [(heading, rows) for heading, rows in groups if rows]


def entry_of(name: str, row: dict[str, Any]) -> Entry:
    """Return a line for what another app found: a dict of icon, title, hint, url."""
    return Entry(
        name.removesuffix("s"), row.get("icon", "search"), str(row["title"]), str(row.get("hint", "")), row["url"]
    )


def recent_tickets(staff: Staff) -> list[Entry]:
    """Return the tickets this person read last."""
    if not staff.may("ticket.view"):
        return []
    seen = TicketRead.objects.filter(staff=staff).order_by("-pk").values_list("ticket_id", flat=True)[:RECENT]
    return _tickets(tickets_visible_to(staff).filter(pk__in=list(seen)).order_by(F("last_message_at").desc()))


def found_tickets(staff: Staff, query: str) -> list[Entry]:
    """Return the tickets that match, six at most."""
    if not staff.may("ticket.view"):
        return []
    hits = search_tickets(staff, query, now=timezone.now(), limit=PER_GROUP).hits
    return [
        Entry(
            "ticket",
            "ticket",
            f"#{hit.row.number} {hit.row.subject}",
            hit.row.customer_name or "",
            reverse("tickets:ticket", args=[hit.row.id]),
        )
        for hit in hits
    ]


def _tickets(rows: Any) -> list[Entry]:
    return [
        Entry("ticket", "ticket", f"#{pk + NUMBER_OFFSET} {subject}", name or "", reverse("tickets:ticket", args=[pk]))
        for pk, subject, name in rows.values_list("pk", "subject", "customer__name")
    ]


IsFor = Callable[[Staff], bool]
Known = tuple[Entry, str, IsFor | None, tuple[str, ...]]


def commands(staff: Staff, query: str) -> list[Entry]:
    """Return the commands that match by word, keyword or pinyin initials (`thtk` finds 退货退款), best first."""
    ranked = []
    for command in _all_commands(get_language() or ""):
        entry, permission, is_for, words = command
        if (permission and not staff.may(permission)) or (is_for and not is_for(staff)):
            continue
        rank = _rank(query.lower(), words)
        if rank is not None:
            ranked.append((rank, entry))
    return [entry for _rank_, entry in sorted(ranked, key=lambda item: item[0])]


@lru_cache(maxsize=4)
def _all_commands(_language: str) -> list[Known]:
    """Return every command, navigation entry and settings page with the words it is found by, in her language."""
    found: dict[str, Known] = {}
    for item in sorted(registry.NAV.values(), key=lambda nav: nav.order):
        _add(found, item.label, item.icon, item.url_name, item.permission, gettext("Go to"), keys=item.shortcut)
    for command in registry.COMMANDS.values():
        hint = gettext("Command")
        _add(
            found,
            command.label,
            command.icon,
            command.url_name,
            command.permission,
            hint,
            command.keywords,
            method=command.method,
            is_for=command.is_for,
        )
    for page in sorted(registry.SETTINGS_PAGES.values(), key=lambda one: one.order):
        _add(found, page.label, page.icon, page.url_name, page.permission, gettext("Settings"), str(page.description))
    return list(found.values())


def _add(
    found: dict[str, Any],
    label: Any,
    icon: str,
    url_name: str,
    permission: str,
    hint: str,
    keywords: str = "",
    *,
    keys: str = "",
    method: str = "get",
    is_for: IsFor | None = None,
) -> None:
    try:
        url = reverse(url_name)
    except NoReverseMatch:
        return
    if url in found:
        return
    title = str(label)
    words = (title.lower(), pinyin_initials(title).lower(), pinyin_key(title).lower(), keywords.lower())
    found[url] = (Entry("command", icon, title, hint, url, keys, method), permission, is_for, words)


def _rank(query: str, words: tuple[str, ...]) -> int | None:
    if not query:
        return 0
    title, initials, pinyin, keywords = words
    if title.startswith(query) or initials.startswith(query):
        return 0
    if query in title or (len(query) > 1 and query in initials):
        return 1
    if query in pinyin.replace(" ", "") or query in keywords:
        return 2
    return None

"""Finding tickets: by number, order, phone, tracking number, or words in what was written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.models import Staff
from core.text import normalise, normalise_order_number, normalise_phone, search_terms
from customers.selectors import last4_index, phone_index
from tickets.models import Ticket
from tickets.models.ticket import NUMBER_OFFSET
from tickets.permissions import tickets_visible_to
from tickets.selectors.lists import Row, as_rows

FIRST, MOST = 20, 100
# How many of the newest matches are looked at for each wanted; more only when the first are mostly other people's.
CANDIDATES = (3, 100)
EXCERPT = 90
_NUMBER = re.compile(r"#?(\d{6,10})")
_CODE = re.compile(r"[A-Za-z0-9\-_]{5,64}")


@dataclass(frozen=True)
class Hit:
    """One found ticket with the words that matched, marked."""

    row: Row
    excerpt: SafeString
    why: str


@dataclass(frozen=True)
class Found:
    """What a search gave; `is_more` when there may be others behind the first ones."""

    hits: list[Hit]
    is_more: bool = False


def search_tickets(staff: Staff, query: str, *, limit: int = FIRST) -> Found:
    """Return tickets this person may see that match, exact numbers first, then words, newest first."""
    query = normalise(query)[:200]
    if not query:
        return Found([])
    exact = _by_code(staff, query)
    rows = _rows(staff, exact.order_by().values("pk"), limit) if exact is not None else []
    hits = [Hit(row, mark_words(row.preview, query), "code") for row in rows]
    if hits and not _is_wordy(query):
        return Found(hits, len(hits) == limit)
    seen = {hit.row.id for hit in hits}
    found, texts, is_cut = _rows_with_words(staff, query, seen, limit - len(hits))
    hits += [Hit(row, mark_words(texts[row.id], query), "words") for row in found]
    return Found(hits, is_cut)


def _rows_with_words(staff: Staff, query: str, seen: set[int], limit: int) -> tuple[list[Row], dict[int, str], bool]:
    """Return rows, the text each was found by, and whether there may be more."""
    found: list[Row] = []
    texts: dict[int, str] = {}
    is_cut = False
    for each in CANDIDATES if limit > 0 and search_terms(query) else ():
        texts, is_cut = _by_words(query, each * limit)
        ids = [pk for pk in texts if pk not in seen]
        found = _rows(staff, _picked(ids), limit) if ids else []
        if len(found) >= limit or not is_cut:
            break
    return found, texts, is_cut or len(found) >= limit


def _is_wordy(query: str) -> bool:
    return not query.isascii() or " " in query


def _picked(ids: list[int]) -> Any:
    """Return ids as one array: hundreds of parameters would cost more than the statement."""
    return RawSQL("SELECT unnest(%s::bigint[])", [ids])


def _rows(staff: Staff, tickets: Any, limit: int) -> list[Row]:
    seen = tickets_visible_to(staff).filter(pk__in=tickets, merged_into__isnull=True)
    ordered = seen.order_by(F("last_message_at").desc(), F("pk").desc())
    return [Row(*values) for values in as_rows(ordered, staff)[:limit]]


def _by_code(staff: Staff, query: str) -> QuerySet[Ticket] | None:
    """Return the tickets a number points to: ticket, order, tracking number, phone or its last four; None for words."""
    wanted = Q()
    number = _NUMBER.fullmatch(query)
    if number and int(number[1]) > NUMBER_OFFSET:
        wanted |= Q(pk=int(number[1]) - NUMBER_OFFSET)
    compact = query.lstrip("#").replace(" ", "")
    if _CODE.fullmatch(compact) or (len(compact) == 4 and compact.isdecimal()) or normalise_phone(query):
        orders, customers, tickets = _owners_of(compact)
        wanted |= Q(order_id__in=orders) if orders else Q()
        wanted |= Q(customer_id__in=customers) if customers else Q()
        wanted |= Q(pk__in=tickets) if tickets else Q()
    return Ticket.objects.filter(wanted) if wanted else None


OWNERS = """
SELECT 'o', id FROM (SELECT id FROM orders_order WHERE number = %(code)s OR number = %(upper)s LIMIT 50) a
UNION ALL SELECT 'o', id FROM (SELECT order_id AS id FROM orders_parcel
            WHERE tracking_number = %(upper)s OR tracking_number = %(code)s LIMIT 50) b
UNION ALL SELECT 'o', id FROM (SELECT id FROM orders_order
            WHERE phone_index = %(phone)s OR phone_last4_index = %(last4)s ORDER BY id DESC LIMIT 100) c
UNION ALL SELECT 'c', id FROM (SELECT customer_id AS id FROM customers_identity
   WHERE (kind = 'phone' AND value_index = %(phone)s) OR last4_index = %(last4)s LIMIT 100) d
UNION ALL SELECT 't', id FROM (SELECT ticket_id AS id FROM tickets_field_value WHERE value = %(code)s
            ORDER BY ticket_id DESC LIMIT 100) e
"""


def _owners_of(code: str) -> tuple[list[int], list[int], list[int]]:
    """Return ids of orders and customers a number belongs to, and of tickets one of whose own fields holds it."""
    phone = normalise_phone(code)
    values: dict[str, Any] = {
        "code": code,
        "upper": normalise_order_number(code),
        "phone": phone_index(phone) if phone else None,
        "last4": last4_index(code) if len(code) == 4 and code.isdecimal() else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(OWNERS, values)
        found = cursor.fetchall()
    of: dict[str, list[int]] = {"o": [], "c": [], "t": []}
    for kind, pk in found:
        of[kind].append(pk)
    return of["o"], of["c"], of["t"]


WORDS = """
(SELECT ticket_id, id, text FROM tickets_message WHERE search @@ cs_query(%(query)s) ORDER BY id DESC LIMIT %(most)s)
UNION ALL
(SELECT id, 0, preview FROM tickets_ticket WHERE subject_search @@ cs_query(%(query)s) ORDER BY id DESC LIMIT %(most)s)
"""


def _by_words(query: str, most: int) -> tuple[dict[int, str], bool]:
    """Return ticket id → the newest matching message (its preview when only the subject matches), and if there is more.

    The words alone are looked for first, newest first and no further than needed; who may see the tickets comes after.
    """
    with connection.cursor() as cursor:
        cursor.execute(WORDS, {"query": query, "most": most})
        found = cursor.fetchall()
    texts: dict[int, str] = {}
    for ticket_id, _rank, text in found:
        texts.setdefault(ticket_id, text)
    messages = sum(1 for row in found if row[1])
    return texts, messages >= most or len(found) - messages >= most


@lru_cache(maxsize=256)
def _pattern(query: str) -> re.Pattern[str] | None:
    words = {term for term in [query.lower(), *search_terms(query)] if len(term) > 1 or len(query) == 1}
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE) if words else None


def mark_words(text: str, query: str) -> SafeString:
    """Return an excerpt around the first match with the query's words marked."""
    flat = " ".join(text.split())
    pattern = _pattern(query)
    first = pattern.search(flat) if pattern else None
    start = max(0, first.start() - EXCERPT // 3) if first else 0
    piece = flat[start : start + EXCERPT]
    head, tail = ("…" if start else ""), ("…" if start + EXCERPT < len(flat) else "")
    if pattern is None:
        return escape(head + piece + tail)
    out: list[SafeString] = [escape(head)]
    at = 0
    for found in pattern.finditer(piece):
        out += [escape(piece[at : found.start()]), format_html("<mark>{}</mark>", found[0])]
        at = found.end()
    out.append(escape(piece[at:] + tail))
    return format_html_join("", "{}", ((part,) for part in out))

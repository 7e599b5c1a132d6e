"""Finding tickets: by number, order, phone, tracking number, customer, or words in what was written, with filters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import BooleanField, F, QuerySet
from django.db.models.expressions import RawSQL
from django.utils.safestring import SafeString

from accounts.models import Staff
from accounts.permissions import scope_key, stand_in
from core.kept import Kept
from core.text import search_terms
from tickets.models import Message, Ticket
from tickets.permissions import tickets_visible_to
from tickets.selectors.lists import Row, as_rows
from tickets.selectors.search_codes import code_slots, pointed_to, read_code, with_code
from tickets.selectors.search_marks import mark_words
from tickets.selectors.search_query import Query, read_query
from tickets.selectors.search_words import SMALLEST, SMALLEST_FILTERED, SMALLEST_OPEN, messages_with, tickets_with
from tickets.slots import STAFF

FIRST, MOST = 20, 100
LOOKED_AT = 2000  # messages, before every fitting ticket is read instead
MOST_COUNTED = 1000
type Reader = Callable[[QuerySet[Ticket]], QuerySet[Any, Any]]


@dataclass(frozen=True)
class Hit:
    """One found ticket; `subject` and `excerpt` have the words that matched marked."""

    row: Row
    subject: SafeString
    excerpt: SafeString
    why: str


@dataclass(frozen=True)
class Found:
    """What a search gave; `is_more` when there may be others behind the first ones."""

    hits: list[Hit]
    query: Query
    is_more: bool = False


def search_tickets(staff: Staff, text: str, *, now: datetime, limit: int = FIRST) -> Found:
    """Return tickets this person may see that match: those a number or name points to, then the newest with the words.

    Newest is the newest message that holds all the words. Spam is found only when asked for.
    """
    query = read_query(text, staff, now)
    fitting = _fitting(staff, query)
    if query.is_impossible or not (query.words or query.parts):
        return Found([], query)
    if not query.words:
        rows = _latest(fitting, staff, limit)
        return Found([_hit(row, row.preview, "", "filter") for row in rows], query, len(rows) == limit)
    rows = _pointed_to(fitting, query, staff, limit)
    hits = [_hit(row, row.preview, query.words, "code") for row in rows]
    if len(hits) == limit or (hits and not _is_wordy(query.words)) or not search_terms(query.words):
        return Found(hits, query, len(hits) == limit)
    found = _with_words(fitting, query, {hit.row.id for hit in hits}, limit + 1 - len(hits), _shown(staff))
    hits += [_hit(Row(*values), text, query.words, "words") for values, text in found]
    return Found(hits[:limit], query, len(hits) > limit)


def count_tickets(staff: Staff, text: str, *, now: datetime) -> int:
    """Return how many tickets a search finds in all, MOST_COUNTED + 1 for more than that."""
    query, most = read_query(text, staff, now), MOST_COUNTED + 1
    if query.is_impossible or not (query.words or query.parts):
        return 0
    fitting = _fitting(staff, query)
    if not query.words:
        return fitting.order_by()[:most].count()
    pointed = pointed_to(query.words)
    ids = set(fitting.filter(pointed).order_by().values_list("pk", flat=True)[:most]) if pointed is not None else set()
    if search_terms(query.words) and len(ids) < most and (not ids or _is_wordy(query.words)):
        found = _with_words(fitting, query, ids, most - len(ids), lambda rows: rows.values_list("pk"))
        ids |= {values[0] for values, _text in found}
    return min(len(ids), most)


def _fitting(staff: Staff, query: Query) -> QuerySet[Ticket]:
    """Return the tickets this person may find that fit the filters."""
    rows = tickets_visible_to(staff).filter(query.wanted, merged_into__isnull=True)
    return rows if query.asks_for_spam else rows.filter(is_spam=False)


def _is_wordy(words: str) -> bool:
    return not words.isascii() or " " in words


def _is_open(words: str) -> bool:
    """Say whether the last word also finds longer ones."""
    return words[-1:].isascii() and words[-1:].isalnum()


def _shown(staff: Staff) -> Reader:
    return lambda rows: as_rows(rows, staff)


def _with_words(
    fitting: QuerySet[Ticket], query: Query, known: set[int], wanted: int, read: Reader
) -> list[tuple[tuple[Any, ...], str]]:
    """Return the newest fitting tickets with the words that are not known yet: what `read` tells of each (its id
    first) and the text of its newest message with the words."""
    texts: dict[int, str] = {}
    looked_at = 0
    smallest = SMALLEST_FILTERED if query.parts else SMALLEST_OPEN if _is_open(query.words) else SMALLEST
    for batch, looked in messages_with(query.words, fitting, wanted=wanted, smallest=smallest):
        for said in batch:
            if said.ticket_id not in known:
                texts.setdefault(said.ticket_id, said.text)
        looked_at += looked
        if len(texts) >= wanted:
            break
        if looked_at > LOOKED_AT * max(1, wanted // MOST):
            return _among_all(fitting.exclude(pk__in=known) if known else fitting, query.words, wanted, read)
    newest = list(texts)[:wanted]
    rows = read(fitting.filter(_one_of(newest))).order_by(_place_in(newest)) if newest else []
    return [(values, texts[values[0]]) for values in rows]


def _among_all(fitting: QuerySet[Ticket], words: str, wanted: int, read: Reader) -> list[tuple[tuple[Any, ...], str]]:
    """Return the same when few of the many tickets with the words fit: the fitting ones are read instead."""
    newest = tickets_with(words, fitting, most=wanted)
    texts = dict(Message.objects.filter(pk__in=newest.values()).values_list("pk", "text"))
    rows = read(fitting.filter(_one_of(newest))).order_by(_place_in(newest))
    return [(values, texts[newest[values[0]]]) for values in rows]


def _one_of(ids: Iterable[int]) -> RawSQL:
    """Ask for these tickets and nothing else: the other conditions are checked on them alone, whatever is guessed."""
    return RawSQL("tickets_ticket.id = ANY (%s::bigint[])", [list(ids)], output_field=BooleanField())


def _place_in(ids: Iterable[int]) -> Any:
    return RawSQL("array_position(%s::bigint[], tickets_ticket.id)", [list(ids)])


_with_code = Kept(code_slots)


def _pointed_to(fitting: QuerySet[Ticket], query: Query, staff: Staff, limit: int) -> list[Row]:
    """Return the tickets the words point to: those of a mere number, the commonest search, by a kept statement."""
    values = None if query.parts else read_code(query.words)
    if values is None:
        pointed = pointed_to(query.words)
        return _latest(fitting.filter(pointed), staff, limit) if pointed is not None else []

    def asked() -> QuerySet[Any, Any]:
        other = stand_in(staff, STAFF.sample)
        return _by_time(_fitting(other, query).filter(with_code()), other, limit)

    with suppress(EmptyResultSet):
        found = _with_code.rows((limit, *scope_key(staff)), asked, staff=staff.pk, **values)
        return [Row(*row) for row in found]
    return []


def _latest(rows: QuerySet[Ticket], staff: Staff, limit: int) -> list[Row]:
    return [Row(*values) for values in _by_time(rows, staff, limit)]


def _by_time(rows: QuerySet[Ticket], staff: Staff, limit: int) -> QuerySet[Any, Any]:
    return as_rows(rows.order_by(F("last_message_at").desc(), F("pk").desc()), staff)[:limit]


def _hit(row: Row, text: str, words: str, why: str) -> Hit:
    return Hit(row, mark_words(row.subject, words, whole=True), mark_words(text, words), why)

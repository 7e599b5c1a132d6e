"""Ticket lists: one statement a page, by keyset, in any of the orders people choose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db.models import FilteredRelation, Q, QuerySet
from django.utils.translation import get_language

from accounts.models import Staff
from accounts.permissions import scope_key, stand_in
from core.kept import Kept
from tickets.enums import AuthorType, Sorting
from tickets.models import Ticket
from tickets.models.ticket import NUMBER_OFFSET
from tickets.selectors.duplicates import doubled
from tickets.selectors.sla import ring_start
from tickets.selectors.sorting import ORDERS, Order
from tickets.selectors.views import tickets_in_view
from tickets.slots import END, LAST, SAMPLE, STAFF, moments, person_times_and_place

PAGE = 50
COLUMNS = (
    "id", "subject", "preview", "channel", "status", "priority", "last_message_at", "last_message_by", "last_seq",
    "opened_at", "next_due_at", "warn_at", "version",
    "customer__name", "customer__tier", "assignee_id", "assignee__display_name", "is_spam", "mark__seq", "is_double",
)  # fmt: skip


class Row(NamedTuple):
    """What one line of a ticket list shows; fields as in COLUMNS. `due_at` None = no clock runs."""

    id: int
    subject: str
    preview: str
    channel: str
    status: str
    priority: int
    last_message_at: datetime | None
    last_message_by: str
    last_seq: int
    opened_at: datetime
    due_at: datetime | None
    warn_at: datetime | None
    version: int
    customer_name: str | None
    tier: str | None
    assignee_id: int | None
    assignee_name: str | None
    is_spam: bool
    read_seq: int | None
    is_double: bool = False
    facts: tuple[Any, ...] = ()

    @property
    def number(self) -> int:
        """Return the number people say."""
        return self.id + NUMBER_OFFSET

    @property
    def is_unread(self) -> bool:
        """Say whether the customer wrote something this person has not seen."""
        return self.last_message_by == AuthorType.CUSTOMER.value and (self.read_seq or 0) < self.last_seq

    @property
    def ring_start(self) -> datetime:
        """Return where the ring of the nearest clock begins."""
        return ring_start(self.due_at, self.warn_at, self.opened_at) if self.due_at else self.opened_at


@dataclass(frozen=True)
class Page:
    """One page of rows and the cursor of the next, empty at the end."""

    rows: list[Row]
    after: str = ""


# What a line may say besides: the columns a person chooses, and what each reads.
FACTS: dict[str, str] = {
    "assignee": "assignee__display_name",
    "team": "team__name",
    "category": "category__name_zh",
    "shop": "shop__name",
    "order": "order__number",
    "tags": "tags",
    "opened": "opened_at",
    "waiting": "customer_turn_at",
}


def _column(fact: str) -> str:
    in_english = fact == "category" and (get_language() or "").startswith("en")
    return "category__name_en" if in_english else FACTS[fact]


def as_rows(tickets: QuerySet[Ticket], staff: Staff, *more: str) -> QuerySet[Any, Any]:
    """Return the tickets as tuples for Row, with this person's read mark; `more` are columns after those."""
    mark = FilteredRelation("reads", condition=Q(reads__staff_id=staff.pk))
    return tickets.annotate(mark=mark, is_double=doubled(staff)).values_list(*COLUMNS, *more)


_pages = Kept(person_times_and_place)


def list_tickets(
    staff: Staff,
    view: str,
    *,
    now: datetime,
    cursor: str = "",
    limit: int = PAGE,
    sorting: str = Sorting.NEWEST,
    facts: Iterable[str] = (),
) -> Page:
    """Return one page of a view in an order, with the chosen facts. An unreadable cursor means the first page."""
    order, chosen = ORDERS[sorting], [name for name in facts if name in FACTS]
    columns = (*order.names, *(_column(name) for name in chosen))

    place = order.read_cursor(cursor)

    def asked(who: Staff, at: datetime, begin: Sequence[Any] | None) -> QuerySet[Any, Any]:
        rows = order.arrange(tickets_in_view(who, view, now=at))
        return as_rows(rows if begin is None else order.behind(rows, begin), who, *columns)[: limit + 1]

    if view.startswith("saved-") or (place is not None and not order.is_by_moment):  # in too many ways to be kept
        found = list(asked(staff, now, place))
    else:
        key = (view, sorting, columns, limit, place is not None, *scope_key(staff))
        samples = None if place is None else (END.sample, LAST.sample)
        where = {} if place is None else {"end": place[0], "last": place[1]}
        found = []
        with suppress(EmptyResultSet):
            found = _pages.rows(
                key,
                lambda: asked(stand_in(staff, STAFF.sample), SAMPLE, samples),
                staff=staff.pk,
                **moments(now),
                **where,
            )
    return _page(found, limit, order, chosen)


def _page(found: list[tuple[Any, ...]], limit: int, order: Order, chosen: list[str]) -> Page:
    width, keys = len(COLUMNS), len(order.names)
    rows = [Row._make((*values[:width], tuple(zip(chosen, values[width + keys :], strict=True)))) for values in found]
    last = found[limit - 1] if len(found) > limit else None
    after = order.write_cursor(last[width : width + keys], last[0]) if last else ""
    return Page(rows[:limit], after)


def neighbours(staff: Staff, view: str, ticket: Ticket, *, now: datetime, sorting: str = Sorting.NEWEST) -> int | None:
    """Return the id of the ticket to go to after this one in a view: the next below, else the first."""
    order = ORDERS[sorting]
    rows = order.arrange(tickets_in_view(staff, view, now=now).exclude(pk=ticket.pk))
    place = order.place_of(ticket)
    below = order.after(rows, order.write_cursor(place, ticket.pk)) if place else rows
    found = below.values_list("pk", flat=True).first()
    return found if found is not None else rows.values_list("pk", flat=True).first()

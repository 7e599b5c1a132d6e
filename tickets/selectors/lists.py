"""Ticket lists: one statement a page, by keyset."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import F, FilteredRelation, Q, QuerySet

from accounts.models import Staff
from tickets.enums import AuthorType, TicketStatus
from tickets.models import Ticket
from tickets.models.ticket import NUMBER_OFFSET
from tickets.selectors.views import tickets_in_view

PAGE = 50
COLUMNS = (
    "id", "subject", "preview", "channel", "status", "priority", "last_message_at", "last_message_by", "last_seq",
    "opened_at", "first_response_due_at", "first_response_at", "resolution_due_at", "resolved_at", "version",
    "customer__name", "customer__tier", "assignee_id", "assignee__display_name", "is_spam", "mark__seq",
)  # fmt: skip


class Row(NamedTuple):
    """What one line of a ticket list shows; fields as in COLUMNS."""

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
    first_response_due_at: datetime | None
    first_response_at: datetime | None
    resolution_due_at: datetime | None
    resolved_at: datetime | None
    version: int
    customer_name: str | None
    tier: str | None
    assignee_id: int | None
    assignee_name: str | None
    is_spam: bool
    read_seq: int | None

    @property
    def number(self) -> int:
        """Return the number people say."""
        return self.id + NUMBER_OFFSET

    @property
    def is_unread(self) -> bool:
        """Say whether the customer wrote something this person has not seen."""
        return self.last_message_by == AuthorType.CUSTOMER.value and (self.read_seq or 0) < self.last_seq

    @property
    def due_at(self) -> datetime | None:
        """Return the clock that runs out next, None when no clock runs."""
        if self.resolved_at is not None or self.is_spam:
            return None
        if self.first_response_at is None and self.first_response_due_at is not None:
            return self.first_response_due_at
        return self.resolution_due_at

    @property
    def is_paused(self) -> bool:
        """Say whether the clock stands still because the customer is asked."""
        return self.status == TicketStatus.WAITING_CUSTOMER.value


@dataclass(frozen=True)
class Page:
    """One page of rows and the cursor of the next, empty at the end."""

    rows: list[Row]
    after: str = ""


def as_rows(tickets: QuerySet[Ticket], staff: Staff) -> QuerySet[Any, Any]:
    """Return the tickets as tuples for Row, with this person's read mark."""
    mark = FilteredRelation("reads", condition=Q(reads__staff_id=staff.pk))
    return tickets.annotate(mark=mark).values_list(*COLUMNS)


def list_tickets(staff: Staff, view: str, *, now: datetime, cursor: str = "", limit: int = PAGE) -> Page:
    """Return one page of a view, newest message first. An unreadable cursor means the first page."""
    tickets = tickets_in_view(staff, view, now=now)
    place = read_cursor(cursor)
    if place is not None:
        at, pk = place
        tickets = tickets.filter(Q(last_message_at__lt=at) | Q(pk__lt=pk), last_message_at__lte=at)
    ordered = tickets.order_by(F("last_message_at").desc(), F("pk").desc())
    return page_of(as_rows(ordered, staff)[: limit + 1], limit)


def page_of(found: Iterable[tuple[Any, ...]], limit: int) -> Page:
    """Cut one page and its cursor out of one row more than fits."""
    rows = [Row(*values) for values in found]
    return Page(rows[:limit], write_cursor(rows[limit - 1]) if len(rows) > limit else "")


def write_cursor(row: Row) -> str:
    """Return where a page ended: microseconds and id."""
    at = row.last_message_at or row.opened_at
    return f"{int(at.timestamp()) * 1_000_000 + at.microsecond}-{row.id}"


def read_cursor(cursor: str) -> tuple[datetime, int] | None:
    """Return the moment and id of a cursor, None when it is not one."""
    micros, _dash, pk = cursor.partition("-")
    if not (micros.isdecimal() and pk.isdecimal() and len(micros) <= 17 and len(pk) <= 18):
        return None
    seconds, rest = divmod(int(micros), 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest), int(pk)


def neighbours(staff: Staff, view: str, ticket: Ticket, *, now: datetime) -> int | None:
    """Return the id of the ticket to go to after this one in a view: the next below, else the newest above."""
    rows = tickets_in_view(staff, view, now=now).exclude(pk=ticket.pk)
    at = ticket.last_message_at or ticket.opened_at
    below = rows.filter(last_message_at__lte=at).order_by(F("last_message_at").desc(), F("pk").desc())
    found = below.values_list("pk", flat=True).first()
    if found is not None:
        return found
    return rows.order_by(F("last_message_at").desc(), F("pk").desc()).values_list("pk", flat=True).first()

"""The facts of a live ticket, read when a condition asks for them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import Q

from customers.selectors import aliases_of
from tickets.enums import AuthorType
from tickets.models import Message, Ticket
from tickets.selectors.duplicates import REPEATED_WITHIN
from tickets.selectors.fields import values_of
from tickets.services.rules.hours import calendar_for
from tickets.services.rules.judging import NONE

MOST_TEXT = 20_000


@dataclass(frozen=True)
class Moment:
    """What set rules off: an event, or a stretch of time since `since`; `at` is when it was so."""

    at: datetime
    event_id: int | None = None
    since: datetime | None = None
    seq: int | None = None


class LiveFacts:
    """A locked ticket as it stands (with customer, category and order), looked at for one moment."""

    def __init__(self, ticket: Ticket, moment: Moment) -> None:
        self._ticket, self._moment = ticket, moment
        self.channel: str = ticket.channel
        self.priority: int = ticket.priority
        self.status: str = ticket.status
        self.shop_id, self.team_id, self.assignee_id = ticket.shop_id, ticket.team_id, ticket.assignee_id
        self.order_id = ticket.order_id
        self.language: str = ticket.language
        self.tags: Collection[str] = ticket.tags
        self.subject: str = ticket.subject

    @property
    def category_ids(self) -> tuple[int, ...]:
        """Return the category and the one above it."""
        category = self._ticket.category
        return (NONE,) if category is None else (category.pk, category.parent_id or category.pk)

    @property
    def tier(self) -> str:
        """Return the customer's tier."""
        return self._ticket.customer.tier if self._ticket.customer else ""

    @property
    def order_status(self) -> str:
        """Return the status of the order."""
        return self._ticket.order.status if self._ticket.order else ""

    @cached_property
    def text(self) -> str:
        """Return the message the moment is about, else the customer's newest, else the first."""
        rows = Message.objects.filter(ticket_id=self._ticket.pk)
        if self._moment.seq is not None:
            rows = rows.filter(seq=self._moment.seq)
        else:
            rows = rows.filter(Q(author_type=AuthorType.CUSTOMER) | Q(seq=1), at__lte=self._moment.at)
        return (rows.order_by("-seq").values_list("text", flat=True).first() or "")[:MOST_TEXT]

    @cached_property
    def is_repeat(self) -> bool:
        """Return whether the customer had written about the same within seven days before."""
        ticket = self._ticket
        return had_written(ticket.pk, ticket.customer_id, top_of(self.category_ids), ticket.opened_at)

    @cached_property
    def _fields(self) -> dict[int, str]:
        return values_of(self._ticket.pk)

    def field(self, field_id: int) -> str:
        """Return the value of an own field."""
        return self._fields.get(field_id, "")

    def is_open(self, calendar_id: int | None) -> bool:
        """Return whether the moment lies within business hours."""
        return calendar_for(calendar_id).is_open(self._moment.at)


def top_of(category_ids: tuple[int, ...]) -> int:
    """Return the first-level category."""
    return category_ids[-1]


def had_written(
    ticket_id: int, customer_id: int | None, top_id: int, opened_at: datetime, within: timedelta = REPEATED_WITHIN
) -> bool:
    """Say whether the customer opened another ticket of the same first-level category in the days before."""
    if customer_id is None:
        return False
    same = Q(category_id=top_id) | Q(category__parent_id=top_id) if top_id else Q(category__isnull=True)
    rows = Ticket.objects.filter(same, customer__in=aliases_of(customer_id), is_spam=False, merged_into__isnull=True)
    return rows.filter(opened_at__gte=opened_at - within, opened_at__lt=opened_at).exclude(pk=ticket_id).exists()

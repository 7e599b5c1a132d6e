"""What a ticket has to do with others: demand that stands twice, people who had to come back, links, joined parts.

All of it comes along with the ticket itself, as annotations of the one statement that opens it. A customer whose
records were joined is one person: the alias set is asked in the same statement.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    BigIntegerField,
    BooleanField,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Value,
)
from django.db.models.functions import Coalesce, JSONObject
from django.utils.dateparse import parse_datetime

from accounts.models import Staff
from customers.models import Customer
from tickets.enums import ACTIVE_STATUSES, LinkKind
from tickets.models import Ticket, TicketLink
from tickets.models.ticket import NUMBER_OFFSET
from tickets.permissions import tickets_visible_to

NEAR = timedelta(days=3)
REPEATED_WITHIN = timedelta(days=7)
MOST = 12
ACTIVE = [status.value for status in ACTIVE_STATUSES]
NONE = Value(0)


def _top(ref: type[F] = F) -> Coalesce:
    """Return the first-level category of a ticket (`OuterRef`: of the outer one), 0 without one."""
    return Coalesce(ref("category__parent_id"), ref("category_id"), NONE, output_field=BigIntegerField())


class _Among(Func):
    """Compare a column with an array a subquery makes: an index of the column serves it beside others, IN would not."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = BooleanField()


def _same_person() -> _Among:
    """Say whether the neighbour is of the outer ticket's customer, whichever of her joined records either names."""
    record, joined_into = (OuterRef(OuterRef(name)) for name in ("customer_id", "customer__merged_into_id"))
    root = Coalesce(joined_into, record, output_field=BigIntegerField())
    family = Customer.objects.filter(Q(pk=root) | Q(merged_into_id=root)).order_by().values("pk")
    return _Among(F("customer_id"), ArraySubquery(family))


def _neighbours(staff: Staff, within: timedelta) -> QuerySet[Ticket]:
    """Return the visible tickets of the outer ticket's customer or order, opened near it, without itself."""
    mine = Q(_same_person()) | Q(order_id=OuterRef("order_id"))
    first, last = (
        ExpressionWrapper(OuterRef("opened_at") + Value(span), output_field=DateTimeField())
        for span in (-within, within)
    )
    rows = tickets_visible_to(staff).filter(mine, is_spam=False, merged_into__isnull=True)
    return rows.filter(opened_at__gte=first, opened_at__lte=last).exclude(pk=OuterRef("pk")).order_by()


def _linked() -> Exists:
    """Say whether the neighbour and the outer ticket were connected by hand: then somebody has decided already."""
    pair = Q(ticket_id=OuterRef("pk"), other_id=OuterRef(OuterRef("pk")))
    pair |= Q(other_id=OuterRef("pk"), ticket_id=OuterRef(OuterRef("pk")))
    return Exists(TicketLink.objects.filter(pair))


def doubled(staff: Staff) -> Exists:
    """Return an annotation for lists: another open ticket asks the same, by customer or order, in any channel."""
    rows = _neighbours(staff, NEAR).filter(status__in=ACTIVE).alias(top=_top(), outer_top=_top(OuterRef))
    unknown = Q(order_id=OuterRef("order_id")) & (Q(top=0) | Q(outer_top=0))
    return Exists(rows.filter(Q(top=F("outer_top")) | unknown).filter(~_linked()))


def kin_marks(staff: Staff) -> dict[str, Any]:
    """Return annotations for get_ticket_for: `kin`, `links`, `parts` and `top_id`."""
    near = _neighbours(staff, REPEATED_WITHIN).order_by("-opened_at")
    told = JSONObject(
        id="pk",
        subject="subject",
        status="status",
        channel="channel",
        customer="customer_id",
        same=Coalesce(_same_person(), Value(False)),
        order="order_id",
        top=_top(),
        opened_at="opened_at",
        resolved_at="resolved_at",
        agent="assignee__display_name",
        linked=_linked(),
    )
    pair = Q(ticket_id=OuterRef("pk")) | Q(other_id=OuterRef("pk"))
    links = TicketLink.objects.filter(pair).order_by("pk")
    link = JSONObject(
        low="ticket_id", high="other_id", kind="kind", low_status="ticket__status", high_status="other__status"
    )
    parts = Ticket.objects.filter(merged_into_id=OuterRef("pk")).order_by("pk")
    return {
        "kin": ArraySubquery(near.values(told=told)[:MOST]),
        "links": ArraySubquery(links.values(told=link)[:50]),
        "parts": ArraySubquery(parts.values("pk")[:60]),
        "top_id": _top(),
    }


@dataclass(frozen=True)
class Kin:
    """A ticket of the same customer or order near in time."""

    id: int
    subject: str
    status: str
    channel: str
    opened_at: datetime
    agent: str | None
    same_customer: bool

    @property
    def number(self) -> int:
        """Return the number people say."""
        return self.id + NUMBER_OFFSET


@dataclass(frozen=True)
class Link:
    """A connected ticket; `kind` reads from the ticket that is open."""

    id: int
    kind: str
    status: str

    @property
    def number(self) -> int:
        """Return the number people say."""
        return self.id + NUMBER_OFFSET

    @property
    def label(self) -> Any:
        """Return the kind in words."""
        return LinkKind(self.kind).label


@dataclass(frozen=True)
class Surroundings:
    """What stands around a ticket: the same demand open elsewhere, earlier contacts about it, links, joined parts."""

    doubles: list[Kin] = field(default_factory=list)
    earlier: list[Kin] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)

    @property
    def is_repeat(self) -> bool:
        """Say whether the customer had written about the same within seven days before."""
        return bool(self.earlier)


def surroundings_of(ticket: Ticket) -> Surroundings:
    """Read the annotations of `kin_marks` on an opened ticket."""
    top: int = ticket.top_id  # type: ignore[attr-defined]
    doubles, earlier = [], []
    for row in ticket.kin:  # type: ignore[attr-defined]
        same_order = row["order"] is not None and row["order"] == ticket.order_id
        same_customer = row["same"]
        if not (row["top"] == top or (same_order and 0 in {row["top"], top})):
            continue
        opened_at = parse_datetime(row["opened_at"])
        if opened_at is None:
            continue
        kin = Kin(
            row["id"], row["subject"], row["status"], row["channel"], opened_at, row["agent"],
            same_customer or row["customer"] is None or ticket.customer_id is None,
        )  # fmt: skip
        is_open = row["status"] in ACTIVE and ticket.status in ACTIVE
        if is_open and abs(opened_at - ticket.opened_at) <= NEAR:
            if not row["linked"]:
                doubles.append(kin)
        elif same_customer and opened_at < ticket.opened_at:
            earlier.append(kin)
    links = [_link(ticket.pk, row) for row in ticket.links]  # type: ignore[attr-defined]
    return Surroundings(doubles, earlier, links, list(ticket.parts))  # type: ignore[attr-defined]


OPPOSITE = {LinkKind.PARENT.value: LinkKind.CHILD.value, LinkKind.CHILD.value: LinkKind.PARENT.value}


def _link(ticket_id: int, row: dict[str, Any]) -> Link:
    if row["low"] == ticket_id:
        return Link(row["high"], row["kind"], row["high_status"])
    return Link(row["low"], OPPOSITE.get(row["kind"], row["kind"]), row["low_status"])

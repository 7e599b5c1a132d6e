"""The order list: what it can be narrowed to, the standard views with their counts, and its pages.

Each standard view is read from an index of its own that holds only open orders (or their parcels), so neither it nor
its count grows with history. What narrows further is looked at newest first, page by page.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import F, Q, QuerySet
from django.utils.translation import pgettext_lazy

from accounts.models import Staff
from core.errors import Text
from orders.enums import OrderStatus
from orders.estimate_enums import COMING, LateLevel
from orders.exception_enums import ExceptionState
from orders.models import Order, Parcel, ParcelException
from orders.permissions import orders_visible_to
from orders.promise_enums import OPEN_STATUSES
from orders.selectors.silence import silent_parcels

COUNTED = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
View = Callable[[QuerySet[Order], datetime], QuerySet[Order]]


class Standard(NamedTuple):
    """One standard view: its name and how it narrows."""

    label: Text
    narrow: View


def _late(rows: QuerySet[Order], now: datetime) -> QuerySet[Order]:
    return rows.filter(status__in=OPEN_STATUSES, promised_at__lt=now)


def _at_risk(rows: QuerySet[Order], now: datetime) -> QuerySet[Order]:
    parcels = Parcel.objects.filter(late_level__gt=LateLevel.NONE, status__in=COMING)
    return rows.filter(status__in=OPEN_STATUSES, promised_at__gte=now, pk__in=parcels.values("order_id"))


def _no_movement(rows: QuerySet[Order], now: datetime) -> QuerySet[Order]:
    return rows.filter(pk__in=silent_parcels(now).values("order_id"))


def _partly_sent(rows: QuerySet[Order], now: datetime) -> QuerySet[Order]:
    return rows.filter(is_partly_sent=True, status__in=OPEN_STATUSES)


def _to_complete(rows: QuerySet[Order], now: datetime) -> QuerySet[Order]:
    return rows.filter(status=OrderStatus.DELIVERED)


STANDARD: dict[str, Standard] = {
    "late": Standard(pgettext_lazy("order list", "Late"), _late),
    "at_risk": Standard(pgettext_lazy("order list", "At risk"), _at_risk),
    "no_movement": Standard(pgettext_lazy("order list", "No movement"), _no_movement),
    "partly_sent": Standard(pgettext_lazy("order list", "Partly sent"), _partly_sent),
    "to_complete": Standard(pgettext_lazy("order list", "To be completed"), _to_complete),
}
SORTS: dict[str, Text] = {
    "newest": pgettext_lazy("order list", "Newest first"),
    "oldest": pgettext_lazy("order list", "Oldest first"),
    "promised": pgettext_lazy("order list", "Promised soonest (still open)"),
}


def narrow_orders(rows: QuerySet[Order], wanted: dict[str, Any], now: datetime) -> QuerySet[Order]:
    """Return those of the rows that fit all that is wanted (orders.forms.listing says what can be)."""
    if wanted.get("view"):
        rows = STANDARD[wanted["view"]].narrow(rows, now)
    told = {column: wanted[name] for name, column in _COLUMNS.items() if wanted.get(name) is not None}
    rows = rows.filter(**told)
    if wanted.get("carrier") is not None:
        rows = rows.filter(pk__in=Parcel.objects.filter(carrier_id=wanted["carrier"]).values("order_id"))
    if wanted.get("exception"):
        open_ones = ParcelException.objects.exclude(state=ExceptionState.CLOSED)
        if wanted["exception"] != "any":
            open_ones = open_ones.filter(kind=wanted["exception"])
        rows = rows.filter(pk__in=open_ones.values("order_id"))
    if wanted.get("sort") == "promised":
        rows = rows.filter(status__in=OPEN_STATUSES, promised_at__isnull=False)
    return rows


_COLUMNS = {
    "status": "status", "shop": "shop_id", "region": "region__startswith", "source": "source", "from": "placed_at__gte",
    "to": "placed_at__lt", "min": "total__gte", "max": "total__lte",
}  # fmt: skip


def arrange_orders(rows: QuerySet[Order], sort: str, after: str = "") -> QuerySet[Order]:
    """Return the rows in an order of SORTS, after the row a cursor names; a cursor nobody wrote is none."""
    column = "promised_at" if sort == "promised" else "placed_at"
    place = read_cursor(after)
    if sort in {"oldest", "promised"}:
        if place:
            beyond = Q(**{f"{column}__gt": place[0]}) | Q(**{column: place[0], "pk__gt": place[1]})
            rows = rows.filter(beyond, **{f"{column}__gte": place[0]})
        return rows.order_by(column, "pk")
    if place:
        # the first condition says nothing more, but lets the index begin there
        rows = rows.filter(Q(placed_at__lt=place[0]) | Q(placed_at=place[0], pk__lt=place[1]), placed_at__lte=place[0])
    return rows.order_by("-placed_at", "-pk")


def cursor_of(order: Order, sort: str) -> str:
    """Return the cursor that goes on after an order."""
    at = order.promised_at if sort == "promised" else order.placed_at
    assert at is not None
    return f"{at.timestamp():.6f}_{order.pk}"


def read_cursor(text: str) -> tuple[datetime, int] | None:
    """Return the moment and key a cursor names, None for anything else."""
    moment, _underline, pk = text.partition("_")
    try:
        at = _EPOCH + timedelta(microseconds=round(float(moment) * 1e6))
        return (at, int(pk)) if pk.isdecimal() and len(pk) < 18 else None
    except (ValueError, OverflowError):
        return None


def count_standard(staff: Staff, now: datetime) -> dict[str, int]:
    """Return how many orders each standard view holds, at most COUNTED, in one statement."""
    parts, values = [], list[Any]()
    for name, standard in STANDARD.items():
        rows = standard.narrow(orders_visible_to(staff), now).order_by().values(one=F("pk"))[:COUNTED]
        try:
            sql, params = rows.query.sql_with_params()
        except EmptyResultSet:
            continue
        parts.append(f"SELECT '{name}', count(*) FROM ({sql}) {name}")  # names are this module's own
        values += params
    if not parts:
        return dict.fromkeys(STANDARD, 0)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        return dict.fromkeys(STANDARD, 0) | dict(cursor.fetchall())

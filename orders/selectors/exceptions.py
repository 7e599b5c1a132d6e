"""Read the queue of parcel exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from accounts.models import Staff
from orders.exception_enums import EXCEPTION_OPEN
from orders.exception_permissions import exceptions_visible_to
from orders.models import ParcelException

TABS = ("mine", "open", "overdue", "unowned", "closed")
PAGE = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the reader asked for: a tab, a kind, a carrier, a province, where the page begins (moment and id)."""

    tab: str = "open"
    kind: str = ""
    carrier_id: int | None = None
    province: str = ""
    after: tuple[datetime, int] | None = None


def exception_page(staff: Staff, wanted: Wanted, *, at: datetime) -> list[ParcelException]:
    """Return one page and one row more when there is a next: what is due first, or closed last, first."""
    rows = _in_tab(exceptions_visible_to(staff), wanted.tab, staff, at)
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    if wanted.carrier_id:
        rows = rows.filter(carrier_id=wanted.carrier_id)
    if wanted.province:
        rows = rows.filter(order__region__startswith=wanted.province)
    rows = rows.select_related("parcel", "order", "order__customer", "shop", "carrier", "owner", "closed_by")
    moment, pk = wanted.after or (None, 0)
    if wanted.tab == "closed":
        rows = rows.order_by("-closed_at", "-pk")
        if moment is not None:
            rows = rows.filter(Q(closed_at__lt=moment) | Q(closed_at=moment, pk__lt=pk))
    else:
        rows = rows.order_by("due_at", "pk")
        if moment is not None:
            rows = rows.filter(Q(due_at__gt=moment) | Q(due_at=moment, pk__gt=pk))
    return list(rows[: PAGE + 1])


def count_exceptions(staff: Staff, *, at: datetime) -> dict[str, int]:
    """Return how many open exceptions stand in each tab, in one query."""
    rows = exceptions_visible_to(staff).filter(state__in=EXCEPTION_OPEN)
    return rows.aggregate(
        mine=Count("pk", filter=Q(owner=staff)),
        open=Count("pk"),
        overdue=Count("pk", filter=Q(due_at__lt=at)),
        unowned=Count("pk", filter=Q(owner=None)),
    )


def exceptions_of_order(staff: Staff, order_id: int) -> list[ParcelException]:
    """Return an order's exceptions, open ones first, then the newest."""
    rows = exceptions_visible_to(staff).filter(order_id=order_id).select_related("owner", "parcel", "carrier")
    return sorted(rows, key=lambda one: (one.closed_at is not None, -one.pk))[:20]


def _in_tab(rows: QuerySet[ParcelException], tab: str, staff: Staff, at: datetime) -> QuerySet[ParcelException]:
    if tab == "closed":
        return rows.filter(state="closed")
    rows = rows.filter(state__in=EXCEPTION_OPEN)
    if tab == "mine":
        return rows.filter(owner=staff)
    if tab == "overdue":
        return rows.filter(due_at__lt=at)
    return rows.filter(owner=None) if tab == "unowned" else rows

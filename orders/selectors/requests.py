"""Read the requests to shops: the queue, those of an order, its notes, and parcels that fare alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from accounts.models import Staff
from core.crypto import CannotDecrypt, decrypt
from orders.exception_enums import EXCEPTION_OPEN
from orders.exception_permissions import exceptions_visible_to
from orders.gazetteer import region_of
from orders.models import Order, OrderNote, OrderRequest
from orders.request_enums import REQUEST_OPEN
from orders.request_permissions import requests_visible_to

TABS = ("open", "overdue", "mine", "closed")
PAGE = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the reader asked for: a tab, a kind, where the page begins (moment and id)."""

    tab: str = "open"
    kind: str = ""
    after: tuple[datetime, int] | None = None


def request_page(staff: Staff, wanted: Wanted, *, at: datetime) -> list[OrderRequest]:
    """Return one page and one row more when there is a next: due (so overdue) or closed last first."""
    rows = _in_tab(requests_visible_to(staff), wanted.tab, staff, at)
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    rows = rows.select_related("order", "shop", "asked_by", "answered_by")
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


def count_requests(staff: Staff, *, at: datetime) -> dict[str, int]:
    """Return how many open requests stand in each tab, in one query."""
    return (
        requests_visible_to(staff)
        .filter(state__in=REQUEST_OPEN)
        .aggregate(
            open=Count("pk"),
            overdue=Count("pk", filter=Q(due_at__lt=at)),
            mine=Count("pk", filter=Q(asked_by=staff)),
        )
    )


def _in_tab(rows: QuerySet[OrderRequest], tab: str, staff: Staff, at: datetime) -> QuerySet[OrderRequest]:
    if tab == "closed":
        return rows.exclude(state__in=REQUEST_OPEN)
    rows = rows.filter(state__in=REQUEST_OPEN)
    if tab == "mine":
        return rows.filter(asked_by=staff)
    return rows.filter(due_at__lt=at) if tab == "overdue" else rows


def requests_of_order(order_id: int) -> list[OrderRequest]:
    """Return an order's requests, open ones first, then the newest."""
    rows = OrderRequest.objects.filter(order_id=order_id).select_related("asked_by", "answered_by").order_by("-pk")
    return sorted(rows[:50], key=lambda one: (not one.is_open, -one.pk))


def parcels_alike(staff: Staff, order: Order) -> list[dict[str, Any]]:
    """Return by carrier how many other parcels on the way of this order's own (to the same province) are in trouble.

    Silent ones are among them: silence opens an exception. One statement.
    """
    province = region_of(order.region).province
    if not province:
        return []
    rows = exceptions_visible_to(staff).filter(state__in=EXCEPTION_OPEN, order__region__startswith=province)
    rows = rows.filter(carrier__in=order.parcels.values("carrier")).exclude(order=order)
    counted = (
        rows.values("carrier_id", "carrier__name").annotate(count=Count("parcel", distinct=True)).order_by("-count")
    )
    return [{**row, "province": province} for row in counted]


@dataclass(frozen=True, slots=True)
class ShownNote:
    """A note as colleagues read it."""

    author: str
    at: datetime
    text: str


def notes_of_order(order_id: int) -> list[ShownNote]:
    """Return an order's newest notes that are still there."""
    rows = OrderNote.objects.filter(order_id=order_id, text_enc__isnull=False).select_related("author").order_by("-pk")
    return [ShownNote(row.author.display_name, row.at, _text(row)) for row in rows[:20]]


def _text(row: OrderNote) -> str:
    try:
        return decrypt(row.text_enc) if row.text_enc else ""
    except CannotDecrypt:
        return "****"

"""Read the queue of requests to shops."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from accounts.models import Staff
from orders.models import OrderRequest
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

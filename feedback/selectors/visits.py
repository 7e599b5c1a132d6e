"""Read the visits owed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from accounts.models import Staff
from accounts.permissions import shop_scope
from core.kept import Kept, Slot, run_prepared
from feedback.enums import OPEN_VISITS
from feedback.models import Visit, VisitAttempt
from feedback.permissions import visits_visible_to

TABS = ("due", "overdue", "mine", "upcoming", "done")
PAGE = 50


@dataclass(frozen=True)
class Keyset:
    """Where a page begins: after this moment and id."""

    at: datetime
    id: int


def in_tab(rows: QuerySet[Visit], tab: str, staff: Staff, at: datetime) -> QuerySet[Visit]:
    """Return the visits of a tab; due includes overdue, mine are those the person holds."""
    if tab == "done":
        return rows.filter(done_at__isnull=False)
    waiting = rows.filter(state__in=OPEN_VISITS)
    if tab == "upcoming":
        return waiting.filter(show_at__gt=at)
    if tab == "mine":
        return waiting.filter(agent=staff)
    waiting = waiting.filter(show_at__lte=at)
    return waiting.filter(deadline_at__lt=at) if tab == "overdue" else waiting


def order_of(tab: str) -> str:
    """Return the column a tab goes by: what each row shows as its time."""
    return {"done": "done_at", "upcoming": "show_at"}.get(tab, "deadline_at")


def visit_page(staff: Staff, tab: str, *, at: datetime, after: Keyset | None = None) -> list[Visit]:
    """Return one page and one row more when there is a next; the earliest first, done ones the newest first."""
    rows = in_tab(visits_visible_to(staff), tab, staff, at)
    rows = rows.select_related("order", "customer", "shop", "agent")
    if tab == "done":
        rows = rows.order_by(F("done_at").desc(), F("id").desc())
        if after is not None:
            rows = rows.filter(Q(done_at__lt=after.at) | Q(done_at=after.at, id__lt=after.id))
    else:
        column = order_of(tab)
        rows = rows.order_by(column, "id")
        if after is not None:
            rows = rows.filter(Q((f"{column}__gt", after.at)) | Q((column, after.at), id__gt=after.id))
    return list(rows[: PAGE + 1])


def count_tabs(staff: Staff, *, at: datetime) -> dict[str, int]:
    """Return how many visits wait in each tab, in one query over open visits only."""
    rows = visits_visible_to(staff).filter(state__in=OPEN_VISITS)
    here = Q(show_at__lte=at)
    return rows.aggregate(
        due=Count("id", filter=here),
        overdue=Count("id", filter=here & Q(deadline_at__lt=at)),
        mine=Count("id", filter=Q(agent=staff)),
        upcoming=Count("id", filter=~here),
    )


_NOW = Slot("now", datetime(2000, 1, 1, 13, 7, 11, 137, tzinfo=UTC), "timestamptz")
_due = Kept(lambda: (_NOW,))


def count_due(staff: Any) -> int:
    """Return how many visits wait for this person now; for the rail, so it stands on every page and is kept."""
    shops = shop_scope(staff)

    def written() -> tuple[str, Sequence[Any]]:
        rows = in_tab(visits_visible_to(staff), "due", staff, _NOW.sample).order_by().values("pk")
        statement, values = rows.query.sql_with_params()
        return f"SELECT count(*) FROM ({statement}) due", values  # allowed: written by Django

    try:
        text = _due.text(None if shops is None else tuple(shops), written)
    except EmptyResultSet:  # nobody of no shop sees any
        return 0
    return int(run_prepared(text, {"now": timezone.now()})[0][0])


def count_overdue(*, at: datetime) -> int:
    """Return how many visits are past their deadline in the whole company."""
    return Visit.objects.filter(state__in=OPEN_VISITS, deadline_at__lt=at).count()


def tries_of(visit: Visit) -> list[VisitAttempt]:
    """Return the attempts of a visit, the newest first."""
    return list(VisitAttempt.objects.filter(visit=visit).select_related("agent").order_by("-number"))


def next_visit(staff: Staff, *, at: datetime, besides: int) -> Visit | None:
    """Return the next visit to make after this one: due and held by no colleague."""
    rows = in_tab(visits_visible_to(staff), "due", staff, at).exclude(pk=besides)
    return (
        rows.filter(Q(agent__isnull=True) | Q(agent=staff) | Q(claimed_at__isnull=True))
        .order_by("deadline_at", "id")
        .first()
    )

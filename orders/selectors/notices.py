"""Which steps are told, what an order was told, and how many orders were confirmed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Prefetch, Q

from notifications.enums import NoticeState
from notifications.models import Delivery
from orders.models import NoticeRule, Order, OrderNotice, RepeatedNotice
from orders.notice_enums import USUAL, NoticeStep


def notice_rules() -> dict[str, NoticeRule]:
    """Return the rule of each step, what is usual where nobody changed it (version 0)."""
    changed = {row.step: row for row in NoticeRule.objects.all()}
    return {str(step): changed.get(str(step)) or _usual(str(step)) for step in NoticeStep}


def notice_rule(step: str) -> NoticeRule:
    """Return the rule of one step."""
    return NoticeRule.objects.filter(step=step).first() or _usual(step)


def _usual(step: str) -> NoticeRule:
    usual = USUAL[step]
    return NoticeRule(
        step=step, is_on=usual.is_on, is_urgent=usual.is_urgent, is_critical=usual.is_critical,
        is_everywhere=usual.is_everywhere, hours=usual.hours, version=0,
    )  # fmt: skip


@dataclass(frozen=True)
class ToldStep:
    """One step an order's customer was told of, with every message it took."""

    row: OrderNotice
    deliveries: list[Delivery]
    skips: list[dict[str, str]]
    repeats: list[RepeatedNotice]


def notices_of(order_id: int) -> list[ToldStep]:
    """Return what an order's customer was told, the newest first, in three statements."""
    rows = list(
        OrderNotice.objects.filter(order_id=order_id)
        .select_related("notice", "parcel")
        .prefetch_related(
            Prefetch("repeats", RepeatedNotice.objects.select_related("notice", "asked_by").order_by("-pk"))
        )
        .order_by("-happened_at", "-pk")[:100]
    )
    messages: dict[int, list[Delivery]] = {row.notice_id: [] for row in rows if row.notice_id}
    found = Delivery.objects.filter(notice_id__in=messages).defer("text", "html", "headers", "files", "subject")
    for delivery in found.order_by("pk") if messages else ():
        messages[delivery.notice_id or 0].append(delivery)
    return [
        ToldStep(
            row,
            messages.get(row.notice_id or 0, []),
            list(row.notice.skips) if row.notice else [],
            list(row.repeats.all()),
        )
        for row in rows
    ]


@dataclass(frozen=True)
class Reach:
    """How many orders were placed, and to how many customers their confirmation went out."""

    placed: int
    confirmed: int

    @property
    def rate(self) -> float | None:
        """Return the share that was confirmed, None when nothing was placed."""
        return self.confirmed / self.placed if self.placed else None


def confirmation_reach(*, since: datetime, until: datetime, shop_ids: Iterable[int] | None = None) -> Reach:
    """Return the reach of confirmations (OR-3) of orders placed in a time, without history and the demo's past."""
    orders = Order.objects.filter(placed_at__gte=since, placed_at__lt=until, is_history=False).exclude(source="demo")
    if shop_ids is not None:
        orders = orders.filter(shop_id__in=list(shop_ids))
    went_out = Q(
        notices__step=NoticeStep.CONFIRMATION,
        notices__notice__state__in=[NoticeState.SENT, NoticeState.DELIVERED],
    )
    found: dict[str, Any] = orders.aggregate(
        placed=Count("pk", distinct=True), confirmed=Count("pk", filter=went_out, distinct=True)
    )
    return Reach(found["placed"], found["confirmed"])

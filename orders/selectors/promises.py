"""Read promises, rules and how far new terms have come."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.db.models import Case, Count, F, Q, QuerySet, When

from orders.models import ContingencyPlan, DeliveryPromise, Order, PlanOrder, PromiseRule, PromiseRun
from orders.promise_enums import OPEN_STATUSES, PlanState
from orders.promise_words import lines_of


class ToldPromise(NamedTuple):
    """Why an order is promised when it is."""

    promise: DeliveryPromise
    lines: list[str]
    first_at: datetime | None


def find_promise_told(order: Order) -> ToldPromise | None:
    """Return an order's promise in words; `first_at` only where it is another day. One statement."""
    promise = DeliveryPromise.objects.select_related("rule").filter(order_id=order.pk).first()
    if promise is None:
        return None
    first = promise.first_at if promise.first_at != promise.promised_at else None
    return ToldPromise(promise, lines_of(promise), first)


def promise_rules() -> QuerySet[PromiseRule]:
    """Return the rules in the order they are asked, resting ones last, with the open orders each holds."""
    is_open = Q(promises__looked_at=None, promises__order__status__in=OPEN_STATUSES)
    rows = PromiseRule.objects.select_related("calendar").annotate(running=Count("promises", filter=is_open))
    return rows.order_by("-is_active", "position", "pk")


def contingency_plans() -> QuerySet[ContingencyPlan]:
    """Return the plans with how many orders each moved, told and took back; those that are on first."""
    rows = ContingencyPlan.objects.annotate(
        moved=Count("orders"),
        told=Count("orders", filter=Q(orders__told_at__isnull=False)),
        undone=Count("orders", filter=Q(orders__undone_at__isnull=False)),
        is_on=Case(When(state=PlanState.ON, then=0), When(state=PlanState.DRAFT, then=1), default=2),
    )
    return rows.order_by("is_on", "-pk")


def orders_of_plan(plan: ContingencyPlan, most: int = 50) -> list[PlanOrder]:
    """Return what a plan did to its orders, the newest first."""
    rows = PlanOrder.objects.filter(plan=plan).select_related("order__shop")
    return list(rows.order_by("-pk")[:most])


def promise_runs() -> QuerySet[PromiseRun]:
    """Return the runs not finished yet and the newest finished one, newest first."""
    newest = PromiseRun.objects.filter(finished_at__isnull=False).order_by("-pk").values("pk")[:1]
    return PromiseRun.objects.filter(Q(finished_at__isnull=True) | Q(pk__in=newest)).order_by(F("pk").desc())

"""The promise of one order: made as it comes in, kept beside it, changed when its shop tells another date."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.actors import SYSTEM
from core.events import Code, record
from orders.models import ContingencyPlan, DeliveryPromise, Order, PlanOrder, Product, Shop
from orders.promise_enums import OPEN_STATUSES, PlanState, PromiseSource
from orders.promise_events import PromiseChanged
from orders.selectors.carriers import carrier_ids
from orders.services.data import OrderData
from orders.services.promising.choosing import Case, Promised, Rules, case_of
from orders.services.promising.plans import plan_step, takes


def promise_new(order: Order, data: OrderData, shop: Shop) -> Promised | None:
    """Set and return what a new order is promised: the date its shop told, else by the rules; None when nothing is."""
    promised = _promised(order, data, shop)
    order.promised_at = promised.at if promised else None
    return promised


def _promised(order: Order, data: OrderData, shop: Shop) -> Promised | None:
    if order.promised_at is not None:
        step = {"code": "told", "at": order.promised_at.isoformat()}
        return Promised(order.promised_at, PromiseSource.TOLD, [step])
    rules, wanted = Rules(), {item.sku for item in data.items if item.sku}
    by = {told.carrier for told in data.parcels}
    categories: list[str] = []
    if rules.asks_for_products and wanted:
        found = Product.objects.filter(shop_id=shop.pk, sku__in=wanted).values_list("category", flat=True)
        categories = list(found)
    ids = carrier_ids() if by and any(rule.carrier_ids for rule in rules.rules) else {}
    case = case_of(
        shop_id=shop.pk, placed_at=order.placed_at, region=order.region, skus=wanted, categories=categories,
        carrier_ids=[ids[code] for code in by if code in ids],
    )  # fmt: skip
    promised = rules.promise(case, shop)
    return _with_plans(promised, case, shop) if promised else None


def _with_plans(promised: Promised, case: Case, shop: Shop) -> Promised:
    """Add the days of the plans that are on: what a new order is promised first has them in it."""
    on = ContingencyPlan.objects.filter(state=PlanState.ON).order_by("pk")
    plans = [plan for plan in on if takes(plan, case, ZoneInfo(shop.timezone))]
    days = sum(plan.extra_days for plan in plans)
    steps = [*promised.steps, *(plan_step(plan) for plan in plans)]
    at = promised.at + timedelta(days=days)
    return replace(promised, at=at, steps=steps, base_at=promised.base_at or promised.at, plans=plans)


def keep_promise(order: Order, promised: Promised, *, at: datetime) -> DeliveryPromise:
    """Write the promise of an order that has just been saved, inside the caller's transaction.

    One whose order has ended already (told late) is not waited for.
    """
    before = promised.base_at or promised.at
    rows = []
    for plan in promised.plans:
        after = before + timedelta(days=plan.extra_days)
        rows.append(
            PlanOrder(
                plan=plan, order=order, days=plan.extra_days, before_at=before, after_at=after, is_first=True,
                applied_at=at,
            )
        )  # fmt: skip
        before = after
    PlanOrder.objects.bulk_create(rows)
    return DeliveryPromise.objects.create(
        order=order, source=promised.source, rule=promised.rule,
        rule_version=promised.rule.version if promised.rule else 0, first_at=promised.at,
        base_at=promised.base_at or promised.at, promised_at=promised.at, counted_at=promised.at, steps=promised.steps,
        looked_at=None if order.status in OPEN_STATUSES else at,
    )  # fmt: skip


def tell_promise(order: Order, told: datetime, *, at: datetime) -> PromiseChanged | None:
    """Take in the date a shop tells for a known, locked order; return the change, None for nothing new.

    What plans added stays on top of it. A date told before the known one passed is what on time is measured by.
    """
    promise = DeliveryPromise.objects.select_for_update(no_key=True).filter(order_id=order.pk).first()
    if promise is None:
        if order.is_history or order.promised_at == told:
            order.promised_at = told
            return None
        first = order.promised_at or told
        promise = DeliveryPromise(order=order, first_at=first, base_at=first, promised_at=first, counted_at=first)
    elif promise.source == PromiseSource.TOLD and promise.base_at == told:
        return None
    before, added = promise.promised_at, promise.promised_at - promise.base_at
    promise.source, promise.rule, promise.rule_version = PromiseSource.TOLD, None, 0
    promise.base_at, promise.promised_at = told, told + added
    promise.steps = [{"code": "told", "at": told.isoformat()}]
    if at < promise.counted_at and promise.looked_at is None:
        promise.counted_at, promise.told_at = promise.promised_at, at
    promise.save()
    order.promised_at = promise.promised_at
    if before == promise.promised_at:
        return None
    return PromiseChanged(before, promise.promised_at, promise.counted_at, Code("told"))


def expect_delay(*, order_id: int, data: Any, at: datetime) -> bool:
    """Say once per order that it will most likely be late; return whether it was said now."""
    order = Order.objects.select_for_update(no_key=True).filter(pk=order_id).first()
    if order is None or order.status not in OPEN_STATUSES or order.is_history:
        return False
    said = DeliveryPromise.objects.filter(
        order_id=order_id, delay_expected_at=None, looked_at=None, promised_at=data.promised_at
    ).update(delay_expected_at=at)
    if said:
        record("order.delay_expected", subject=order, actor=SYSTEM, at=at, data=data)
    return bool(said)

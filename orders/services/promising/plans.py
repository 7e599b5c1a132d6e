"""Plans switched on: open orders get their days in batches; called off, what nobody was told of is taken back."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from core.actors import SYSTEM, Actor
from core.editing import check_version
from core.errors import InvalidInput, NotFound, Text, TransitionNotAllowed
from core.events import Code, Fact, record, record_many
from core.jobs import Owed, schedule, schedule_many
from core.live import announce
from core.text import normalise
from orders.gazetteer import covers, is_region_key
from orders.models import ContingencyPlan, DeliveryPromise, Order, PlanOrder
from orders.promise_enums import OPEN_STATUSES, PLAN_TRANSITIONS, CompensationKind, PlanKind, PlanState
from orders.promise_events import CompensationProposed, PlanMoved, PromiseChanged
from orders.services.promising.choosing import Case
from orders.services.promising.repricing import BATCH, MOST_PREVIEWED, cases_of, open_promises, set_in_force

PLAN_JOB, TELL_JOB = "orders.apply_plan", "orders.tell_extension"
TIME_TO_CALL_OFF = timedelta(minutes=10)
"""So long after an order got its days its customer is told: a plan switched on by mistake reaches nobody."""


@dataclass(frozen=True)
class PlanDraft:
    """What can be set about a plan."""

    name: str
    kind: str = PlanKind.OTHER
    extra_days: int = 2
    shop_ids: list[int] = field(default_factory=list)
    carrier_ids: list[int] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)
    placed_from: date | None = None
    placed_until: date | None = None
    is_told: bool = True
    compensation: str = CompensationKind.NONE
    compensation_amount: Decimal = Decimal(0)


@dataclass(frozen=True)
class DryRun:
    """What switching a plan on would do; `looked` of `total` open orders were looked at, the newest."""

    looked: int = 0
    total: int = 0
    affected: int = 0
    cost: Decimal = Decimal(0)


def takes(plan: Any, case: Case, zone: ZoneInfo) -> bool:
    """Say whether a plan takes an order: every condition holds."""
    day = case.placed_at.astimezone(zone).date()
    return (
        (not plan.shop_ids or case.shop_id in plan.shop_ids)
        and (plan.placed_from is None or day >= plan.placed_from)
        and (plan.placed_until is None or day <= plan.placed_until)
        and (not plan.regions or covers(plan.regions, case.region))
        and (not plan.carrier_ids or not case.carrier_ids.isdisjoint(plan.carrier_ids))
    )


def try_plan(plan: ContingencyPlan) -> DryRun:
    """Return what switching a plan on would do to the newest open orders. Writes nothing."""
    rows = open_promises().exclude(order__plans__plan=plan)
    ids = list(rows.order_by("-order_id").values_list("order_id", flat=True)[: MOST_PREVIEWED + 1])
    total = rows.count() if len(ids) > MOST_PREVIEWED else len(ids)
    orders = list(Order.objects.filter(pk__in=ids[:MOST_PREVIEWED]).select_related("shop"))
    cases = cases_of(orders)
    affected = sum(takes(plan, cases[order.pk], ZoneInfo(order.shop.timezone)) for order in orders)
    return DryRun(len(orders), total, affected, affected * plan.compensation_amount)


@transaction.atomic
def save_plan(*, plan_id: int | None, draft: PlanDraft, version: int | None) -> ContingencyPlan:
    """Add a plan (no id) or change one that was never on. Raises InvalidInput, NotFound, StaleEdit."""
    values = _checked(draft)
    plan = _lock(plan_id) if plan_id is not None else ContingencyPlan()
    if plan.state != PlanState.DRAFT:
        raise TransitionNotAllowed(before=plan.state)
    if plan_id is not None:
        check_version(plan, version, values)
    for name, value in values.items():
        setattr(plan, name, value)
    plan.version += plan_id is not None
    try:
        with transaction.atomic():
            plan.save()
    except IntegrityError:
        raise InvalidInput(fields={"name": [_("Another plan has this name.")]}) from None
    return plan


def _checked(draft: PlanDraft) -> dict[str, Any]:
    values = {one.name: getattr(draft, one.name) for one in fields(draft)} | {"name": normalise(draft.name)}
    wrong: dict[str, list[Text]] = {}
    if not 1 <= len(values["name"]) <= 80:
        wrong["name"] = [_("Give the plan a name of at most 80 characters.")]
    if not 1 <= draft.extra_days <= 60:
        wrong["extra_days"] = [_("Give a number of days from 1 to %(top)s.") % {"top": 60}]
    if unknown := [key for key in draft.regions if not is_region_key(key)]:
        wrong["regions"] = [_("We do not know the region “%(region)s”.") % {"region": unknown[0]}]
    if draft.placed_from and draft.placed_until and draft.placed_until < draft.placed_from:
        wrong["placed_until"] = [_("The last day lies before the first one.")]
    if draft.compensation == CompensationKind.NONE:
        values["compensation_amount"] = Decimal(0)
    elif not 0 < draft.compensation_amount <= 10_000:
        wrong["compensation_amount"] = [_("Say how much, up to 10,000.")]
    if not (draft.shop_ids or draft.carrier_ids or draft.regions or draft.placed_from or draft.placed_until):
        wrong["regions"] = [_("Set at least one condition: without any, every order would be affected.")]
    if wrong:
        raise InvalidInput(fields=wrong)
    return values


def _lock(plan_id: int) -> ContingencyPlan:
    plan = ContingencyPlan.objects.select_for_update(no_key=True).filter(pk=plan_id).first()
    if plan is None:
        raise NotFound
    return plan


@transaction.atomic
def move_plan(*, plan_id: int, to: str, actor: Actor, at: datetime) -> ContingencyPlan:
    """Switch a plan on, end it or call it off. Raises NotFound, TransitionNotAllowed (the second time too).

    After commit: open orders get their days, or those nobody was told of lose them, in batches.
    """
    plan = _lock(plan_id)
    if to not in PLAN_TRANSITIONS[plan.state]:
        raise TransitionNotAllowed(before=plan.state, to=to)
    before, plan.state = plan.state, to
    plan.version += 1
    if to == PlanState.ON:
        plan.on_at, plan.total = at, open_promises().count()
    else:
        plan.off_at = at
    if to == PlanState.CALLED_OFF:
        plan.total = PlanOrder.objects.filter(plan=plan, told_at=None, undone_at=None, is_first=False).count()
    if to != PlanState.OVER:
        plan.after, plan.done_count, plan.finished_at = 0, 0, None
        _owe_part(plan, at)
    plan.save()
    data = PlanMoved(Code(before), Code(to), plan.extra_days)
    record("contingency_plan.moved", subject=plan, actor=actor, at=at, data=data)
    announce("promises", "plan", plan.pk, plan.version)
    return plan


def _owe_part(plan: ContingencyPlan, at: datetime) -> None:
    payload = {"plan_id": plan.pk, "state": str(plan.state), "after": plan.after}
    schedule(PLAN_JOB, key=f"{plan.pk}:{plan.state}:{plan.after}", due_at=at, payload=payload)


@transaction.atomic
def plan_part(*, plan_id: int, state: str, after: int, at: datetime) -> None:
    """Give the next open orders a plan's days, or take them back, and owe the rest; a part done before does nothing."""
    plan = ContingencyPlan.objects.select_for_update(no_key=True).filter(
        pk=plan_id, state=state, after=after, finished_at=None
    ).first()  # fmt: skip
    if plan is None:
        return
    if state == PlanState.ON:
        rows = open_promises().filter(order_id__gt=after)
    else:
        rows = DeliveryPromise.objects.filter(
            order_id__gt=after, order__plans__plan=plan, order__plans__told_at=None, order__plans__undone_at=None,
            order__plans__is_first=False,
        )  # fmt: skip
    ids = list(rows.order_by("order_id").values_list("order_id", flat=True)[:BATCH])
    locked = Order.objects.select_for_update(no_key=True, of=("self",)).select_related("shop")
    orders = list(locked.filter(pk__in=ids).order_by("pk"))
    promises = DeliveryPromise.objects.select_for_update(no_key=True).filter(order_id__in=ids).order_by("order_id")
    by_order = {row.order_id: row for row in promises}
    (_give if state == PlanState.ON else _take_back)(plan, orders, by_order, at)
    plan.done_count += len(ids)
    plan.total = max(plan.total, plan.done_count)
    if len(ids) == BATCH:
        plan.after = ids[-1]
        _owe_part(plan, at)
    else:
        plan.finished_at = at
    plan.version += 1
    plan.save()
    announce("promises", "plan", plan.pk, plan.version)


def _give(plan: ContingencyPlan, orders: list[Order], promises: dict[int, DeliveryPromise], at: datetime) -> None:
    cases = cases_of(orders)
    have = set(PlanOrder.objects.filter(plan=plan, order__in=orders).values_list("order_id", flat=True))
    rows, facts = [], []
    for order in orders:
        one = promises[order.pk]
        is_open = order.status in OPEN_STATUSES and one.looked_at is None and order.pk not in have
        if not is_open or not takes(plan, cases[order.pk], ZoneInfo(order.shop.timezone)):
            continue
        before = one.promised_at
        one.promised_at = before + timedelta(days=plan.extra_days)
        one.steps = [*one.steps, plan_step(plan)]
        one.save(update_fields=["promised_at", "steps"])
        set_in_force(order, one.promised_at, at)
        rows.append(
            PlanOrder(
                plan=plan, order=order, days=plan.extra_days, before_at=before, after_at=one.promised_at, applied_at=at
            )
        )
        data = PromiseChanged(before, one.promised_at, one.counted_at, Code("plan"), plan.pk)
        facts.append(Fact("order.promise_changed", order, SYSTEM, at, data))
    PlanOrder.objects.bulk_create(rows)
    record_many(facts, origin="live")
    due = at + TIME_TO_CALL_OFF
    schedule_many(
        [
            Owed(TELL_JOB, f"{plan.pk}:{row.order_id}", due, payload={"plan_id": plan.pk, "order_id": row.order_id})
            for row in rows
        ]
    )


def _take_back(plan: ContingencyPlan, orders: list[Order], promises: dict[int, DeliveryPromise], at: datetime) -> None:
    rows = PlanOrder.objects.select_for_update(no_key=True).filter(
        plan=plan, order__in=orders, told_at=None, undone_at=None, is_first=False
    )
    by_order, facts = {order.pk: order for order in orders}, []
    for row in rows.order_by("order_id"):
        order, one = by_order[row.order_id], promises[row.order_id]
        row.undone_at = at
        row.save(update_fields=["undone_at"])
        before = one.promised_at
        one.promised_at = before - timedelta(days=row.days)
        one.steps = [step for step in one.steps if step.get("plan") != plan.pk]
        one.save(update_fields=["promised_at", "steps"])
        set_in_force(order, one.promised_at, at)
        data = PromiseChanged(before, one.promised_at, one.counted_at, Code("plan_off"), plan.pk)
        facts.append(Fact("order.promise_changed", order, SYSTEM, at, data))
    record_many(facts, origin="live")


def plan_step(plan: ContingencyPlan) -> dict[str, Any]:
    """Return a plan's line of the arithmetic."""
    return {"code": "plan", "plan": plan.pk, "name": plan.name, "days": plan.extra_days}


def find_extension(*, plan_id: int, order_id: int) -> PlanOrder | None:
    """Lock an order and what a plan did to it; None when it is told, undone, or the order has ended."""
    order = Order.objects.select_for_update(no_key=True).filter(pk=order_id).first()
    rows = PlanOrder.objects.select_for_update(no_key=True, of=("self",)).select_related("plan", "order__shop")
    row = rows.filter(plan_id=plan_id, order_id=order_id, told_at=None, undone_at=None).first()
    return row if order is not None and order.status in OPEN_STATUSES else None


@transaction.atomic
def close_extension(row: PlanOrder, *, is_told: bool, at: datetime) -> None:
    """Write down that a locked extension was told, and propose what the plan gives.

    Told before the promise she knew had passed, the new day is what on time is measured by.
    """
    plan, order = row.plan, row.order
    if is_told:
        one = DeliveryPromise.objects.select_for_update(no_key=True).get(order_id=order.pk)
        one.told_at = row.told_at = at
        if one.looked_at is None and at < one.counted_at:
            one.counted_at = one.promised_at
            data = PromiseChanged(row.before_at, one.promised_at, one.counted_at, Code("plan_told"), plan.pk)
            record("order.promise_changed", subject=order, actor=SYSTEM, at=at, data=data)
        one.save(update_fields=["told_at", "counted_at"])
        row.save(update_fields=["told_at"])
    if plan.compensation != CompensationKind.NONE:
        given = CompensationProposed(plan.pk, Code(plan.compensation), plan.compensation_amount, Code(order.currency))
        record("order.compensation_proposed", subject=order, actor=SYSTEM, at=at, data=given)

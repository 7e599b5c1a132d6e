"""Changed rules for open orders: what they would do, and then doing it in batches that can be killed and repeated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from core.actors import SYSTEM
from core.events import Code, Fact, record_many
from core.jobs import schedule
from core.live import announce
from orders.models import DeliveryPromise, Order, OrderItem, Parcel, PromiseRun
from orders.promise_enums import OPEN_STATUSES, PromiseSource, RunKind
from orders.promise_events import PromiseChanged
from orders.services.promising.choosing import Case, Promised, Rules, case_of

REPRICE_JOB = "orders.reprice_promises"
BATCH = 200
MOST_PREVIEWED = 5000


@dataclass(frozen=True)
class Effect:
    """What new terms would do to open orders; `looked` of `total` were looked at, the newest."""

    looked: int = 0
    total: int = 0
    earlier: int = 0
    later: int = 0
    overdue_before: int = 0
    overdue_after: int = 0

    @property
    def moved(self) -> int:
        """Return how many promises would move."""
        return self.earlier + self.later

    def plus(self, before: datetime, after: datetime, now: datetime) -> Effect:
        """Return this with one more promise counted."""
        return replace(
            self,
            earlier=self.earlier + (after < before),
            later=self.later + (after > before),
            overdue_before=self.overdue_before + (before < now),
            overdue_after=self.overdue_after + (after < now),
        )


def open_promises() -> QuerySet[DeliveryPromise]:
    """Return the promises of orders that still have to arrive and are not past it."""
    return DeliveryPromise.objects.filter(looked_at=None, order__status__in=OPEN_STATUSES)


def preview_rules(rules: Rules, *, at: datetime) -> Effect:
    """Return what these rules would do to the newest open orders. Writes nothing."""
    rows = open_promises().exclude(source=PromiseSource.TOLD)
    newest = list(rows.order_by("-order_id").values_list("order_id", flat=True)[: MOST_PREVIEWED + 1])
    total = rows.count() if len(newest) > MOST_PREVIEWED else len(newest)
    newest = newest[:MOST_PREVIEWED]
    effect = Effect(looked=len(newest), total=total)
    for start in range(0, len(newest), 1000):
        part = newest[start : start + 1000]
        orders = list(Order.objects.filter(pk__in=part).select_related("shop"))
        promises = {row.order_id: row for row in DeliveryPromise.objects.filter(order_id__in=part)}
        for order, promised in _promised(orders, rules):
            one = promises[order.pk]
            if promised is not None:
                effect = effect.plus(one.promised_at, promised.at + (one.promised_at - one.base_at), at)
    return effect


@transaction.atomic
def owe_reprice(*, kind: str, at: datetime) -> PromiseRun | None:
    """Owe new promises to the open orders that hang on rules; None when there are none."""
    total = open_promises().exclude(source=PromiseSource.TOLD).count()
    if not total:
        return None
    run = PromiseRun.objects.create(kind=kind, total=total, started_at=at)
    _owe_part(run, at)
    return run


def _owe_part(run: PromiseRun, at: datetime) -> None:
    schedule(REPRICE_JOB, key=f"{run.pk}:{run.after}", due_at=at, payload={"run_id": run.pk, "after": run.after})


@transaction.atomic
def reprice_part(*, run_id: int, after: int, at: datetime) -> None:
    """Set the promises of the next orders by the rules that hold now and owe the rest; a part done before does nothing.

    Only what an order is promised from now on changes: the first promise stays, and on time is measured by it.
    """
    run = PromiseRun.objects.select_for_update(no_key=True).filter(pk=run_id, after=after, finished_at=None).first()
    if run is None:
        return
    rows = open_promises().exclude(source=PromiseSource.TOLD).filter(order_id__gt=after)
    ids = list(rows.order_by("order_id").values_list("order_id", flat=True)[:BATCH])
    earlier, later = _reprice(ids, at)
    run.earlier_count += earlier
    run.later_count += later
    run.done_count += len(ids)
    run.total = max(run.total, run.done_count)
    if len(ids) == BATCH:
        run.after = ids[-1]
        _owe_part(run, at)
    else:
        run.finished_at = max(at, run.started_at)
    run.save()
    announce("promises", "run", run.pk, run.done_count)


def _reprice(ids: list[int], at: datetime) -> tuple[int, int]:
    locked = Order.objects.select_for_update(no_key=True, of=("self",)).select_related("shop")
    orders = list(locked.filter(pk__in=ids, status__in=OPEN_STATUSES).order_by("pk"))
    rows = DeliveryPromise.objects.select_for_update(no_key=True).filter(order_id__in=[o.pk for o in orders])
    promises = {row.order_id: row for row in rows.order_by("order_id")}
    facts: list[Fact] = []
    changed: list[DeliveryPromise] = []
    earlier = later = 0
    for order, promised in _promised(orders, Rules()):
        one = promises.get(order.pk)
        if one is None or promised is None or one.looked_at is not None or one.source == PromiseSource.TOLD:
            continue
        before, added = one.promised_at, one.promised_at - one.base_at
        one.source, one.rule, one.steps = promised.source, promised.rule, promised.steps
        one.rule_version = promised.rule.version if promised.rule else 0
        one.base_at, one.promised_at = promised.at, promised.at + added
        changed.append(one)
        if one.promised_at != before:
            earlier, later = earlier + (one.promised_at < before), later + (one.promised_at > before)
            data = PromiseChanged(before, one.promised_at, one.counted_at, Code("rules"))
            facts.append(Fact("order.promise_changed", order, SYSTEM, at, data))
            set_in_force(order, one.promised_at, at)
    DeliveryPromise.objects.bulk_update(
        changed, ["source", "rule", "rule_version", "base_at", "promised_at", "steps"], batch_size=BATCH
    )
    record_many(facts, origin="live")
    return earlier, later


def set_in_force(order: Order, promised_at: datetime, at: datetime) -> None:
    """Write the promise in force into its locked order."""
    order.promised_at, order.updated_at = promised_at, at
    order.version += 1
    order.save(update_fields=["promised_at", "version", "updated_at"])
    announce(f"order.{order.pk}", "order", order.pk, order.version)


def _promised(orders: list[Order], rules: Rules) -> Iterable[tuple[Order, Promised | None]]:
    cases = cases_of(orders)
    for order in orders:
        yield order, rules.promise(cases[order.pk], order.shop)


def cases_of(orders: list[Order]) -> dict[int, Case]:
    """Return what the rules look at in these orders: two statements."""
    ids = [order.pk for order in orders]
    items: dict[int, list[tuple[str, str]]] = defaultdict(list)
    carriers: dict[int, list[int]] = defaultdict(list)
    for order_id, sku, category in OrderItem.objects.filter(order_id__in=ids).values_list(
        "order_id", "sku", "product__category"
    ):
        items[order_id].append((sku, category or ""))
    for order_id, carrier_id in Parcel.objects.filter(order_id__in=ids).values_list("order_id", "carrier_id"):
        carriers[order_id].append(carrier_id)
    return {
        order.pk: case_of(
            shop_id=order.shop_id, placed_at=order.placed_at, region=order.region, carrier_ids=carriers[order.pk],
            skus=[sku for sku, _category in items[order.pk]],
            categories=[category for _sku, category in items[order.pk]],
        )
        for order in orders
    }  # fmt: skip


def owe_for_calendar(*, calendar_id: int, is_default: bool, at: datetime) -> PromiseRun | None:
    """Owe new promises after a calendar changed that an active rule counts in."""
    for rule in Rules().rules:
        is_counting = rule.is_transit_working or (rule.is_dispatch_working and rule.dispatch_days)
        if is_counting and (rule.calendar_id == calendar_id or (rule.calendar_id is None and is_default)):
            return owe_reprice(kind=RunKind.RULES, at=at)
    return None

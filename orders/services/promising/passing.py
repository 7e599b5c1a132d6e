"""The moment a promise is due: looked at once, and written down when the order has not arrived."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core.actors import SYSTEM
from core.events import Fact, record_many
from orders.models import DeliveryPromise, Order
from orders.promise_enums import OPEN_STATUSES
from orders.promise_events import PromisePassed

AT_ONCE = 200


@transaction.atomic
def pass_due(*, at: datetime) -> int:
    """Look at promises whose moment has come, the oldest first; return how many. Each is looked at once.

    The fact is dated by the promise itself, however late somebody looks. Orders of the past pass nothing.
    """
    due = DeliveryPromise.objects.filter(looked_at=None, counted_at__lte=at).order_by("counted_at", "pk")
    ids = list(due.values_list("order_id", flat=True)[:AT_ONCE])
    if not ids:
        return 0
    locked = Order.objects.select_for_update(no_key=True, skip_locked=True).filter(pk__in=ids)
    orders = {order.pk: order for order in locked.order_by("pk")}
    rows = DeliveryPromise.objects.select_for_update(no_key=True).filter(
        order_id__in=orders, looked_at=None, counted_at__lte=at
    )
    promises = list(rows.order_by("order_id"))
    facts = []
    for one in promises:
        order, one.looked_at = orders[one.order_id], at
        if order.status in OPEN_STATUSES and not order.is_history:
            one.passed_at = one.counted_at
            data = PromisePassed(one.counted_at)
            facts.append(Fact("order.promise_passed", order, SYSTEM, one.counted_at, data))
    DeliveryPromise.objects.bulk_update(promises, ["looked_at", "passed_at"])
    record_many(facts, origin="live")
    return len(promises)

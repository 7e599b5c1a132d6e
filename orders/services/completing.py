"""Bring orders to their end: completed by the shop, by time, or cancelled."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import connection, transaction

from core.actors import SYSTEM, Actor
from core.errors import NotFound
from core.events import Code, record
from core.live import announce
from orders.enums import OrderStatus
from orders.events import OrderStep
from orders.models import Order
from orders.services.steps import move

logger = logging.getLogger(__name__)
AT_ONCE = 500


def complete_order(*, order_id: int, actor: Actor, at: datetime) -> Order:
    """Complete an order: nothing more is expected of it.

    Raises NotFound, TransitionNotAllowed (the second time too).
    """
    return _end(order_id, OrderStatus.COMPLETED, actor, at)


def cancel_order(*, order_id: int, actor: Actor, at: datetime, reason: str = "") -> Order:
    """Cancel an order that has not arrived. `reason` is a code. Raises NotFound, TransitionNotAllowed."""
    return _end(order_id, OrderStatus.CANCELLED, actor, at, reason)


@transaction.atomic
def _end(order_id: int, to: str, actor: Actor, at: datetime, reason: str = "") -> Order:
    order = Order.objects.select_for_update(no_key=True).filter(pk=order_id).first()
    if order is None:
        raise NotFound
    step, before = move(order, to=to, at=at)
    order.version += 1
    order.updated_at = at
    order.save(update_fields=["status", f"{step}_at", "version", "updated_at"])
    origin = "import" if order.is_history else "live"
    record(
        f"order.{step}", subject=order, actor=actor, at=at, data=OrderStep(Code(before)), reason=reason, origin=origin
    )
    announce(f"order.{order.pk}", "order", order.pk, order.version)
    announce("orders", "order", order.pk, order.version)
    return order


def complete_due_orders(*, at: datetime) -> int:
    """Complete what was delivered long enough ago by its shop's rule; each order by itself, the oldest first.

    Imported history is completed as history: nobody is asked how it went.
    """
    done = 0
    for order_id in _due(at):
        with transaction.atomic():
            order = Order.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=order_id).first()
            if order is not None and order.status == OrderStatus.DELIVERED:
                _end(order_id, OrderStatus.COMPLETED, SYSTEM, at, "time_passed")
                done += 1
    if done:
        logger.info("orders.completed_by_time count=%s", done)
    return done


def _due(at: datetime) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT o.id FROM orders_order o JOIN orders_shop s ON s.id = o.shop_id
                WHERE o.status = 'delivered' AND o.delivered_at <= %s - make_interval(days => s.complete_after_days)
                ORDER BY o.delivered_at, o.id LIMIT %s""",
            [at, AT_ONCE],
        )
        return [row[0] for row in cursor.fetchall()]

"""The one place where orders move: only forward, each step dated once. Parcels move in folding."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core.errors import TransitionNotAllowed
from orders.enums import ORDER_RANK, ORDER_TRANSITIONS, OrderStatus
from orders.models import Order, Parcel

_STEPS = tuple(
    (str(status), f"{status}_at")
    for status in sorted(OrderStatus, key=lambda s: ORDER_RANK[s])
    if status != OrderStatus.PLACED
)


def take_steps(order: Any, told: dict[str, datetime], *, earlier: bool = False) -> list[tuple[str, str]]:
    """Date the steps of an order (row or draft) that were not known yet and move the status forward.

    Returns (step, status before) of each.

    Late news of an earlier step fills in its time and moves nothing. What cannot be (cancelled after delivery,
    completed after cancelling) is left out. With `earlier` a step that is known already takes the earlier of its dates.
    """
    taken = []
    for step, column in _STEPS:
        moment = told.get(step)
        known = getattr(order, column)
        if earlier and moment is not None and known is not None and moment < known:
            setattr(order, column, moment)
        if moment is None or getattr(order, column) is not None or not _can_be(order, step):
            continue
        setattr(order, column, moment)
        before = order.status
        if step in ORDER_TRANSITIONS[before]:
            order.status = step
        taken.append((step, str(before)))
    return taken


def _can_be(order: Any, step: str) -> bool:
    if step == OrderStatus.CANCELLED:
        return order.delivered_at is None and order.completed_at is None
    if step in {OrderStatus.DELIVERED, OrderStatus.COMPLETED}:
        return order.cancelled_at is None
    return True


def move(order: Order, *, to: str, at: datetime) -> tuple[str, str]:
    """Move an order by hand; return (step, status before). Raises TransitionNotAllowed."""
    if to not in ORDER_TRANSITIONS[order.status]:
        raise TransitionNotAllowed(status=str(order.status), to=str(to))
    taken = take_steps(order, {to: at})
    if not taken:
        raise TransitionNotAllowed(status=str(order.status), to=str(to))
    return taken[-1]


def steps_of_parcels(parcels: list[Parcel], *, more_to_come: bool = False) -> dict[str, datetime]:
    """Return what an order's parcels say about it: shipped with the first, delivered with the last, if it is that."""
    told: dict[str, datetime] = {}
    shipped = [p.shipped_at for p in parcels if p.shipped_at is not None]
    if shipped:
        told[OrderStatus.SHIPPED] = min(shipped)
    arrived = [p.delivered_at for p in parcels if p.delivered_at is not None]
    if parcels and len(arrived) == len(parcels) and not more_to_come:
        told[OrderStatus.DELIVERED] = max(arrived)
    return told


def origin_of(order: Any, was_history: bool, at: datetime, origin: str) -> str:
    """Return how news of an order is recorded: of an order of the past, what was before it came to us is history."""
    return "import" if origin == "live" and was_history and at < order.created_at else origin

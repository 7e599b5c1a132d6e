"""Who may see which orders: those of the shops one's teams serve."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet

from accounts.models import ApiKey, Staff
from accounts.permissions import Permission, has, require, sees_only_area, shop_scope
from core.errors import NotFound
from core.kept import Kept
from orders.models import ImportRun, Order, Shop
from orders.slots import ORDER, one_order

Area = Callable[[Staff], QuerySet[Any]]
_areas: list[Area] = []


def register_area(order_ids: Area) -> None:
    """Say which orders (a subquery of ids) belong to a department's area; the tickets app knows."""
    _areas[:] = [order_ids]


def orders_visible_to(staff: Staff | ApiKey) -> QuerySet[Order]:
    """Return the orders of the shops this person or key sees; to another department, those of its area."""
    if isinstance(staff, Staff) and sees_only_area(staff):
        return Order.objects.filter(pk__in=_areas[0](staff)) if _areas else Order.objects.none()
    shops = shop_scope(staff)
    return Order.objects.all() if shops is None else Order.objects.filter(shop_id__in=shops)


def shops_visible_to(staff: Staff | ApiKey) -> QuerySet[Shop]:
    """Return the shops this person or key sees, by name."""
    shops = shop_scope(staff)
    rows = Shop.objects.order_by("name", "pk")
    return rows if shops is None else rows.filter(pk__in=shops)


def get_order_for(staff: Staff, order_id: int, permission: Permission = Permission.ORDER_VIEW) -> Order:
    """Return an order with shop and customer. Raises NotFound when invisible, NotAllowed without the right."""
    require(staff, Permission.ORDER_VIEW)
    order = orders_visible_to(staff).select_related("shop", "customer").filter(pk=order_id).first()
    if order is None:
        raise NotFound
    require(staff, permission)
    return order


def get_panel_order_for(staff: Staff, order_id: int, key: Hashable, told: Callable[[], dict[str, Any]]) -> Order:
    """Return what get_order_for does with the annotations `told`, by a statement written once per scope and `key`."""
    require(staff, Permission.ORDER_VIEW)

    def build(pk: int) -> QuerySet[Order]:
        return orders_visible_to(staff).select_related("shop", "customer").annotate(**told()).filter(pk=pk)

    try:
        if sees_only_area(staff):
            return build(order_id).get()
        shops = shop_scope(staff)
        scope = None if shops is None else tuple(shops)
        found: list[Order] = _beside.instances((scope, key), lambda: build(ORDER.sample), order=order_id)
        return found[0]
    except (EmptyResultSet, Order.DoesNotExist, IndexError):
        raise NotFound from None


_beside = Kept(one_order)


def get_import_for(staff: Staff, run_id: int) -> ImportRun:
    """Return an import of a shop one sees. Raises NotFound, NotAllowed."""
    require(staff, Permission.ORDER_IMPORT)
    shops = shop_scope(staff)
    run = ImportRun.objects.select_related("shop").filter(pk=run_id).first()
    if run is None or (shops is not None and run.shop_id not in shops):
        raise NotFound
    return run


def may_hear_order(staff: Staff, order_id: int | None) -> bool:
    """Say whether one may listen to an order, or to the list (None)."""
    if not has(staff, Permission.ORDER_VIEW):
        return False
    return order_id is None or orders_visible_to(staff).filter(pk=order_id).exists()


def may_hear_import(staff: Staff, run_id: int | None) -> bool:
    """Say whether one may listen to an import."""
    if run_id is None or not has(staff, Permission.ORDER_IMPORT):
        return False
    shops = shop_scope(staff)
    run = ImportRun.objects.filter(pk=run_id).values_list("shop_id", flat=True).first()
    return run is not None and (shops is None or run in shops)

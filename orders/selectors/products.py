"""Products of an order, for those who name one."""

from __future__ import annotations

from orders.models import OrderItem


def order_products(order_id: int | None) -> list[tuple[int, str]]:
    """Return the known products of an order as (id, name), in the order of its lines; none without an order."""
    if order_id is None:
        return []
    rows = OrderItem.objects.filter(order_id=order_id, product__isnull=False).order_by("line")
    return list(dict.fromkeys(rows.values_list("product_id", "product__name")))

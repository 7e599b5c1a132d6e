"""Reads of the orders app used by more than one caller."""

from orders.permissions import get_order_for, orders_visible_to, shops_visible_to
from orders.selectors.carriers import carrier_codes, carrier_ids, carriers, carriers_named
from orders.selectors.finding import (
    find_order,
    find_order_for_contact,
    parcels_by_tracking,
    search_orders,
)
from orders.selectors.products import order_products
from orders.selectors.shops import active_shops, find_shop_by_code, shop_choices, shops_named

__all__ = [
    "active_shops",
    "carrier_codes",
    "carrier_ids",
    "carriers",
    "carriers_named",
    "find_order",
    "find_order_for_contact",
    "find_shop_by_code",
    "get_order_for",
    "order_products",
    "orders_visible_to",
    "parcels_by_tracking",
    "search_orders",
    "shop_choices",
    "shops_named",
    "shops_visible_to",
]

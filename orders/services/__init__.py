"""Every write of the orders app, by noun; import from here."""

from orders.scan_data import ScanData
from orders.services.completing import cancel_order, complete_due_orders, complete_order
from orders.services.data import ItemData, OrderData, ParcelData, PaymentData
from orders.services.scans import add_scan, add_scans
from orders.services.shops import (
    ProductData,
    ShopDraft,
    renew_hook_secret,
    save_carrier,
    save_products,
    save_shop,
)
from orders.services.upserting import upsert_order

__all__ = [
    "ItemData",
    "OrderData",
    "ParcelData",
    "PaymentData",
    "ProductData",
    "ScanData",
    "ShopDraft",
    "add_scan",
    "add_scans",
    "cancel_order",
    "complete_due_orders",
    "complete_order",
    "renew_hook_secret",
    "save_carrier",
    "save_products",
    "save_shop",
    "upsert_order",
]

"""What orders add to the product: navigation, pages, panels, stories, reveals, search, erasure, live groups."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from accounts.models import Staff
from accounts.reveal import register_reveal
from accounts.shops import register_shops
from core import registry
from core.crypto import decrypt
from orders import permissions, selectors
from orders.models import Order
from orders.services.erasing import erase_order_texts
from orders.story import render_import_events, render_order_events, render_parcel_events

registry.register_nav("orders", _("Orders"), "package", "orders:list", 30, Permission.ORDER_VIEW, "g o")
registry.register_settings_page(
    "shops", _("Shops"), _("Name, look, currency, time zone, and when an order counts as done."), "building-store",
    "orders:shops", 5, Permission.SETTINGS_MANAGE,
    group="words",
)  # fmt: skip
registry.register_settings_page(
    "carriers", _("Carriers"), _("Who brings your parcels, and their hotlines."), "truck", "orders:carriers", 6,
    Permission.SETTINGS_MANAGE,
    group="words",
)  # fmt: skip
registry.register_panel("context", "order", "order", _("Order"), "orders:panel", 10, Permission.ORDER_VIEW)
registry.register_panel(
    "context", "customer", "orders", _("All orders"), "orders:customer_panel", 30, Permission.ORDER_VIEW
)
registry.register_panel(
    "customer", "customer", "orders", _("Orders"), "orders:customer_panel", 5, Permission.ORDER_VIEW
)
registry.register_command(
    "orders", _("Open orders"), "package", "orders:list", Permission.ORDER_VIEW, keywords="dingdan"
)
registry.register_command(
    "import_orders", _("Import orders from a file"), "file-import", "orders:imports", Permission.ORDER_IMPORT,
    keywords="daoru csv excel xlsx",
)  # fmt: skip
registry.register_command("shops", _("Shops"), "building-store", "orders:shops", Permission.SETTINGS_MANAGE)
registry.register_story("order.", render_order_events)
registry.register_story("parcel.", render_parcel_events)
registry.register_story("import.", render_import_events)
registry.register_live_group("order", permissions.may_hear_order)
registry.register_live_group("orders", permissions.may_hear_order)
registry.register_live_group("import", permissions.may_hear_import)
registry.register_erasure("orders", erase_order_texts)
register_shops(selectors.shop_choices)


def _order(order_id: int) -> Order | None:
    return Order.objects.filter(pk=order_id).only("phone_enc", "street_enc", "region", "recipient").first()


def _phone(order_id: int) -> str | None:
    order = _order(order_id)
    return decrypt(order.phone_enc) if order and order.phone_enc else None


def _address(order_id: int) -> str | None:
    order = _order(order_id)
    if order is None or not (order.street_enc or order.region):
        return None
    street = decrypt(order.street_enc) if order.street_enc else ""
    return street if street.startswith(order.region) else f"{order.region}{street}"


def _name(order_id: int) -> str | None:
    order = _order(order_id)
    return order.recipient or None if order else None


register_reveal("order", "phone", _phone, permissions.get_order_for)
register_reveal("order", "address", _address, permissions.get_order_for)
register_reveal("order", "name", _name, permissions.get_order_for)


def _search(staff: Staff, text: str, limit: int) -> list[dict[str, Any]]:
    if not staff.may(Permission.ORDER_VIEW):
        return []
    return [
        {
            "icon": "package",
            "title": order.number,
            "hint": f"{order.shop.name} · {order.get_status_display()}",
            "url": reverse("orders:detail", args=[order.pk]),
        }
        for order in selectors.search_orders(staff, text, limit)
    ]


registry.register_search("orders", 20, _search)

from orders import (  # noqa: E402
    carrying_registrations,  # noqa: F401 - wired there
    estimate_registrations,  # noqa: F401
    exception_registrations,  # noqa: F401
    incident_events,  # noqa: F401
    incident_registrations,  # noqa: F401
    notice_registrations,  # noqa: F401
    own_orders,  # noqa: F401
    people_registrations,  # noqa: F401
    promise_registrations,  # noqa: F401
    promotion_registrations,  # noqa: F401
    request_registrations,  # noqa: F401
    source_registrations,  # noqa: F401
    story_registrations,  # noqa: F401
    tracking_registrations,  # noqa: F401
    webhook_payloads,  # noqa: F401
)

"""What shop systems' messages add to the product: their events, and who may hear of new ones."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.models import Staff
from accounts.permissions import Permission, has
from core import registry
from orders import source_events  # noqa: F401 - declared there

registry.register_settings_page(
    "order_sources", _("Where orders come from"),
    _("Connect Shopify or WooCommerce, see what they sent, match carriers."),
    "plug-connected", "orders:sources", 7, Permission.SETTINGS_MANAGE,
    group="words",
)  # fmt: skip
registry.register_command(
    "order_messages", _("Messages of shop systems"), "plug-connected", "orders:messages", Permission.SETTINGS_MANAGE,
    keywords="webhook shopify woocommerce dianpu xiaoxi",
)  # fmt: skip


def _may_hear(staff: Staff, message_id: int | None) -> bool:
    return message_id is None and has(staff, Permission.SETTINGS_MANAGE)


registry.register_command(
    "products",
    _("Products"),
    "package",
    "orders:products",
    Permission.ORDER_VIEW,
    keywords="stock shangpin kucun sp kc",
)
registry.register_live_group("order_messages", _may_hear)

"""What order notices add to the product: their words, reactions, settings page and the card beside an order."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from core import registry
from orders import notice_events, notice_reactions, notice_templates  # noqa: F401 - declared there

registry.register_settings_page(
    "order_notices",
    _("Order notices"),
    _("Which steps of an order customers are told, when, and by which channel first."),
    "bell",
    "orders:notice_settings",
    39,
    Permission.SETTINGS_MANAGE,
    group="words",
)
registry.register_command(
    "order_notices", _("Order notices"), "bell", "orders:notice_settings", Permission.SETTINGS_MANAGE,
    keywords="tongzhi sms wechat push quiet hours miandarao dingdan tz",
)  # fmt: skip
registry.register_panel(
    "order", "order", "notices", _("Told to the customer"), "orders:notices", 20, Permission.ORDER_VIEW
)

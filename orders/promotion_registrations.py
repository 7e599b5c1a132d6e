"""What promotions add to the product: their events, a way to them in the palette, a live group."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from core import registry
from orders import promotion_events  # noqa: F401 - declared there
from orders.selectors.promotions import may_hear_promotions

registry.register_command(
    "promotions", _("Promotions"), "discount", "orders:promotions", Permission.ORDER_VIEW,
    keywords="cuxiao huodong youhui zhekou manjian promotion discount sale",
)  # fmt: skip
registry.register_live_group("promotions", may_hear_promotions)

"""What shop systems' messages add to the product: their events, and who may hear of new ones."""

from __future__ import annotations

from accounts.models import Staff
from accounts.permissions import Permission, has
from core import registry
from orders import source_events  # noqa: F401 - declared there


def _may_hear(staff: Staff, message_id: int | None) -> bool:
    return message_id is None and has(staff, Permission.SETTINGS_MANAGE)


registry.register_live_group("order_messages", _may_hear)

"""Find the invitation behind a link."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q

from core.crypto import hash_token
from feedback.enums import UNANSWERED
from feedback.models import Invitation
from orders.models import Shop


def find_invitation(token: str) -> Invitation | None:
    """Return the invitation a link belongs to, whatever became of it."""
    digest = hash_token(token)
    rows = Invitation.objects.select_related("survey", "asked", "shop", "customer")
    return rows.filter(Q(token_hash=digest) | Q(reminder_hash=digest)).first()


def is_open(invitation: Invitation, at: datetime) -> bool:
    """Tell whether a link can still be answered."""
    return invitation.state in UNANSWERED and invitation.expires_at > at and invitation.customer.erased_at is None


def shop_look(shop: Shop | None) -> dict[str, Any] | None:
    """Return what a customer page shows of a shop."""
    return {"name": shop.name, "colour": shop.color, "phone": shop.contact_phone} if shop else None

"""Promotions, by the services people and shops use."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from core.actors import SYSTEM
from orders.models import Promotion, Shop
from orders.promotion_enums import PromotionSource
from orders.services.promotions import PromotionTold, save_promotion


def told(**fields: Any) -> PromotionTold:
    """Return one promotion as a shop tells it: 20 % off everything since yesterday."""
    starts_at = timezone.now() - timedelta(days=1)
    values = {"code": "P1", "title": "双十一", "starts_at": starts_at, "percent": Decimal(20), **fields}
    return PromotionTold(**values)


def promote(
    shop: Shop, *, at: datetime | None = None, source: PromotionSource = PromotionSource.API, **fields: Any
) -> str:
    """Have a shop tell of a promotion; return what became of it."""
    return save_promotion(shop=shop, told=told(**fields), source=source, actor=SYSTEM, at=at or timezone.now())


def make_promotion(shop: Shop, *, at: datetime | None = None, **fields: Any) -> Promotion:
    """Have a shop tell of a promotion and return it."""
    promote(shop, at=at, **fields)
    return Promotion.objects.get(shop=shop, code=fields.get("code", "P1"))

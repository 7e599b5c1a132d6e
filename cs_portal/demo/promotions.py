"""The demo's promotions: one that ran, two that run, one to come, one that was changed by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from core.actors import SYSTEM, Actor
from cs_portal.demo.people import Cast
from orders.models import Promotion
from orders.promotion_enums import PromotionSource
from orders.services.promotions import PromotionTold, add_promotion, change_promotion, save_promotion

DAY = timedelta(days=1)


def tell_promotions(cast: Cast, now: datetime) -> None:
    """Have both shops tell of theirs in time, and the supervisor make one and lengthen another."""
    sunny, bedding = cast.shops["sunny"], cast.shops["bedding"]
    boss = Actor.staff(cast.staff["supervisor@demo.example"])
    today = now.astimezone(ZoneInfo(sunny.timezone)).replace(hour=0, minute=0, second=0, microsecond=0)
    kitchen = ("MUG-01", "MUG-02", "TEA-11", "CUP-07")
    autumn = PromotionTold(
        "P-AUTUMN", "秋日焕新", today - 40 * DAY, today - 12 * DAY, percent=Decimal(15), skus=kitchen
    )
    lamps = PromotionTold("P-LAMP", "暖灯专场", today - 9 * DAY, today + 2 * DAY, percent=Decimal(12), skus=("LMP-03",))
    goose = PromotionTold(
        "P-DUVET", "冬被直降", today - 6 * DAY, today + 9 * DAY, price=Decimal(1099), skus=("DUV-90",)
    )
    coming = PromotionTold("P-YEAREND", "年终大促", today + 12 * DAY, today + 20 * DAY, percent=Decimal(25))
    for shop, told, told_at, source in (
        (sunny, autumn, today - 42 * DAY, PromotionSource.API),
        (sunny, lamps, today - 10 * DAY, PromotionSource.API),
        (bedding, goose, today - 7 * DAY, PromotionSource.FILE),
        (sunny, coming, now - DAY, PromotionSource.FILE),
    ):
        save_promotion(shop=shop, told=told, source=source, actor=SYSTEM, at=told_at)
    thanks = PromotionTold("H-THANKS", "老客回馈", today - 3 * DAY, None, percent=Decimal(5))
    add_promotion(shop=sunny, told=thanks, actor=boss, at=today - 3 * DAY)
    longer = PromotionTold(
        lamps.code, lamps.title, lamps.starts_at, today + 5 * DAY, percent=Decimal(20), skus=lamps.skus
    )
    one = Promotion.objects.get(shop=sunny, code=lamps.code)
    change_promotion(promotion_id=one.pk, version=1, told=longer, actor=boss, at=now - 2 * DAY)

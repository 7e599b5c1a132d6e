"""Promotions: as shops tell them by API and file, and as people make, change and end them by hand.

Every change adds a version, so that what ran when an order was placed can be said later. The shop is the master: its
newest word replaces what a person changed. The same word told again (a nightly file) does not.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.actors import Actor, ActorType
from core.errors import InvalidInput, NotFound, StaleEdit, Text
from core.events import record
from core.inserting import insert_once
from core.live import announce
from orders.models import Promotion, PromotionVersion, Shop
from orders.promotion_enums import PromotionSource
from orders.promotion_events import PromotionEnded
from orders.services.data import TOP, clean_line
from orders.source_events import PromotionSaved

TERMS = ("title", "skus", "price", "percent", "starts_at", "ends_at", "is_active")
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class PromotionTold:
    """One promotion: a price or a percentage off, for some article numbers or (none) all, for a while."""

    code: str
    title: str
    starts_at: datetime
    ends_at: datetime | None = None
    price: Decimal | None = None
    percent: Decimal | None = None
    skus: tuple[str, ...] = ()
    is_active: bool = True


@transaction.atomic
def save_promotion(*, shop: Shop, told: PromotionTold, source: PromotionSource, actor: Actor, at: datetime) -> str:
    """Take in what a shop's system or file tells; return "new", "changed" or "same". Raises InvalidInput."""
    values = check_promotion(told)
    code, told_hash = values.pop("code"), _hash(values)
    fresh = Promotion(shop=shop, code=code, source=source, told_hash=told_hash, **values)
    if _is_added(fresh, source, actor, at):
        return "new"
    promotion = Promotion.objects.select_for_update(no_key=True).get(shop=shop, code=code)
    if promotion.told_hash == told_hash:
        return "same"
    promotion.told_hash = told_hash
    if not _changed(promotion, values):
        promotion.save(update_fields=["told_hash"])
        return "same"
    _change(promotion, values, source, actor, at)
    _record_saved(promotion, actor, at, is_new=False)
    return "changed"


def compare_promotion(have: Promotion | None, told: PromotionTold) -> str:
    """Return what save_promotion would make of it: new, changed or same. Raises InvalidInput."""
    if have is None:
        return "new"
    values = check_promotion(told)
    del values["code"]
    return "same" if have.told_hash == _hash(values) or not _changed(have, values) else "changed"


@transaction.atomic
def add_promotion(*, shop: Shop, told: PromotionTold, actor: Actor, at: datetime) -> Promotion:
    """Make a promotion by hand. Raises InvalidInput, also when the shop has one with this number."""
    fresh = Promotion(shop=shop, source=PromotionSource.HAND, **check_promotion(told))
    if not _is_added(fresh, PromotionSource.HAND, actor, at):
        raise InvalidInput(fields={"code": [_("The shop has a promotion with this number already.")]})
    return fresh


@transaction.atomic
def change_promotion(
    *, promotion_id: int, version: int | None, told: PromotionTold, actor: Actor, at: datetime
) -> Promotion:
    """Change what a promotion says; shop and number stay.

    Raises InvalidInput, NotFound, StaleEdit with what differs.
    """
    promotion = _lock(promotion_id)
    values = check_promotion(told)
    del values["code"]
    changed = _changed(promotion, values)
    if changed and promotion.version != version:
        raise StaleEdit(
            changes=[{"field": name, "yours": values[name], "theirs": getattr(promotion, name)} for name in changed]
        )
    if changed:
        _change(promotion, values, PromotionSource.HAND, actor, at)
        _record_saved(promotion, actor, at, is_new=False)
    return promotion


@transaction.atomic
def end_promotion(*, promotion_id: int, version: int | None, actor: Actor, at: datetime) -> bool:
    """End a promotion now, or call it off before it begins; return False when it was over already.

    Raises NotFound, StaleEdit when it was changed since it was looked at.
    """
    promotion = _lock(promotion_id)
    if promotion.state_at(at) == "ended":
        return False
    if promotion.version != version:
        raise StaleEdit(_("Someone changed this promotion meanwhile. Look at it, then end it if it still should."))
    over = {"ends_at": at} if promotion.starts_at < at else {"is_active": False}
    _change(promotion, over, PromotionSource.HAND, actor, at)
    event = PromotionEnded(promotion.pk, promotion.version)
    record("shop.promotion_ended", subject=promotion, actor=actor, at=at, data=event)
    return True


def _lock(promotion_id: int) -> Promotion:
    found = Promotion.objects.select_for_update(no_key=True).filter(pk=promotion_id).first()
    if found is None:
        raise NotFound
    return found


def _is_added(fresh: Promotion, source: PromotionSource, actor: Actor, at: datetime) -> bool:
    """Add a promotion unless it is there, or is added by somebody else at this moment."""
    fresh.terms_source = source
    if not insert_once(fresh):
        return False
    _keep_version(fresh, source, actor, at)
    _record_saved(fresh, actor, at, is_new=True)
    return True


def _changed(promotion: Promotion, values: dict[str, Any]) -> list[str]:
    return [name for name, value in values.items() if getattr(promotion, name) != value]


def _change(promotion: Promotion, values: dict[str, Any], source: PromotionSource, actor: Actor, at: datetime) -> None:
    for name, value in values.items():
        setattr(promotion, name, value)
    promotion.version += 1
    promotion.terms_source = source
    promotion.save(update_fields=[*TERMS, "version", "terms_source", "told_hash"])
    _keep_version(promotion, source, actor, at)


def _keep_version(promotion: Promotion, source: PromotionSource, actor: Actor, at: datetime) -> None:
    """Add what it says now to its history, and have open pages look again."""
    terms = {name: getattr(promotion, name) for name in TERMS}
    PromotionVersion.objects.create(
        promotion=promotion, version=promotion.version, source=source, told_at=at,
        by_id=actor.id if actor.type == ActorType.STAFF else None, **terms,
    )  # fmt: skip
    announce("promotions", "promotion", promotion.pk)
    announce(f"promotions.{promotion.shop_id}", "promotion", promotion.pk)


def _record_saved(promotion: Promotion, actor: Actor, at: datetime, *, is_new: bool) -> None:
    event = PromotionSaved(promotion.pk, is_new)
    record("shop.promotion_saved", subject=promotion, actor=actor, at=at, data=event)


def _hash(values: dict[str, Any]) -> str:
    """Return what tells one word of a shop from another, the same however it writes amounts and zones."""
    told = {
        "title": values["title"], "skus": values["skus"], "is_active": values["is_active"],
        **{name: None if values[name] is None else str(values[name].quantize(CENT)) for name in ("price", "percent")},
        **{
            name: None if values[name] is None else values[name].astimezone(UTC).isoformat()
            for name in ("starts_at", "ends_at")
        },
    }  # fmt: skip
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def check_promotion(told: PromotionTold) -> dict[str, Any]:
    """Return a promotion's values as they are kept. Raises InvalidInput."""
    fields: dict[str, list[Text]] = {}
    code, title = clean_line(told.code), clean_line(told.title)
    if not 1 <= len(code) <= 64:
        fields["code"] = [_("A code has 1 to 64 characters.")]
    if not 1 <= len(title) <= 120:
        fields["title"] = [_("Give a title of at most 120 characters.")]
    if (told.price is None) == (told.percent is None):
        fields["price"] = [_("Give either a price or a percentage off.")]
    if told.price is not None and not 0 <= told.price <= TOP:
        fields["price"] = [_("An amount cannot be negative.")]
    if told.price is not None and not told.skus:
        fields["skus"] = [_("A fixed price needs the products it is for.")]
    if told.percent is not None and not 0 < told.percent <= 100:
        fields["percent"] = [_("A percentage is more than 0 and at most 100.")]
    if told.ends_at is not None and told.ends_at <= told.starts_at:
        fields["ends_at"] = [_("It has to end after it starts.")]
    skus = list(dict.fromkeys(clean_line(sku) for sku in told.skus))
    if any(not 1 <= len(sku) <= 64 for sku in skus):
        fields["skus"] = [_("An article number has 1 to 64 characters.")]
    if fields:
        raise InvalidInput(fields=fields)
    return {
        "code": code, "title": title, "skus": skus, "price": told.price, "percent": told.percent,
        "starts_at": told.starts_at, "ends_at": told.ends_at, "is_active": told.is_active,
    }  # fmt: skip

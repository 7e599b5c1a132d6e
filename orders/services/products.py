"""Products with price and stock, and promotions, as a shop tells them; older news never overwrites newer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.errors import InvalidInput, Text
from core.events import record
from orders.models import Product, Promotion, Shop
from orders.services.data import TOP, clean_line
from orders.source_events import PromotionSaved

AHEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ProductTold:
    """What a shop tells of one product; None and "" = not told. `stock_at`: when it was counted."""

    sku: str
    name: str = ""
    category: str = ""
    price: Decimal | None = None
    currency: str = ""
    stock: int | None = None
    stock_at: datetime | None = None
    is_active: bool | None = None


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
def upsert_product(*, shop: Shop, told: ProductTold, at: datetime) -> str:
    """Take in what is told of a product; return "new", "changed" or "same". Raises InvalidInput.

    A stock that was counted before the one we know is left out; the other fields follow the latest word.
    """
    values = _check_product(told, shop, at)
    sku = values.pop("sku")
    stocked: dict[str, Any] = {name: values.pop(name) for name in ("stock", "stock_at") if name in values}
    fresh = Product(shop=shop, sku=sku, **{"name": sku, "currency": shop.currency, **values}, **stocked)
    if _is_added(fresh, Product.objects.filter(shop=shop, sku=sku)):
        return "new"
    product = Product.objects.select_for_update(no_key=True).get(shop=shop, sku=sku)
    if stocked and (product.stock_at is None or stocked["stock_at"] > product.stock_at):
        values |= stocked
    changed = [name for name, value in values.items() if getattr(product, name) != value]
    for name in changed:
        setattr(product, name, values[name])
    if changed:
        product.save(update_fields=changed)
    return "changed" if set(changed) - {"stock_at"} else "same"  # the same stock counted anew is no change


def _is_added(fresh: Model, same: QuerySet[Any]) -> bool:
    """Add a row unless it is there, or is added by somebody else at this moment."""
    if same.exists():
        return False
    try:
        with transaction.atomic():
            fresh.save(force_insert=True)
    except IntegrityError:
        return False
    return True


def _check_product(told: ProductTold, shop: Shop, at: datetime) -> dict[str, Any]:
    fields: dict[str, list[Text]] = {}
    values: dict[str, Any] = {"sku": clean_line(told.sku)}
    if not 1 <= len(values["sku"]) <= 64:
        fields["sku"] = [_("An article number has 1 to 64 characters.")]
    for name, limit in (("name", 200), ("category", 64)):
        if text := clean_line(getattr(told, name)):
            values[name] = text
            if len(text) > limit:
                fields[name] = [_("At most %(max)s characters.") % {"max": limit}]
    if told.price is not None:
        values["price"] = told.price
        if not 0 <= told.price <= TOP:
            fields["price"] = [_("An amount cannot be negative.")]
    if told.currency:
        values["currency"] = told.currency.upper()
        if len(told.currency) != 3 or not told.currency.isascii() or not told.currency.isalpha():
            fields["currency"] = [_("A currency code has three letters, such as CNY.")]
    if told.stock is not None:
        values |= {"stock": told.stock, "stock_at": told.stock_at or at}
        if not -1_000_000_000 <= told.stock <= 1_000_000_000:
            fields["stock"] = [_("A whole number of at most a thousand million.")]
        if values["stock_at"] > at + AHEAD:
            fields["stock_at"] = [_("This date lies in the future.")]
    if told.is_active is not None:
        values["is_active"] = told.is_active
    if fields:
        raise InvalidInput(fields=fields)
    return values


@transaction.atomic
def save_promotion(*, shop: Shop, told: PromotionTold, actor: Actor, at: datetime) -> str:
    """Add or change a promotion by the shop's own code; return "new", "changed" or "same". Raises InvalidInput."""
    values = check_promotion(told)
    code = values.pop("code")
    fresh = Promotion(shop=shop, code=code, **values)
    is_new = _is_added(fresh, Promotion.objects.filter(shop=shop, code=code))
    promotion = Promotion.objects.select_for_update(no_key=True).get(shop=shop, code=code)
    changed = [name for name, value in values.items() if getattr(promotion, name) != value]
    if not is_new and not changed:
        return "same"
    for name in changed:
        setattr(promotion, name, values[name])
    promotion.save()
    record("shop.promotion_saved", subject=promotion, actor=actor, at=at, data=PromotionSaved(promotion.pk, is_new))
    return "new" if is_new else "changed"


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


def take_products(
    *, shop: Shop, products: Sequence[ProductTold], at: datetime
) -> list[tuple[str, dict[str, list[Text]]]]:
    """Take many products in, each on its own; return (result, what is wrong) of each in the order they were told."""
    results: dict[int, tuple[str, dict[str, list[Text]]]] = {}
    for index, told in sorted(enumerate(products), key=lambda row: row[1].sku):  # locks in one order
        try:
            results[index] = (upsert_product(shop=shop, told=told, at=at), {})
        except InvalidInput as error:
            results[index] = ("error", error.fields)
    return [results[index] for index in range(len(products))]

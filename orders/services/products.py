"""Products with price and stock, as a shop tells them; older news never overwrites newer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _

from core.errors import InvalidInput, Text
from orders.models import Product, Shop
from orders.services.data import TOP, clean_line

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

"""Products with price and stock from a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from orders.models import ImportRun, Product
from orders.services.products import ProductTold, upsert_product


def compare_products(run: ImportRun, told: Sequence[ProductTold]) -> list[str]:
    """Return what each would be: new, changed or same. One statement."""
    known = {p.sku: p for p in Product.objects.filter(shop_id=run.shop_id, sku__in=[one.sku for one in told])}
    return [_compare(one, known.get(one.sku), run) for one in told]


def _compare(told: ProductTold, have: Product | None, run: ImportRun) -> str:
    if have is None:
        return "new"
    fields = (
        ("name", told.name), ("category", told.category), ("price", told.price), ("currency", told.currency.upper()),
        ("is_active", told.is_active),
    )  # fmt: skip
    differs = any(value not in {None, ""} and getattr(have, name) != value for name, value in fields)
    counted_at = told.stock_at or run.created_at
    if told.stock is not None and told.stock != have.stock:
        differs = differs or have.stock_at is None or counted_at > have.stock_at
    return "changed" if differs else "same"


def take_product(run: ImportRun, told: ProductTold, *, at: datetime) -> str:
    """Take one product in; a stock without a date was counted when the file was brought. Raises InvalidInput."""
    return upsert_product(shop=run.shop, told=told, at=run.created_at)

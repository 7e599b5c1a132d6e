"""Products: those of an order, the catalogue, and what is known of each now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import Q, QuerySet

from accounts.models import ApiKey, Staff
from core.errors import NotFound
from orders.models import OrderItem, Product, Promotion
from orders.permissions import shops_visible_to

PAGE = 50
CENT = Decimal("0.01")


def order_products(order_id: int | None) -> list[tuple[int, str]]:
    """Return the known products of an order as (id, name), in the order of its lines; none without an order."""
    if order_id is None:
        return []
    rows = OrderItem.objects.filter(order_id=order_id, product__isnull=False).order_by("line")
    return list(dict.fromkeys(rows.values_list("product_id", "product__name")))


@dataclass(frozen=True, slots=True)
class ProductFacts:
    """What holds of a product now: its promotions in force, and the lowest price of these and its own."""

    product: Product
    promotions: list[Promotion] = field(default_factory=list)
    price: Decimal | None = None

    @property
    def is_reduced(self) -> bool:
        """Say whether a promotion makes it cheaper than its own price."""
        return self.price is not None and self.product.price is not None and self.price < self.product.price


def facts_of(products: Iterable[Product], now: datetime) -> list[ProductFacts]:
    """Return what holds now of these products; one query."""
    told = list(products)
    if not told:
        return []
    rows = promotions_in_force({product.shop_id for product in told}, now)
    for_all = [row for row in rows if not row.skus]
    by_sku: dict[tuple[int, str], list[Promotion]] = {}
    for row in rows:
        for sku in row.skus:
            by_sku.setdefault((row.shop_id, sku), []).append(row)
    facts = []
    for product in told:
        own = by_sku.get((product.shop_id, product.sku), [])
        found = [*own, *(row for row in for_all if row.shop_id == product.shop_id)]
        facts.append(fact_of(product, found))
    return facts


def fact_of(product: Product, promotions: list[Promotion]) -> ProductFacts:
    """Return what holds of a product by these promotions; no query."""
    return ProductFacts(product, promotions, _price(product, promotions))


def product_facts(product_ids: Iterable[int], now: datetime) -> dict[int, ProductFacts]:
    """Return what holds now of each of these products, by id; two queries."""
    found = facts_of(Product.objects.filter(pk__in=list(product_ids)), now)
    return {one.product.pk: one for one in found}


def promotions_in_force(shop_ids: Iterable[int], now: datetime) -> list[Promotion]:
    """Return the promotions of these shops that hold now, those that end first before the others."""
    rows = Promotion.objects.filter(shop_id__in=list(shop_ids), is_active=True, starts_at__lte=now)
    return list(rows.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=now)).order_by("ends_at", "pk")[:2000])


def _price(product: Product, promotions: list[Promotion]) -> Decimal | None:
    offers = [row.price for row in promotions if row.price is not None]
    if product.price is None:
        return min(offers, default=None)
    cut = [(product.price * (100 - row.percent) / 100) for row in promotions if row.percent is not None]
    return min([product.price, *offers, *(price.quantize(CENT, ROUND_HALF_UP) for price in cut)])


def products_visible_to(reader: Staff | ApiKey) -> QuerySet[Product]:
    """Return the products of the shops this person or key sees."""
    return Product.objects.filter(shop__in=shops_visible_to(reader)).select_related("shop")


def find_products(
    reader: Staff | ApiKey, *, text: str = "", shop_id: int | None = None, stock: str = ""
) -> QuerySet[Product]:
    """Return products by words of their name or number, shop, and stock ("out", "low": at most five), by name."""
    rows = products_visible_to(reader)
    for word in text.split()[:5]:
        rows = rows.filter(Q(name__icontains=word) | Q(sku__icontains=word))
    if shop_id:
        rows = rows.filter(shop_id=shop_id)
    if stock == "out":
        rows = rows.filter(stock__lte=0)
    elif stock == "low":
        rows = rows.filter(stock__range=(1, 5))
    return rows.order_by("name", "pk")


def get_product_for(staff: Staff, product_id: int) -> Product:
    """Return a product of a shop one sees. Raises NotFound."""
    product = products_visible_to(staff).filter(pk=product_id).first()
    if product is None:
        raise NotFound
    return product

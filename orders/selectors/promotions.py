"""Promotions: the list, one with its versions, and what ran when an order was placed beside what runs now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.models import ApiKey, Staff
from accounts.permissions import Permission, has, require, shop_scope
from core.errors import NotFound
from orders.models import Order, OrderItem, Product, Promotion, PromotionVersion
from orders.permissions import shops_visible_to
from orders.selectors.products import ProductFacts, fact_of, promotions_in_force

PAGE = 50
MOST = 2000
STATES = ("running", "coming", "ended")


def promotions_visible_to(reader: Staff | ApiKey) -> QuerySet[Promotion]:
    """Return the promotions of the shops this person or key sees."""
    return Promotion.objects.filter(shop__in=shops_visible_to(reader)).select_related("shop")


def get_promotion_for(staff: Staff, promotion_id: int, permission: Permission = Permission.ORDER_VIEW) -> Promotion:
    """Return a promotion of a shop one sees. Raises NotFound, NotAllowed without the right."""
    require(staff, Permission.ORDER_VIEW)
    found = promotions_visible_to(staff).filter(pk=promotion_id).first()
    if found is None:
        raise NotFound
    require(staff, permission)
    return found


def may_hear_promotions(staff: Staff, shop_id: int | None) -> bool:
    """Say whether one may listen to a shop's promotions, or to the list (None)."""
    if not has(staff, Permission.ORDER_VIEW):
        return False
    shops = shop_scope(staff)
    return shop_id is None or shops is None or shop_id in shops


def find_promotions(
    reader: Staff | ApiKey, *, now: datetime, text: str = "", shop_id: int | None = None, state: str = ""
) -> QuerySet[Promotion]:
    """Return promotions by words of their title or number or a whole article number, shop and state, newest first."""
    rows = promotions_visible_to(reader)
    for word in text.split()[:5]:
        rows = rows.filter(Q(title__icontains=word) | Q(code__icontains=word) | Q(skus__contains=[word]))
    if shop_id:
        rows = rows.filter(shop_id=shop_id)
    over = Q(is_active=False) | Q(ends_at__lte=now)
    if state == "ended":
        rows = rows.filter(over)
    elif state == "running":
        rows = rows.exclude(over).filter(starts_at__lte=now)
    elif state == "coming":
        rows = rows.exclude(over).filter(starts_at__gt=now)
    return rows.order_by("-starts_at", "-pk")


def versions_of(promotion: Promotion) -> QuerySet[PromotionVersion]:
    """Return what it said and says, the newest first."""
    return PromotionVersion.objects.filter(promotion=promotion).order_by("-version")


def products_of(promotion: Promotion, limit: int = 50) -> tuple[list[Product], list[str]]:
    """Return the first products it names, and all its numbers that are not in the shop's catalogue."""
    if not promotion.skus:
        return [], []
    rows = Product.objects.filter(shop_id=promotion.shop_id, sku__in=promotion.skus)
    known = set(rows.values_list("sku", flat=True))
    return list(rows.order_by("name", "pk")[:limit]), [sku for sku in promotion.skus if sku not in known]


@dataclass(frozen=True, slots=True)
class Ran:
    """A promotion as it ran at a moment; `is_late` = we were told of it only afterwards, `now` how it stands today."""

    terms: PromotionVersion
    is_late: bool
    now: str


@dataclass(frozen=True, slots=True)
class Offer:
    """An item of an order: the promotions it could be had by when the order was placed, and what holds now."""

    item: OrderItem
    ran: list[Ran] = field(default_factory=list)
    fact: ProductFacts | None = None
    runs: list[Promotion] = field(default_factory=list)


def offers_of(staff: Staff, order: Order, now: datetime) -> list[Offer]:
    """Return for each item of an order what ran when it was placed and what runs now; three queries.

    Without the shop in one's scope there is nothing, as in the catalogue.
    """
    shops = shop_scope(staff)
    if shops is not None and order.shop_id not in shops:
        return []
    items = list(OrderItem.objects.filter(order_id=order.pk).select_related("product").order_by("line"))
    numbers = {item.pk: item.product.sku if item.product else item.sku for item in items}
    running = promotions_in_force([order.shop_id], now)
    ran = [
        Ran(terms, terms.told_at is not None and terms.told_at > order.placed_at, terms.promotion.state_at(now))
        for terms in terms_at(order.shop_id, order.placed_at, numbers.values())
    ]
    offers = []
    for item in items:
        sku = numbers[item.pk]
        runs = [one for one in running if one.is_for(sku)]
        then = [one for one in ran if one.terms.is_for(sku)]
        offers.append(Offer(item, then, fact_of(item.product, runs) if item.product else None, runs))
    return offers


def terms_at(shop_id: int, moment: datetime, skus: Iterable[str]) -> list[PromotionVersion]:
    """Return the promotions of a shop that ran at a moment for any of these articles, as they were then; one query.

    What we knew at the moment decides. Where nothing we knew then covers it, the first word of it that came later
    does: a shop may tell of its promotions after they began.
    """
    rows = PromotionVersion.objects.filter(promotion__shop_id=shop_id)
    known_later = rows.filter(promotion=OuterRef("promotion"), version__gt=OuterRef("version"), told_at__lte=moment)
    covering = rows.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=moment), starts_at__lte=moment)
    covering = covering.filter(Q(told_at__gt=moment) | ~Exists(known_later))
    first = covering.order_by("promotion_id", "version").distinct("promotion_id").values("pk")
    found = PromotionVersion.objects.filter(pk__in=first, is_active=True).select_related("promotion")
    found = found.filter(Q(skus=[]) | Q(skus__overlap=[sku for sku in set(skus) if sku]))
    return list(found.order_by(F("ends_at").asc(nulls_last=True), "pk")[:MOST])

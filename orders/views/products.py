"""The catalogue: what a shop sells, what is left of it, what it costs now."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.permissions import Permission, StaffRequest, staff_page
from core.http import render_page
from orders.permissions import get_order_for, shops_visible_to
from orders.promotion_words import offer_rows
from orders.selectors.products import (
    PAGE,
    facts_of,
    find_products,
    get_product_for,
)
from orders.selectors.promotions import offers_of
from orders.views.incidents import number_in

LIST, DETAIL = "orders/products/list.html", "orders/products/product.html"
STOCKS = ("out", "low")


@staff_page(Permission.ORDER_VIEW)
@require_safe
def product_list(request: StaffRequest) -> HttpResponse:
    """List the products of the shops one sees, with stock and what they cost now."""
    kept = {name: request.GET.get(name, "").strip()[:80] for name in ("q", "shop", "stock")}
    kept["stock"] = kept["stock"] if kept["stock"] in STOCKS else ""
    rows = find_products(request.user, text=kept["q"], shop_id=number_in(kept["shop"]), stock=kept["stock"])
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    base = reverse("orders:products")
    told = {name: value for name, value in kept.items() if value}
    context: dict[str, Any] = {
        "facts": facts_of(page.object_list, timezone.now()),
        "kept": kept,
        "shops": list(shops_visible_to(request.user)),
        "total": page.paginator.count,
        "prev_url": f"{base}?{urlencode({**told, 'page': page.previous_page_number()})}" if page.has_previous() else "",
        "next_url": f"{base}?{urlencode({**told, 'page': page.next_page_number()})}" if page.has_next() else "",
    }
    return render_page(request, LIST, context, fragment="products")


@staff_page(Permission.ORDER_VIEW)
@require_safe
def product(request: StaffRequest, product_id: int) -> HttpResponse:
    """Show one product."""
    found = get_product_for(request.user, product_id)
    return render_page(request, DETAIL, {"fact": facts_of([found], timezone.now())[0]})


@staff_page(Permission.ORDER_VIEW)
@require_safe
def order_facts(request: StaffRequest, order_id: int) -> HttpResponse:
    """Show stock, price and promotions of an order's items, when it was placed and now: a fragment for panels."""
    order = get_order_for(request.user, order_id)
    rows = offer_rows(offers_of(request.user, order, timezone.now()), order.shop)
    # in a place that listens itself, the list need not
    context = {"order": order, "rows": rows, "is_held": "held" in request.GET}
    return render_page(request, "orders/products/of_order.html", context, fragment="panel")

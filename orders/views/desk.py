"""The order list, an order's page, and the fragments beside a conversation."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q, QuerySet, prefetch_related_objects
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, has, staff_page
from core import registry
from core.actors import Actor
from core.crypto import CannotDecrypt, decrypt
from core.errors import NotFound
from core.http import fragment_or_redirect, render_page
from core.text import mask_name, mask_phone
from customers.selectors import aliases_of
from orders import services
from orders.enums import ORDER_TRANSITIONS, OrderStatus
from orders.estimate_enums import COMING
from orders.models import Order
from orders.permissions import get_order_for, get_panel_order_for, orders_visible_to, shops_visible_to
from orders.promise_enums import OPEN_STATUSES
from orders.selectors import search_orders
from orders.selectors.promises import find_promise_told
from orders.selectors.told import ITEMS_TOLD, parcels_told
from orders.story import carrier_name, lifeline_of
from orders.views.stream import brief_rows, stream_context

PAGE_SIZE = 50
LIST, DETAIL, PANEL = "orders/list.html", "orders/detail.html", "orders/panel.html"
FILTERS = ("q", "status", "shop", "from", "to")

METHODS = {
    "wechat": _("WeChat Pay"),
    "alipay": _("Alipay"),
    "card": _("Card"),
    "unionpay": _("UnionPay"),
    "paypal": "PayPal",
}


@staff_page(Permission.ORDER_VIEW)
@require_safe
def order_list(request: StaffRequest) -> HttpResponse:
    """List visible orders, newest first, by status, shop, days or what one has in hand; the address keeps them."""
    kept = filters_of(request)
    shops = list(shops_visible_to(request.user))
    wanted = kept.get("q", "")
    rows = search_orders(request.user, wanted, PAGE_SIZE) if wanted else _page(request, kept)
    if wanted:
        rows = [order for order in rows if _fits(order, kept)]
    next_url = ""
    if len(rows) > PAGE_SIZE:
        rows = rows[:PAGE_SIZE]
        next_url = "?" + urlencode(kept | {"before": f"{rows[-1].placed_at.timestamp():.6f}_{rows[-1].pk}"})
    context = {
        "orders": [_row(order) for order in _with_parcels(rows)],
        "kept": kept,
        "shops": shops,
        "statuses": [
            {"value": status.value, "label": status.label, "url": _chip(kept, status.value)} for status in OrderStatus
        ],
        "all_url": _chip(kept, ""),
        "next_url": next_url,
        "first_url": "?" + urlencode(kept) if "before" in request.GET else "",
        "may_import": has(request.user, Permission.ORDER_IMPORT),
        "export_url": f"{reverse('orders:export')}?{urlencode(kept)}" if has(request.user, Permission.EXPORT) else "",
    }
    return render_page(request, LIST, context, fragment="orders")


def _chip(kept: dict[str, str], status: str) -> str:
    rest = {name: value for name, value in kept.items() if name != "status"} | ({"status": status} if status else {})
    return "?" + urlencode(rest)


def filters_of(request: StaffRequest) -> dict[str, str]:
    """Return the filters the address keeps."""
    return {name: value for name in FILTERS if (value := request.GET.get(name, "").strip())}


def filtered_orders(request: StaffRequest, kept: dict[str, str]) -> QuerySet[Order]:
    """Return the visible orders by status, shop and days."""
    rows = orders_visible_to(request.user)
    if kept.get("status") in OrderStatus.values:
        rows = rows.filter(status=kept["status"])
    if (shop := kept.get("shop", "")).isdecimal() and len(shop) < 18:
        rows = rows.filter(shop_id=int(shop))
    if since := _day(kept.get("from")):
        rows = rows.filter(placed_at__gte=since)
    if until := _day(kept.get("to"), end=True):
        rows = rows.filter(placed_at__lte=until)
    return rows


def _page(request: StaffRequest, kept: dict[str, str]) -> list[Order]:
    rows = filtered_orders(request, kept)
    if cursor := _cursor(request.GET.get("before", "")):
        moment, pk = cursor
        # the first condition says nothing more, but lets the index begin there
        rows = rows.filter(Q(placed_at__lt=moment) | Q(placed_at=moment, pk__lt=pk), placed_at__lte=moment)
    return list(rows.select_related("shop").order_by("-placed_at", "-pk")[: PAGE_SIZE + 1])


def _fits(order: Order, kept: dict[str, str]) -> bool:
    return order.status == kept.get("status", order.status) and str(order.shop_id) == kept.get(
        "shop", str(order.shop_id)
    )


def _with_parcels(rows: list[Order]) -> list[Order]:
    prefetch_related_objects(rows, "parcels")
    return rows


def _row(order: Order) -> dict[str, Any]:
    parcels = sorted(order.parcels.all(), key=lambda parcel: parcel.pk)
    return {
        "order": order,
        "who": mask_name(order.recipient),
        "parcels": [{"status": p.status, "label": p.get_status_display(), "place": p.place} for p in parcels[:2]],
        "more": max(0, len(parcels) - 2),
    }


def _day(text: str | None, *, end: bool = False) -> datetime | None:
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    moment = datetime.combine(day, time.max if end else time.min, ZoneInfo(settings.BUSINESS_TIME_ZONE))
    return moment if 1970 < day.year < 2200 else None


def _cursor(text: str) -> tuple[datetime, int] | None:
    moment, _underline, pk = text.partition("_")
    try:
        return datetime.fromtimestamp(float(moment), tz=ZoneInfo("UTC")), int(pk)
    except (ValueError, OverflowError, OSError):
        return None


@staff_page(Permission.ORDER_VIEW)
@require_safe
def order_page(request: StaffRequest, order_id: int) -> HttpResponse:
    """Show one order: where its parcels are, everything that happened, what is in it, who gets it."""
    order = get_order_for(request.user, order_id)
    return render_page(request, DETAIL, _context(request, order), fragment="order")


@staff_page(Permission.ORDER_EDIT)
@require_POST
def complete(request: StaffRequest, order_id: int) -> HttpResponse:
    """Complete an order by hand."""
    order = get_order_for(request.user, order_id, Permission.ORDER_EDIT)
    services.complete_order(order_id=order.pk, actor=Actor.staff(request.user), at=timezone.now())
    return _done(request, order_id, _("The order is completed."))


@staff_page(Permission.ORDER_EDIT)
@require_POST
def cancel(request: StaffRequest, order_id: int) -> HttpResponse:
    """Cancel an order that has not arrived."""
    order = get_order_for(request.user, order_id, Permission.ORDER_EDIT)
    services.cancel_order(order_id=order.pk, actor=Actor.staff(request.user), at=timezone.now(), reason="by_staff")
    return _done(request, order_id, _("The order is cancelled."))


def _done(request: StaffRequest, order_id: int, message: Any) -> HttpResponse:
    order = get_order_for(request.user, order_id)
    to = reverse("orders:detail", args=[order_id])
    return fragment_or_redirect(request, DETAIL, _context(request, order), fragment="order", to=to, message=message)


@staff_page(Permission.ORDER_VIEW)
@require_safe
def panel(request: StaffRequest, order_id: int) -> HttpResponse:
    """Show an order beside a conversation."""
    order = get_panel_order_for(request.user, order_id, told_items=ITEMS_TOLD)
    return render_page(request, PANEL, _context(request, order, others=False), fragment="panel")


@staff_page(Permission.ORDER_VIEW)
@require_safe
def customer_panel(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Show a customer's orders beside a conversation or on the customer's page."""
    rows = orders_visible_to(request.user).filter(customer_id__in=aliases_of(customer_id)).select_related("shop")
    found = _with_parcels(list(rows.order_by("-placed_at", "-pk")[:11]))
    context = {"orders": [_row(order) for order in found[:10]], "more": len(found) > 10}
    return render_page(request, "orders/customer_panel.html", context, fragment="panel")


@staff_page(Permission.ORDER_VIEW)
@require_safe
def panel_by_query(request: StaffRequest) -> HttpResponse:
    """Show the order, else the customer's orders, named in the query: ?order=<id>&customer=<id>."""
    for name, view in (("order", panel), ("customer", customer_panel)):
        value = request.GET.get(name, "")
        if value.isdecimal() and len(value) < 18:
            return view(request, int(value))
    raise NotFound


def _context(request: StaffRequest, order: Order, *, others: bool = True) -> dict[str, Any]:
    parcels = [parcel for parcel, _scans in parcels_told([order.pk], request.user)[order.pk]]
    phone = _shown_phone(order)
    story = {"stream": stream_context(request, order)} if others else {"story": brief_rows(request, order)}
    return {
        "order": order,
        "parcels": [
            {
                "parcel": parcel,
                "carrier": carrier_name(parcel.carrier),
                "lifeline": lifeline_of(parcel),
                "place": parcel.place,
                "expected": parcel.expected_at if parcel.status in COMING and order.status in OPEN_STATUSES else None,
            }
            for parcel in parcels
        ],
        **story,
        "who": mask_name(order.recipient),
        "phone": phone,
        "has_street": bool(order.street_enc),
        "reveal": _reveals(order) if has(request.user, Permission.PII_REVEAL) else {},
        "is_late": _is_late(order, timezone.now()),
        "may_edit": has(request.user, Permission.ORDER_EDIT),
        "may_complete": OrderStatus.COMPLETED in ORDER_TRANSITIONS[order.status],
        "may_cancel": OrderStatus.CANCELLED in ORDER_TRANSITIONS[order.status],
        **(_neighbours(request, order) if others else {"items": getattr(order, "told_items", [])}),
    }


def _neighbours(request: StaffRequest, order: Order) -> dict[str, Any]:
    """Return the customer's other orders, and what other apps show about this order and its customer."""
    rows = orders_visible_to(request.user).filter(customer_id__in=aliases_of(order.customer_id)).exclude(pk=order.pk)
    panels = []
    for slot, subject, pk in (("order", "order", order.pk), ("customer", "customer", order.customer_id)):
        for item in registry.panels_for(slot, subject):
            if item.key != "orders" and (not item.permission or request.user.may(item.permission)):
                panels.append({"label": item.label, "url": reverse(item.url_name, args=[pk])})
    return {
        "promise": find_promise_told(order),
        "items": list(order.items.select_related("product").order_by("line")),
        "payments": [
            {"row": payment, "label": METHODS.get(payment.method.lower(), payment.method)}
            for payment in order.payments.order_by("paid_at", "pk")
        ],
        "others": list(rows.select_related("shop").order_by("-placed_at", "-pk")[:6]),
        "panels": panels,
        "may_see_customer": has(request.user, Permission.CUSTOMER_VIEW),
    }


def _shown_phone(order: Order) -> str:
    if not order.phone_enc:
        return ""
    try:
        return mask_phone(decrypt(order.phone_enc))
    except CannotDecrypt:
        return "****"


def _reveals(order: Order) -> dict[str, str]:
    base = f"{reverse('accounts:reveal')}?subject_type=order&subject_id={order.pk}&field="
    return {field: base + field for field in ("phone", "address", "name")}


def _is_late(order: Order, now: datetime) -> bool:
    if order.promised_at is None or order.status == OrderStatus.CANCELLED:
        return False
    return order.promised_at < (order.delivered_at or now)

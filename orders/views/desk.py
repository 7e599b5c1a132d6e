"""An order's page and the fragments beside a conversation."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

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
from orders.enums import ORDER_TRANSITIONS, OrderStatus, ParcelStatus
from orders.estimate_enums import COMING
from orders.models import Order, Parcel
from orders.permissions import get_order_for, orders_visible_to
from orders.promise_enums import OPEN_STATUSES
from orders.selectors.beside import get_order_beside
from orders.selectors.promises import find_promise_told
from orders.selectors.told import parcels_told
from orders.story import lifeline_of
from orders.views.requests import actions_context
from orders.views.stream import brief_rows, stream_context

DETAIL, PANEL = "orders/detail.html", "orders/panel.html"
METHODS = {
    "wechat": _("WeChat Pay"),
    "alipay": _("Alipay"),
    "card": _("Card"),
    "unionpay": _("UnionPay"),
    "paypal": "PayPal",
}


def order_rows(orders: list[Order]) -> list[dict[str, Any]]:
    """Return what lists show of orders, with their first parcels, read in one statement."""
    parcels: dict[int, list[tuple[str, str]]] = defaultdict(list)
    rows = Parcel.objects.filter(order_id__in=[order.pk for order in orders]).order_by("pk")
    for order_id, status, place in rows.values_list("order_id", "status", "place"):
        parcels[order_id].append((status, place))
    return [_order_row(order, parcels[order.pk]) for order in orders]


def _order_row(order: Order, parcels: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "order": order,
        "status": OrderStatus(order.status).label,
        "who": mask_name(order.recipient),
        "parcels": [
            {"status": status, "label": ParcelStatus(status).label, "place": place} for status, place in parcels[:2]
        ],
        "more": max(0, len(parcels) - 2),
    }


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
    order = get_order_beside(request.user, order_id)
    context = {**_context(request, order, others=False), **actions_context(request, order)}
    return render_page(request, PANEL, context, fragment="panel")


@staff_page(Permission.ORDER_VIEW)
@require_safe
def customer_panel(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Show a customer's orders beside a conversation or on the customer's page."""
    rows = orders_visible_to(request.user).filter(customer_id__in=aliases_of(customer_id)).select_related("shop")
    found = list(rows.order_by("-placed_at", "-pk")[:11])
    context = {"orders": order_rows(found[:10]), "more": len(found) > 10}
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
                "carrier": parcel.carrier.display_name,
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

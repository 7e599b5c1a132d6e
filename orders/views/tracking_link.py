"""The link to a customer's tracking page, beside an order: to copy, to look at, to replace."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, has, staff_page
from core.actors import Actor
from core.http import render_page, toast
from orders.models import Order, TrackingLink
from orders.permissions import get_order_for
from orders.services.tracking_links import renew_tracking_link, tracking_path

TEMPLATE = "orders/track/link.html"


@staff_page(Permission.ORDER_VIEW)
@never_cache
@require_safe
def link(request: StaffRequest, order_id: int) -> HttpResponse:
    """Say whether the customer has a link; it is made when a message needs it, or here by hand."""
    order = get_order_for(request.user, order_id)
    return render_page(request, TEMPLATE, _context(request, order, ""), fragment="link")


@staff_page(Permission.ORDER_EDIT)
@never_cache
@require_POST
def renew(request: StaffRequest, order_id: int) -> HttpResponse:
    """Show the link to copy it (make=1), or withdraw it and make another."""
    order = get_order_for(request.user, order_id, Permission.ORDER_EDIT)
    now, is_shown = timezone.now(), request.POST.get("make") == "1"
    if not is_shown:
        renew_tracking_link(order_id=order.pk, actor=Actor.staff(request.user), at=now)
    url = f"{settings.PUBLIC_URL.rstrip('/')}{tracking_path(order_id=order.pk, at=now)}"
    response = render_page(request, TEMPLATE, _context(request, order, url), fragment="link")
    return response if is_shown else toast(response, _("The old link no longer opens anything."))


def _context(request: StaffRequest, order: Order, url: str) -> dict[str, object]:
    return {
        "order": order,
        "url": url,
        "made": TrackingLink.objects.filter(order=order, revoked_at__isnull=True).only("created_at").first(),
        "may_edit": has(request.user, Permission.ORDER_EDIT),
    }

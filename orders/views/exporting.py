"""The list of orders as a file, as it is filtered on the page."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.permissions import Permission, StaffRequest, has, require, staff_page
from accounts.services import record_access
from core.actors import Actor
from core.http import client_ip
from core.workbooks import workbook_response
from orders.exporting import PERSONAL_FIELDS, is_large, write_csv, write_workbook
from orders.forms.listing import OrderListForm
from orders.permissions import orders_visible_to
from orders.selectors import search_orders
from orders.selectors.listing import arrange_orders, narrow_orders

MOST_FOUND = 500


@staff_page(Permission.EXPORT)
@never_cache
@require_safe
def export(request: StaffRequest) -> HttpResponse:
    """Send the orders of the list with its filters; who took them out, and whether unmasked, is written down first."""
    require(request.user, Permission.ORDER_VIEW)
    form, now = OrderListForm(request.GET, staff=request.user), timezone.now()
    wanted = form.wanted
    rows = narrow_orders(orders_visible_to(request.user), wanted, now)
    rows = arrange_orders(rows, wanted.get("sort", "newest"))
    if words := wanted.get("q"):
        found = [order.pk for order in search_orders(request.user, words, MOST_FOUND)]
        rows = rows.filter(pk__in=found)
    whole = has(request.user, Permission.PII_REVEAL)
    record_access(
        actor=Actor.staff(request.user),
        subject_type="order_list",
        subject_id=0,
        fields=PERSONAL_FIELDS if whole else (),
        purpose="export: orders" + (" (unmasked)" if whole else ""),
        at=now,
        ip=client_ip(request),
    )
    name = f"orders-{timezone.localtime(now):%Y%m%d-%H%M}"
    if not is_large(rows):
        return workbook_response(write_workbook(rows, whole=whole), f"{name}.xlsx")
    disposition = content_disposition_header(as_attachment=True, filename=f"{name}.csv")
    headers = {"Content-Disposition": disposition or ""}
    return HttpResponse(write_csv(rows, whole=whole), content_type="text/csv; charset=utf-8", headers=headers)

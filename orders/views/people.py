"""A customer's orders in figures, for putting two records side by side."""

from __future__ import annotations

from django.db.models import Count, Max, Sum
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.permissions import Permission, StaffRequest, staff_page
from core.http import render_page
from customers.permissions import get_customer_for
from customers.selectors import aliases_of
from orders.permissions import orders_visible_to


@staff_page(Permission.ORDER_VIEW)
@require_safe
def customer_facts(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Show how many orders, what was paid by currency, and when the newest was placed."""
    customer = get_customer_for(request.user, customer_id)
    rows = orders_visible_to(request.user).filter(customer__in=aliases_of(customer.pk)).order_by()
    sums = list(rows.values("currency").annotate(n=Count("pk"), spent=Sum("paid"), last=Max("placed_at")))
    context = {
        "customer": customer,
        "sums": sorted(sums, key=lambda row: -row["n"]),
        "count": sum(row["n"] for row in sums),
        "last": max((row["last"] for row in sums), default=None),
    }
    return render_page(request, "orders/customer_facts.html", context, fragment="facts")

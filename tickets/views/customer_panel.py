"""A customer's tickets, as a fragment of the customer's page."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.permissions import Permission, StaffRequest, staff_page
from core.http import render_page
from customers.permissions import get_customer_for
from tickets.permissions import tickets_visible_to

MOST = 30


@staff_page(Permission.TICKET_VIEW)
@require_safe
def tickets_of_customer(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Show the customer's newest tickets that this person may see."""
    customer = get_customer_for(request.user, customer_id)
    rows = tickets_visible_to(request.user).filter(customer=customer).select_related("category", "assignee")
    tickets = list(rows.order_by("-opened_at", "-pk")[:MOST])
    context = {"customer": customer, "tickets": tickets}
    return render_page(request, "tickets/public/customer_tickets.html", context, fragment="rows")

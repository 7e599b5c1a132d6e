"""A customer's tickets, as a fragment of the customer's page."""

from __future__ import annotations

from django.db.models import Count, Max, Q
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.permissions import Permission, StaffRequest, staff_page
from core.http import render_page
from customers.permissions import get_customer_for
from customers.selectors import aliases_of
from tickets.enums import ACTIVE_STATUSES
from tickets.permissions import tickets_visible_to

MOST = 30


@staff_page(Permission.TICKET_VIEW)
@require_safe
def tickets_of_customer(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Show the customer's newest tickets that this person may see."""
    customer = get_customer_for(request.user, customer_id)
    rows = (
        tickets_visible_to(request.user)
        .filter(customer__in=aliases_of(customer.pk))
        .select_related("category", "assignee")
    )
    tickets = list(rows.order_by("-opened_at", "-pk")[:MOST])
    context = {"customer": customer, "tickets": tickets}
    return render_page(request, "tickets/public/customer_tickets.html", context, fragment="rows")


@staff_page(Permission.TICKET_VIEW)
@require_safe
def customer_facts(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Show how many tickets a customer has, how many are open and when the newest came, for comparing two records."""
    customer = get_customer_for(request.user, customer_id)
    rows = tickets_visible_to(request.user).filter(customer__in=aliases_of(customer.pk), is_spam=False)
    open_ones = Count("pk", filter=Q(status__in=ACTIVE_STATUSES))
    sums = rows.aggregate(count=Count("pk"), open_count=open_ones, last=Max("opened_at"))
    return render_page(request, "tickets/public/customer_facts.html", {"customer": customer, **sums}, fragment="facts")

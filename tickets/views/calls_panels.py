"""A customer's calls beside a ticket and on the customer's page, with the button that calls them."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.permissions import Permission, StaffRequest, has, staff_page
from core.http import render_page
from customers.permissions import get_customer_for
from customers.selectors import aliases_of
from tickets.calls_permissions import calls_visible_to
from tickets.permissions import get_ticket_for
from tickets.selectors.call_plans import menu_words, seat_of
from tickets.services.calls.dialing import line_to_dial

PANEL = "tickets/calls/panel.html"
SHOWN = 10


@staff_page(Permission.TICKET_VIEW)
@require_safe
def calls_of_ticket(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Show the calls with a ticket's customer."""
    ticket = get_ticket_for(request.user, ticket_id)
    return _panel(request, ticket.customer_id, ticket.shop_id, "ticket", ticket.pk)


@staff_page(Permission.TICKET_VIEW)
@require_safe
def calls_of_customer(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Show the calls with a customer."""
    customer = get_customer_for(request.user, customer_id)
    return _panel(request, customer.pk, None, "customer", customer.pk)


def _panel(request: StaffRequest, customer_id: int | None, shop_id: int | None, what: str, pk: int) -> HttpResponse:
    rows = calls_visible_to(request.user).filter(customer__in=aliases_of(customer_id or 0))
    rows = rows.select_related("agent", "line")
    calls = list(rows.order_by("-started_at", "-pk")[:SHOWN])
    ways = menu_words(calls)
    may_dial = customer_id is not None and has(request.user, Permission.TICKET_REPLY)
    context: dict[str, Any] = {
        "rows": [{"call": call, "menu": ways.get(call.pk, "")} for call in calls],
        "what": what,
        "pk": pk,
        "can_dial": may_dial and seat_of(request.user.pk) is not None and line_to_dial(shop_id) is not None,
        "may_listen": has(request.user, Permission.CALL_LISTEN),
    }
    return render_page(request, PANEL, context, fragment="panel")

"""Why a ticket is due when it is: a dialog opened from its clock, a page without JavaScript."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from accounts.permissions import Permission, StaffRequest, has, staff_page
from core.http import render_page
from tickets.permissions import get_ticket_for
from tickets.services.sla.explaining import explain_clocks

TEMPLATE = "tickets/desk/clocks.html"


@staff_page(Permission.TICKET_VIEW)
@require_GET
def clocks(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Tell the arithmetic of every clock of a ticket."""
    ticket = get_ticket_for(request.user, ticket_id, Permission.TICKET_VIEW)
    now = timezone.now()
    language = "en" if (get_language() or "").startswith("en") else "zh-hans"
    context = {
        "ticket": ticket,
        "now": now,
        "stories": explain_clocks(ticket, now=now, language=language),
        "may_set": has(request.user, Permission.SETTINGS_MANAGE),
    }
    return render_page(request, TEMPLATE, context, fragment="dialog")

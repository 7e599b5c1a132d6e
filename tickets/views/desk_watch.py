"""Watch a ticket, or leave it to the others."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.permissions import Permission, StaffRequest, staff_page
from tickets.services.watching import stop_watching, watch_ticket
from tickets.views.desk_actions import answer
from tickets.views.desk_page import open_ticket_page


@staff_page(Permission.TICKET_NOTE)
@require_POST
def watch(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Begin to watch (`watch` = 1) or stop."""
    ticket = open_ticket_page(request, ticket_id)
    if request.POST.get("watch") == "1":
        watch_ticket(ticket_id=ticket.pk, staff_id=request.user.pk)
        return answer(request, ticket, _("You are told what happens here."))
    stop_watching(ticket_id=ticket.pk, staff_id=request.user.pk)
    return answer(request, ticket, _("You watch this ticket no longer."))

"""The tickets of an incident: listed, and resolved together when they only waited for it."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, has, staff_page
from core.errors import InvalidInput
from core.http import render_page
from orders.incident_permissions import get_incident_for, may_steer
from tickets.selectors.incidents import count_tickets, ticket_rows
from tickets.services.bulk import AT_ONCE, go_on
from tickets.services.incidents import resolve_waiting

TICKETS = "tickets/incidents/tickets.html"


@staff_page(Permission.INCIDENT_VIEW)
@require_safe
def tickets(request: StaffRequest, incident_id: int) -> HttpResponse:
    """List the tickets of an incident this person sees."""
    found = get_incident_for(request.user, incident_id)
    counts = count_tickets(request.user, found.pk)
    context = {
        "incident": found,
        "counts": counts,
        "rows": ticket_rows(request.user, found.pk) if counts.linked else [],
        "may_resolve": counts.waiting > 0
        and may_steer(request.user, found)
        and has(request.user, Permission.TICKET_BULK)
        and has(request.user, Permission.TICKET_RESOLVE),
        "client_id": uuid4(),
        "now": timezone.now(),
    }
    return render_page(request, TICKETS, context, fragment="panel")


@staff_page(Permission.INCIDENT_MANAGE)
@require_POST
def resolve(request: StaffRequest, incident_id: int) -> HttpResponse:
    """Resolve together what waited only for the incident; the run can be undone."""
    found = get_incident_for(request.user, incident_id, Permission.INCIDENT_MANAGE)
    try:
        client_id = UUID(request.POST.get("client_id", ""))
        run = resolve_waiting(incident=found, staff=request.user, client_id=client_id, at=timezone.now())
    except ValueError:
        raise InvalidInput from None
    except InvalidInput as error:
        messages.warning(request, str(error))
        return HttpResponseRedirect(reverse("orders:incident", args=[found.pk]))
    if run.total <= AT_ONCE:
        go_on(run_id=run.pk)
    return HttpResponseRedirect(reverse("tickets:bulk_run", args=[run.pk]))

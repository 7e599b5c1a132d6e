"""A view as an Excel file."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.permissions import Permission, StaffRequest, require, staff_page
from accounts.services import record_access
from core.actors import Actor
from core.http import client_ip
from core.workbooks import workbook_response
from tickets.exporting import PERSONAL_FIELDS, write_tickets
from tickets.views.desk_page import list_shape, view_key


@staff_page(Permission.EXPORT)
@require_safe
def export(request: StaffRequest) -> HttpResponse:
    """Send the tickets of a view as they are seen; who took them out is written down first."""
    require(request.user, Permission.TICKET_VIEW)
    view, now = view_key(request), timezone.now()
    record_access(
        actor=Actor.staff(request.user),
        subject_type="ticket_list",
        subject_id=int(view[6:]) if view.startswith("saved-") else 0,
        fields=PERSONAL_FIELDS,
        purpose=f"export: {view}",
        at=now,
        ip=client_ip(request),
    )
    book = write_tickets(request.user, view, now=now, sorting=list_shape(request, view).sorting)
    name = f"tickets-{view}-{timezone.localtime(now):%Y%m%d-%H%M}.xlsx"
    return workbook_response(book, name)

"""Serve files through their doors: staff who see the ticket, a customer's secret link, a form not sent yet."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from accounts.permissions import Permission, StaffRequest, staff_page
from core.errors import NotFound
from tickets.attachments.sniff import PICTURES
from tickets.attachments.store import fetch
from tickets.models import Attachment
from tickets.permissions import get_ticket_by_link, get_ticket_for
from tickets.services.contact_form import session_of
from tickets.work_permissions import may_read_for_task


@staff_page(Permission.TICKET_VIEW)
@require_safe
def staff_file(request: StaffRequest, key: str) -> HttpResponse:
    """Serve a file of a ticket this person may see; one not sent yet only to who uploaded it."""
    row = Attachment.objects.filter(key=key, ticket__isnull=False).first()
    if row is None or (row.message_id is None and row.uploaded_by != request.user.pk):
        raise NotFound
    if not may_read_for_task(request.user, row.ticket_id or 0):
        get_ticket_for(request.user, row.ticket_id or 0)
    return serve(request, row)


@require_safe
def customer_file(request: HttpRequest, token: str, key: str) -> HttpResponse:
    """Serve a file of a message the customer may see, under the ticket's secret link."""
    ticket = get_ticket_by_link(token)
    own = Q(ticket=ticket) | Q(ticket__merged_into=ticket)
    row = Attachment.objects.filter(own, key=key, message__public_seq__isnull=False).first()
    if row is None:
        raise NotFound
    return serve(request, row)


@require_safe
def draft_file(request: HttpRequest, draft: str, key: str) -> HttpResponse:
    """Serve a photo of a form that is not sent yet, to whoever knows the form's secret id."""
    row = Attachment.objects.filter(key=key, session_hash=session_of(draft), message__isnull=True).first()
    if row is None:
        raise NotFound
    return serve(request, row)


def serve(request: HttpRequest, row: Attachment) -> HttpResponse:
    """Send a file: a picture we drew ourselves may be looked at, everything else is only ever downloaded."""
    is_small = request.GET.get("thumb") == "1" and bool(row.thumbnail_key)
    mime = "image/webp" if is_small else row.mime
    is_picture = mime in PICTURES
    try:
        with fetch(row.thumbnail_key if is_small else row.key) as handle:
            content = handle.read()  # a few MB at most: an upload's limit is far below what a process may hold
    except FileNotFoundError:
        raise NotFound from None
    name = f"{row.name.rpartition('.')[0]}.webp" if is_small else row.name
    disposition = content_disposition_header(as_attachment=not is_picture, filename=name)
    response = HttpResponse(content, content_type=mime, headers={"Content-Disposition": disposition})
    if mime == "text/plain":
        response["Content-Type"] = "text/plain; charset=utf-8"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "private, max-age=86400"
    response["X-Robots-Tag"] = "noindex"
    return response

"""Answering: replies, notes, drafts, files, canned replies.

The composer's script asks for JSON, a plain form works too.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import Permission, StaffRequest, require, staff_page
from accounts.selectors import staff_names
from core.actors import Actor
from core.errors import DomainError, InvalidInput, StaleEdit
from core.http.errors import problem, wants_json
from tickets import services
from tickets.enums import MessageKind, TicketStatus
from tickets.models import Ticket
from tickets.selectors.canned import canned_replies, fill_in, variables_for
from tickets.views.desk_actions import next_after
from tickets.views.desk_page import TEMPLATE, list_context, open_ticket_page, ticket_context, view_key, views_context
from tickets.views.desk_panel import panel_context

THEN = {"resolved": TicketStatus.RESOLVED, "waiting_customer": TicketStatus.WAITING_CUSTOMER, "open": TicketStatus.OPEN}
MAX_TEXT = 20_000
CHANGES = {
    "message.received": _("%(who)s wrote"),
    "message.sent": _("%(who)s answered"),
    "message.noted": _("%(who)s wrote a note"),
    "ticket.assigned": _("%(who)s assigned the ticket"),
    "ticket.resolved": _("%(who)s resolved the ticket"),
    "ticket.reopened": _("%(who)s opened it again"),
    "ticket.closed": _("%(who)s closed it"),
    "ticket.status_changed": _("%(who)s changed the status"),
}


@staff_page(Permission.TICKET_NOTE)
@require_POST
def reply(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Send an answer or keep an internal note; the same `client_id` twice is one message.

    StaleEdit (the customer or a colleague wrote meanwhile) keeps the text and says what happened.
    """
    is_note = request.POST.get("kind") == MessageKind.NOTE
    ticket = open_ticket_page(request, ticket_id, Permission.TICKET_NOTE if is_note else Permission.TICKET_REPLY)
    then = THEN.get(request.POST.get("then", "")) if not is_note else None
    if then == TicketStatus.RESOLVED:
        require(request.user, Permission.TICKET_RESOLVE)
    try:
        text, files = _typed(request, ticket)
        _send(request, ticket, is_note=is_note, text=text, files=files, then=then)
    except (InvalidInput, StaleEdit) as error:
        return _not_sent(request, ticket, error)
    onward = next_after(request, ticket) if then == TicketStatus.RESOLVED else None
    words = _("Note kept.") if is_note else _("Sent.")
    target = f"{reverse('tickets:ticket', args=[onward or ticket.pk])}?view={view_key(request)}"
    if wants_json(request):
        return JsonResponse({"ok": True, "message": str(words), "next": target if onward else ""})
    messages.success(request, words)
    return HttpResponseRedirect(target)


def _typed(request: StaffRequest, ticket: Ticket) -> tuple[str, list[int]]:
    """Return the text and the attachments of the form, keeping files that came with it. Raises InvalidInput."""
    text = request.POST.get("text", "").replace("\r\n", "\n").strip()
    files = [int(pk) for pk in request.POST.getlist("attachment") if pk.isdecimal()]
    uploads = request.FILES.getlist("files")
    files += [_store(request, ticket, upload).pk for upload in uploads]
    if not text and not files:
        raise InvalidInput(fields={"text": [_("Write something first.")]})
    if len(text) > MAX_TEXT:
        raise InvalidInput(fields={"text": [_("This is too long for one message. Nothing is lost; please split it.")]})
    return text, files


def _store(request: StaffRequest, ticket: Ticket, upload: Any) -> Any:
    return services.store_attachment(
        file=upload, name=upload.name or "file", ticket_id=ticket.pk, uploaded_by=request.user.pk, at=timezone.now()
    )


def _send(
    request: StaffRequest, ticket: Ticket, *, is_note: bool, text: str, files: list[int], then: TicketStatus | None
) -> None:
    client_id = _uuid(request.POST.get("client_id", ""))
    actor, at = Actor.staff(request.user), timezone.now()
    if is_note:
        services.add_note(ticket_id=ticket.pk, text=text, actor=actor, at=at, client_id=client_id, attachment_ids=files)
        return
    seen = request.POST.get("seen_version", "")
    services.reply_to_ticket(
        ticket_id=ticket.pk,
        text=text,
        actor=actor,
        at=at,
        client_id=client_id,
        attachment_ids=files,
        then_status=then,
        seen_version=int(seen) if seen.isdecimal() and not request.POST.get("anyway") else None,
    )


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.uuid4()


def _not_sent(request: StaffRequest, ticket: Ticket, error: DomainError) -> HttpResponse:
    """Say why nothing was sent: problem+json for the script, else the page with what was typed."""
    if isinstance(error, StaleEdit):
        say_changes(error)
    if wants_json(request):
        return JsonResponse(problem(error), status=error.http_status, content_type="application/problem+json")
    view = view_key(request)
    context = ticket_context(request, ticket, view) | views_context(request, view)
    context |= list_context(request, view, current=ticket) | panel_context(request, ticket)
    kind = MessageKind.NOTE.value if request.POST.get("kind") == MessageKind.NOTE else MessageKind.PUBLIC.value
    words = [*getattr(error, "fields", {}).get("text", []), error.message]
    context |= {
        "composer_kind": kind,
        "draft_texts": {kind: request.POST.get("text", "")},
        "composer_error": words[0],
        "composer_changes": [change["words"] for change in error.changes] if isinstance(error, StaleEdit) else [],
        "pane": "conversation",
    }
    return render(request, TEMPLATE, context, status=error.http_status)


def say_changes(error: StaleEdit) -> None:
    """Add to each change the words a person understands."""
    ids = {change["actor_id"] for change in error.changes if change.get("actor_type") == "staff"}
    names = staff_names(ids) if ids else {}
    for change in error.changes:
        is_customer = change.get("actor_type") == "customer"
        who = gettext("The customer") if is_customer else names.get(change.get("actor_id") or 0, gettext("The system"))
        change["words"] = CHANGES.get(change.get("what", ""), _("%(who)s changed the ticket")) % {"who": who}


@staff_page(Permission.TICKET_NOTE)
@require_POST
def draft(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Keep what is typed; an empty text lets the draft go."""
    ticket = open_ticket_page(request, ticket_id)
    kind = MessageKind.NOTE.value if request.POST.get("kind") == MessageKind.NOTE else MessageKind.PUBLIC.value
    seen = request.POST.get("seen_version", "")
    services.save_draft(
        ticket_id=ticket.pk,
        staff_id=request.user.pk,
        kind=kind,
        text=request.POST.get("text", "")[:MAX_TEXT],
        seen_version=int(seen) if seen.isdecimal() else ticket.version,
        at=timezone.now(),
    )
    return HttpResponse(status=204)


@staff_page(Permission.TICKET_NOTE)
@require_POST
def upload(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Take one file for a message that is still being written; returns its id, name and size."""
    ticket, file = open_ticket_page(request, ticket_id), request.FILES.get("file")
    if file is None:
        raise InvalidInput
    kept = _store(request, ticket, file)
    url = reverse("tickets:attachment", args=[kept.key])
    return JsonResponse({"id": kept.pk, "name": kept.name, "size": kept.size, "mime": kept.mime, "url": url})


@staff_page(Permission.TICKET_NOTE)
@require_GET
def canned(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Return canned replies that match, with their variables filled for this ticket."""
    ticket = open_ticket_page(request, ticket_id)
    values = variables_for(ticket, request.user)
    found = canned_replies(request.user, query=request.GET.get("q", ""), language=ticket.language)
    rows = [
        {"id": one.pk, "title": one.title, "shortcut": one.shortcut, "text": fill_in(one.body, values)} for one in found
    ]
    return render(request, "tickets/desk/canned.html", {"rows": rows})


@staff_page(Permission.TICKET_NOTE)
@require_POST
def used_canned(request: HttpRequest, reply_id: int) -> HttpResponse:
    """Count that a canned reply was taken."""
    services.count_canned_use(reply_id=reply_id)
    return HttpResponse(status=204)

"""What waits to go in a ticket: shown to everybody there, taken back, changed or hurried by its writer."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import Permission, StaffRequest, staff_page
from core.errors import InvalidInput, NotFound, StaleEdit
from core.http.answers import is_htmx, toast
from tickets import services
from tickets.models import HeldMessage, Ticket
from tickets.services.promises import NewPromise
from tickets.views.desk_page import TEMPLATE, open_ticket_page, view_key
from tickets.views.desk_waiting import date_words_at, read_time, waiting_rows
from tickets.views.promise_saying import as_chip


@staff_page(Permission.TICKET_VIEW)
@require_GET
def waiting(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Return what waits, afresh."""
    ticket = open_ticket_page(request, ticket_id)
    return render(request, f"{TEMPLATE}#waiting", _context(request, ticket))


def _context(request: StaffRequest, ticket: Ticket) -> dict[str, Any]:
    return {"ticket": ticket, "waiting": waiting_rows(ticket, request.user.pk), "view": view_key(request)}


def _answer(request: StaffRequest, ticket: Ticket, words: Any, **events: Any) -> HttpResponse:
    if not is_htmx(request):
        messages.success(request, words)
        return HttpResponseRedirect(f"{reverse('tickets:ticket', args=[ticket.pk])}?view={view_key(request)}")
    response = HttpResponse(status=204)
    response["HX-Trigger"] = json.dumps({"ticketChanged": {"id": ticket.pk}, **events})
    return toast(response, words)


def _own(ticket: Ticket, held_id: int) -> int:
    """Return the id when the message is one of this ticket's. Raises NotFound."""
    if not HeldMessage.objects.filter(pk=held_id, ticket_id=ticket.pk).exists():
        raise NotFound
    return held_id


@staff_page(Permission.TICKET_NOTE)
@require_POST
def take_back(request: StaffRequest, ticket_id: int, held_id: int) -> HttpResponse:
    """Take an answer back; its words come back into the composer. AlreadyGone (409) when it was too late."""
    ticket = open_ticket_page(request, ticket_id)
    held = services.take_back(held_id=_own(ticket, held_id), staff_id=request.user.pk, at=timezone.now())
    files = [
        {"id": row.pk, "name": row.name, "key": row.key}
        for row in ticket.attachments.filter(
            uploaded_by=request.user.pk, message__isnull=True, held__isnull=True, pk__in=_ids(ticket, held_id)
        )
    ]
    back = {"ticket": ticket.pk, "kind": held.kind, "text": held.source, "files": files}
    if held.promise:
        back["promise"] = as_chip(NewPromise.from_json(held.promise))
    return _answer(request, ticket, _("Taken back. Your text is in the composer."), heldBack=back)


def _ids(ticket: Ticket, held_id: int) -> list[int]:
    """Return the files that were kept with a held message, as the page read before it was taken back."""
    rows = next((one["files"] for one in ticket.waiting if one["id"] == held_id), None)  # type: ignore[attr-defined]
    return [file["id"] for file in rows or []]


@staff_page(Permission.TICKET_REPLY)
@require_POST
def send_now(request: StaffRequest, ticket_id: int, held_id: int) -> HttpResponse:
    """Have a planned or stopped answer go at once."""
    ticket = open_ticket_page(request, ticket_id)
    services.send_held_now(held_id=_own(ticket, held_id), staff_id=request.user.pk, at=timezone.now())
    return _answer(request, ticket, _("Sending in a moment."))


@staff_page(Permission.TICKET_REPLY)
@require_POST
def change(request: StaffRequest, ticket_id: int, held_id: int) -> HttpResponse:
    """Change a planned answer's words or time; a refusal keeps what was typed."""
    ticket, version = open_ticket_page(request, ticket_id), request.POST.get("version", "")
    text = request.POST.get("text", "").replace("\r\n", "\n").strip()
    try:
        held = services.change_planned(
            held_id=_own(ticket, held_id),
            staff_id=request.user.pk,
            source=text,
            due_at=read_time(request.POST.get("send_at", "")),
            version=int(version) if version.isdecimal() else None,
            at=timezone.now(),
        )
    except (InvalidInput, StaleEdit) as error:
        said = [words for texts in getattr(error, "fields", {}).values() for words in texts]
        context = _context(request, open_ticket_page(request, ticket_id))
        context |= {"failed_id": held_id, "failed_words": (said or [error.message])[0], "failed_text": text}
        return render(request, f"{TEMPLATE}#waiting", context, status=error.http_status)
    return _answer(request, ticket, _("It goes %(time)s.") % {"time": date_words_at(held.due_at)})

"""Join tickets, take them apart, split messages off, link what belongs together."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import Permission, StaffRequest, require, staff_page
from core.actors import Actor
from core.errors import DomainError, InvalidInput, NotFound
from core.http import render_page
from core.http.answers import is_htmx, toast
from tickets.enums import LinkKind
from tickets.models import Ticket
from tickets.models.ticket import NUMBER_OFFSET
from tickets.permissions import get_ticket_for
from tickets.selectors.conversation import last_messages, last_messages_of_all
from tickets.selectors.duplicates import surroundings_of
from tickets.selectors.joining import tickets_to_join
from tickets.services.linking import link_tickets, unlink_tickets
from tickets.services.merging import merge_tickets, unmerge_ticket
from tickets.services.splitting import split_ticket
from tickets.views.desk_page import open_ticket_page, view_key

SPLITTABLE = 100


@staff_page(Permission.TICKET_MERGE)
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Offer tickets to join or link (GET `q`: a number or words), or do it (`other`, `how`)."""
    ticket = open_ticket_page(request, ticket_id)
    if request.method != "POST":
        return _join_page(request, ticket)
    other, how = _other(request), request.POST.get("how", "join")
    actor, at = Actor.staff(request.user), timezone.now()
    try:
        if how == "join":
            older, newer = sorted((ticket, other), key=lambda one: (one.opened_at, one.pk))
            keep = other if request.POST.get("keep") == "other" else older
            drop = ticket if keep is other else newer
            found = merge_tickets(source_id=drop.pk, target_id=keep.pk, actor=actor, at=at)
            words: Any = _("Joined. Everything is in ticket %(number)s now.") % {"number": found.number}
            return _done(request, found.pk, words)
        link_tickets(ticket_id=ticket.pk, other_id=other.pk, kind=how, actor=actor, at=at)
    except DomainError as error:
        if is_htmx(request):
            raise
        return _join_page(request, ticket, error)
    return _done(request, ticket.pk, _("Linked."))


def _other(request: StaffRequest) -> Ticket:
    """Return the other ticket of a form, through the same door; a number people say works too."""
    given = request.POST.get("other", "").strip().lstrip("#")
    if not (given.isascii() and given.isdecimal() and len(given) < 16):
        raise InvalidInput(_("Which ticket? Give its number."))
    try:
        return get_ticket_for(request.user, int(given), Permission.TICKET_MERGE)
    except NotFound:
        if int(given) <= NUMBER_OFFSET:
            raise
        return get_ticket_for(request.user, int(given) - NUMBER_OFFSET, Permission.TICKET_MERGE)


def _join_page(request: StaffRequest, ticket: Ticket, error: DomainError | None = None) -> HttpResponse:
    query = request.GET.get("q", "").strip()[:100]
    context = {
        "ticket": ticket,
        "view": view_key(request),
        "q": query,
        "found": tickets_to_join(request.user, ticket, query),
        "around": surroundings_of(ticket),
        "numbered_parts": [(pk, pk + NUMBER_OFFSET) for pk in surroundings_of(ticket).parts],
        "kinds": [(kind.value, kind.label) for kind in LinkKind if kind != LinkKind.SPLIT],
        "error": error,
        "now": timezone.now(),
    }
    return render_page(
        request, "tickets/desk/join.html", context, fragment="found", status=error.http_status if error else 200
    )


def _done(request: StaffRequest, ticket_id: int, words: Any) -> HttpResponse:
    """Go on with a ticket: HTMX loads its conversation, others are sent there."""
    target = f"{reverse('tickets:ticket', args=[ticket_id])}?view={view_key(request)}"
    if not is_htmx(request):
        messages.success(request, words)
        return HttpResponseRedirect(target)
    response = HttpResponse(status=204)
    response["HX-Location"] = json.dumps({"path": target, "target": "#conversation", "swap": "outerHTML"})
    response["HX-Trigger"] = json.dumps({"ticketChanged": {}})
    return toast(response, words)


@staff_page(Permission.TICKET_MERGE)
@require_POST
def unmerge(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Make one of the joined tickets (`part`) its own again."""
    ticket = open_ticket_page(request, ticket_id)
    part = request.POST.get("part", "")
    if not part.isdecimal() or int(part) not in surroundings_of(ticket).parts:
        raise NotFound
    get_ticket_for(request.user, int(part), Permission.TICKET_MERGE)
    found = unmerge_ticket(source_id=int(part), actor=Actor.staff(request.user), at=timezone.now())
    return _done(request, ticket.pk, _("Ticket %(number)s stands by itself again.") % {"number": found.number})


@staff_page(Permission.TICKET_MERGE)
@require_POST
def unlink(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Take a link away."""
    ticket, other = open_ticket_page(request, ticket_id), request.POST.get("other", "")
    if not (other.isascii() and other.isdecimal() and len(other) < 16):
        raise NotFound
    unlink_tickets(ticket_id=ticket.pk, other_id=int(other), actor=Actor.staff(request.user), at=timezone.now())
    return _done(request, ticket.pk, _("No longer linked."))


@staff_page(Permission.TICKET_MERGE)
@require_http_methods(["GET", "HEAD", "POST"])
def split(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Let messages be chosen (GET), or cut them out into a ticket of their own."""
    ticket = open_ticket_page(request, ticket_id)
    if ticket.merged_into_id is not None:
        return redirect("tickets:ticket", ticket.merged_into_id)
    require(request.user, Permission.TICKET_REPLY)
    if request.method != "POST":
        return _split_page(request, ticket)
    ids = [int(pk) for pk in request.POST.getlist("messages") if pk.isdecimal() and len(pk) < 18]
    subject = request.POST.get("subject", "")
    try:
        new = split_ticket(
            ticket_id=ticket.pk,
            message_ids=ids,
            subject=subject,
            actor=Actor.staff(request.user),
            at=timezone.now(),
        )
    except InvalidInput as error:
        return _split_page(request, ticket, error, ids, subject)
    return _done(request, new.pk, _("Ticket %(number)s was made.") % {"number": new.number})


def _split_page(
    request: StaffRequest,
    ticket: Ticket,
    error: InvalidInput | None = None,
    ids: list[int] | None = None,
    subject: str = "",
) -> HttpResponse:
    parts = surroundings_of(ticket).parts
    if parts:
        rows, is_cut = last_messages_of_all([ticket.pk, *parts], limit=SPLITTABLE)
    else:
        rows, is_cut = last_messages(ticket.pk, limit=SPLITTABLE)
    said = [text for texts in error.fields.values() for text in texts] if error else []
    context = {
        "ticket": ticket,
        "view": view_key(request),
        "rows": [row for row in rows if row.moved_to is None],
        "is_cut": is_cut,
        "chosen": ids or [],
        "subject": subject,
        "said": said,
        "now": timezone.now(),
    }
    return render(request, "tickets/desk/split.html", context, status=422 if error else 200)

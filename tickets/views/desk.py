"""The desk: views, list, conversation and context, as one page or in parts."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import Permission, StaffRequest, staff_page
from core.actors import Actor
from core.http.answers import is_htmx
from tickets import presence, services
from tickets.enums import AuthorType
from tickets.models import Ticket
from tickets.selectors.conversation import delivery_states
from tickets.services.working import note_work
from tickets.views.desk_page import (
    TEMPLATE,
    first_stream,
    head_context,
    list_context,
    open_ticket_page,
    stream_after,
    ticket_context,
    view_key,
    views_context,
)
from tickets.views.desk_panel import panel_context
from tickets.views.desk_stream import delivery_mark

MOST_ROWS = 200


@staff_page(Permission.TICKET_VIEW)
@require_GET
def desk(request: StaffRequest) -> HttpResponse:
    """Show the desk with the list of a view; HTMX gets the next page of rows or the list pane."""
    view = view_key(request)
    if request.htmx and request.htmx.target == "list-more":
        return render(request, f"{TEMPLATE}#more", list_context(request, view, current=None))
    context = views_context(request, view)
    context |= list_context(request, view, current=None)
    if request.htmx and request.htmx.target == "list-pane":
        return render(request, f"{TEMPLATE}#listpane", context)
    return render(request, TEMPLATE, context | {"pane": "list", "ticket": None})


@staff_page(Permission.TICKET_VIEW)
@require_GET
def ticket(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Show the desk with a ticket open; HTMX gets the conversation and the context beside it."""
    found, view = open_ticket_page(request, ticket_id), view_key(request)
    if found.merged_into_id is not None:
        return lead_on(request, found.merged_into_id, view)
    context = ticket_context(request, found, view) | panel_context(request, found)
    if (found.read_seq or 0) < found.last_seq:  # type: ignore[attr-defined]
        services.mark_read(ticket_id=found.pk, staff_id=request.user.pk, seq=found.last_seq)
    if request.htmx and request.htmx.target == "conversation":
        return render(request, f"{TEMPLATE}#opened", context)
    context |= views_context(request, view)
    context |= list_context(request, view, current=found)
    return render(request, TEMPLATE, context | {"pane": "conversation"})


def lead_on(request: StaffRequest, ticket_id: int, view: str) -> HttpResponse:
    """Send whoever opens a joined ticket to the one it was joined into."""
    target = f"{reverse('tickets:ticket', args=[ticket_id])}?view={view}"
    if not is_htmx(request):
        return redirect(target)
    response = HttpResponse(status=204)
    response["HX-Location"] = json.dumps({"path": target, "target": "#conversation", "swap": "outerHTML"})
    return response


@staff_page(Permission.TICKET_VIEW)
@require_GET
def view_list(request: StaffRequest) -> HttpResponse:
    """Return the views with fresh counts."""
    return render(request, f"{TEMPLATE}#views", views_context(request, view_key(request)))


@staff_page(Permission.TICKET_VIEW)
@require_GET
def ticket_list(request: StaffRequest) -> HttpResponse:
    """Return the list afresh, as long as it was shown (`rows`), with the open ticket marked."""
    view, rows, current = view_key(request), request.GET.get("rows", ""), request.GET.get("current", "")
    limit = min(max(int(rows) if rows.isdecimal() else 0, 50), MOST_ROWS)
    here = Ticket(pk=int(current)) if current.isdecimal() and len(current) < 18 else None
    return render(request, f"{TEMPLATE}#list", {"view": view, **list_context(request, view, current=here, limit=limit)})


@staff_page(Permission.TICKET_VIEW)
@require_GET
def stream(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Return the messages before a seq (`before`), or all that came after one (`after`, `event`, `day`)."""
    found, now = open_ticket_page(request, ticket_id), timezone.now()
    before = request.GET.get("before", "")
    if before:
        piece = first_stream(request, found, now, before=before)
        return render(
            request, "tickets/desk/desk.html#earlier", {"stream": piece.html, "earlier_url": piece.earlier_url}
        )
    html, messages = stream_after(
        request,
        found,
        seq=_number(request.GET.get("after")),
        event_id=_number(request.GET.get("event")),
        day=_day(request.GET.get("day")),
        now=now,
    )
    if any(message.author_type == AuthorType.CUSTOMER for message in messages):
        services.mark_read(ticket_id=found.pk, staff_id=request.user.pk, seq=found.last_seq)
    marks = _delivery_marks(request.GET.get("deliveries", ""))
    return HttpResponse(html + marks, status=200 if html or marks else 204)


def _delivery_marks(asked: str) -> str:
    ids = [int(part) for part in asked.split(",")[:20] if part.isdecimal() and len(part) < 18]
    return "".join(delivery_mark(pk, state, out_of_band=True) for pk, state in delivery_states(ids).items())


def _number(text: Any) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 18 else 0


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


@staff_page(Permission.TICKET_VIEW)
@require_GET
def head(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Return the head of the conversation afresh."""
    found = open_ticket_page(request, ticket_id)
    return render(request, f"{TEMPLATE}#head", head_context(request, found, view_key(request)))


@staff_page(Permission.TICKET_VIEW)
def here(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Take a sign of life (`typing`, `gone`, seconds `worked` since the last) and return who else is here."""
    found = open_ticket_page(request, ticket_id)
    if request.method == "POST":
        worked = request.POST.get("worked", "")
        if worked.isascii() and worked.isdigit() and len(worked) < 6 and request.user.may(Permission.TICKET_REPLY):
            note_work(ticket=found, seconds=int(worked), actor=Actor.staff(request.user), at=timezone.now())
        if request.POST.get("gone"):
            presence.mark_gone(ticket_id=found.pk, staff=request.user)
            return HttpResponse(status=204)
        presence.mark_here(ticket_id=found.pk, staff=request.user, is_typing=request.POST.get("typing") == "1")
    others = presence.others_here(ticket_id=found.pk, staff=request.user)
    return render(request, f"{TEMPLATE}#viewers", {"others": others, "ticket": found})


@staff_page(Permission.TICKET_VIEW)
@require_GET
def context_panel(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Return the context panel with another tab open; without JavaScript, the whole page."""
    found = open_ticket_page(request, ticket_id)
    if not is_htmx(request):
        return redirect(f"{reverse('tickets:ticket', args=[found.pk])}?{request.GET.urlencode()}")
    return render(
        request, f"{TEMPLATE}#context", {"ticket": found, "view": view_key(request), **panel_context(request, found)}
    )


@staff_page(Permission.TICKET_EDIT)
@require_POST
def remember_next(request: StaffRequest) -> HttpResponse:
    """Remember whether resolving goes on to the next ticket."""
    from accounts.services import save_preference

    save_preference(
        staff_id=request.user.pk,
        key="desk.after_resolve",
        value="next" if request.POST.get("then") == "next" else "stay",
    )
    return HttpResponse(status=204) if is_htmx(request) else redirect("tickets:desk")

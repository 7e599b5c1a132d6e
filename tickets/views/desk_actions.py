"""What an agent does with a ticket: take, assign, move on, label. Each view makes one service call."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.permissions import Permission, StaffRequest, require, staff_page
from accounts.selectors import get_preference
from core.actors import Actor
from core.errors import InvalidInput, NotFound
from core.http.answers import is_htmx, toast
from tickets import services
from tickets.enums import TicketStatus
from tickets.errors import FieldsMissing
from tickets.models import Ticket
from tickets.selectors.lists import neighbours
from tickets.selectors.settings import assignable_staff, category_tree
from tickets.views.desk_fields import ask_fields, why_of
from tickets.views.desk_page import TEMPLATE, head_context, open_ticket_page, view_key


def answer(
    request: StaffRequest, ticket: Ticket, message: Any = "", *, undo: str = "", then: int | None = None
) -> HttpResponse:
    """Return the fresh head to HTMX (or send it to the next ticket), a redirect to others."""
    view = view_key(request)
    target = f"{reverse('tickets:ticket', args=[then or ticket.pk])}?view={view}"
    if not is_htmx(request):
        if message:
            messages.success(request, message)
        return HttpResponseRedirect(target)
    if then:
        response = HttpResponse(status=204)
        response["HX-Location"] = json.dumps({"path": target, "target": "#conversation", "swap": "outerHTML"})
    else:
        fresh = open_ticket_page(request, ticket.pk)
        response = render(request, f"{TEMPLATE}#head", head_context(request, fresh, view))
    response["HX-Trigger"] = json.dumps({"ticketChanged": {"id": ticket.pk}})
    if message:
        extra: dict[str, Any] = {"undo": {"url": undo, "label": gettext("Undo")}} if undo else {}
        toast(response, message, **extra)
    return response


@staff_page(Permission.TICKET_VIEW)
def assign(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Offer colleagues (GET), or give the ticket to one of them, to oneself (`me`) or to nobody."""
    ticket = open_ticket_page(request, ticket_id)
    if request.method != "POST":
        require(request.user, Permission.TICKET_ASSIGN)
        people = assignable_staff(request.user, query=request.GET.get("q", ""))
        return _choices(request, "assign", {"ticket": ticket, "people": people})
    wanted = request.POST.get("assignee", "")
    assignee_id = request.user.pk if wanted == "me" else int(wanted) if wanted.isdecimal() else None
    require(request.user, Permission.TICKET_REPLY if wanted == "me" else Permission.TICKET_ASSIGN)
    before = ticket.assignee_id
    actor, at = Actor.staff(request.user), timezone.now()
    if wanted == "me" and not request.POST.get("was"):
        services.take_ticket(ticket_id=ticket.pk, actor=actor, at=at)
    elif assignee_id is None:
        services.return_ticket(ticket_id=ticket.pk, actor=actor, at=at)
    else:
        services.assign_ticket(ticket_id=ticket.pk, assignee_id=assignee_id, actor=actor, at=at)
    words = _("The ticket is yours.") if wanted == "me" else _("Assigned.") if assignee_id else _("Back to the queue.")
    undo = reverse("tickets:bulk_undo", args=[undo_token(request, [(ticket.pk, before)])])
    return answer(request, ticket, words, undo=undo)


def undo_token(request: StaffRequest, before: list[tuple[int, int | None]]) -> str:
    """Return a signed note of who had which ticket, good for this person for a few minutes."""
    from core.crypto import sign

    return sign({"by": request.user.pk, "was": before}, "tickets.undo_assign")


def _choices(request: StaffRequest, part: str, context: dict[str, Any]) -> HttpResponse:
    """Return the items of a menu to HTMX, a small page with the same choices to others."""
    context["view"] = view_key(request)
    if is_htmx(request):
        return render(request, f"tickets/desk/choices.html#{part}", context)
    return render(request, "tickets/desk/choices.html", {"part": part, **context})


@staff_page(Permission.TICKET_EDIT)
@require_POST
def change_status(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Move the ticket to another state."""
    ticket, status = open_ticket_page(request, ticket_id), request.POST.get("status", "")
    if status not in TicketStatus.values:
        raise InvalidInput
    if status == TicketStatus.RESOLVED:
        return resolve(request, ticket_id)
    services.change_status(
        ticket_id=ticket.pk, status=status, actor=Actor.staff(request.user), at=timezone.now(), why=why_of(request)
    )
    return answer(request, ticket, _("Status: %(status)s") % {"status": TicketStatus(status).label})


@staff_page(Permission.TICKET_RESOLVE)
@require_POST
def resolve(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Resolve the ticket, then stay or go on as the agent likes it."""
    ticket = open_ticket_page(request, ticket_id)
    then = next_after(request, ticket)
    try:
        services.resolve_ticket(
            ticket_id=ticket.pk, actor=Actor.staff(request.user), at=timezone.now(), why=why_of(request)
        )
    except FieldsMissing as error:
        return ask_fields(request, ticket, error)
    return answer(request, ticket, _("Resolved. The customer will be asked how it went."), then=then)


def next_after(request: StaffRequest, ticket: Ticket) -> int | None:
    """Return the ticket to open after this one is resolved; None to stay."""
    if get_preference(request.user.pk, "desk.after_resolve", "stay") != "next":
        return None
    return neighbours(request.user, view_key(request), ticket, now=timezone.now())


@staff_page(Permission.TICKET_RESOLVE)
@require_POST
def reopen(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Open a finished ticket again."""
    ticket = open_ticket_page(request, ticket_id)
    services.reopen_ticket(ticket_id=ticket.pk, actor=Actor.staff(request.user), at=timezone.now())
    return answer(request, ticket, _("Open again."))


@staff_page(Permission.TICKET_EDIT)
def categorise(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Offer categories (GET), or say what the ticket is about."""
    ticket = open_ticket_page(request, ticket_id)
    if request.method != "POST":
        language = "en" if (get_language() or "").startswith("en") else "zh-hans"
        return _choices(request, "categories", {"ticket": ticket, "tree": category_tree(language)})
    wanted = request.POST.get("category", "")
    services.categorise_ticket(
        ticket_id=ticket.pk,
        category_id=int(wanted) if wanted.isdecimal() else None,
        actor=Actor.staff(request.user),
        at=timezone.now(),
    )
    return answer(request, ticket, _("Category saved."))


@staff_page(Permission.TICKET_EDIT)
@require_POST
def prioritise(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Say how urgent the ticket is."""
    ticket, wanted = open_ticket_page(request, ticket_id), request.POST.get("priority", "")
    if not wanted.isdecimal():
        raise InvalidInput
    services.set_priority(ticket_id=ticket.pk, priority=int(wanted), actor=Actor.staff(request.user), at=timezone.now())
    return answer(request, ticket, _("Priority saved."))


@staff_page(Permission.TICKET_BLOCK)
@require_POST
def mark_spam(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Put the ticket among spam, or take it out again (`spam` = 0)."""
    ticket, is_spam = open_ticket_page(request, ticket_id), request.POST.get("spam", "1") == "1"
    services.mark_spam(ticket_id=ticket.pk, is_spam=is_spam, actor=Actor.staff(request.user), at=timezone.now())
    return answer(request, ticket, _("Moved to spam.") if is_spam else _("No longer spam."))


@staff_page(Permission.TICKET_EDIT)
def connect_order(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Look for an order by number or phone (GET `q`), or connect one to the ticket."""
    from orders.selectors import get_order_for, search_orders

    ticket = open_ticket_page(request, ticket_id)
    if request.method != "POST":
        query = request.GET.get("q", "").strip()
        orders = search_orders(request.user, query, 8) if query else []
        return _choices(request, "orders", {"ticket": ticket, "orders": orders, "q": query})
    wanted = request.POST.get("order", "")
    if not wanted.isdecimal():
        raise NotFound
    order = get_order_for(request.user, int(wanted), Permission.ORDER_VIEW)
    services.connect_order(ticket_id=ticket.pk, order_id=order.pk, actor=Actor.staff(request.user), at=timezone.now())
    messages.success(request, _("Order %(number)s connected.") % {"number": order.number})
    target = f"{reverse('tickets:ticket', args=[ticket.pk])}?view={view_key(request)}"
    if is_htmx(request):
        response = HttpResponse(status=204)
        response["HX-Redirect"] = target
        return response
    return HttpResponseRedirect(target)

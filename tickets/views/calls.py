"""Calls beside one's work: the cards, joining a ticket, wrapping up, recordings, calling by click."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, has, staff_page
from accounts.services import record_access
from core.actors import Actor
from core.errors import DomainError, InvalidInput, NotAllowed, NotFound
from core.http import client_ip, form_invalid, render_page, toast
from core.http.answers import is_htmx
from customers.permissions import get_customer_for
from orders.selectors import search_orders
from tickets.calls_enums import CallState
from tickets.calls_permissions import get_call_back_for, get_call_for
from tickets.enums import ACTIVE_STATUSES
from tickets.forms.calls import WrapUpForm
from tickets.models import Call
from tickets.permissions import get_ticket_for, tickets_visible_to
from tickets.selectors.call_plans import menu_words, seat_of
from tickets.selectors.calls import Card, cards_of
from tickets.services.calls.attaching import join_ticket
from tickets.services.calls.dialing import Target, dial
from tickets.services.calls.wrapping import wrap_up_call

CARDS, WRAP = "tickets/calls/cards.html", "tickets/calls/wrap_up.html"


@staff_page(Permission.TICKET_REPLY)
@never_cache
@require_safe
def cards(request: StaffRequest) -> HttpResponse:
    """Show the calls that concern this person now; the desk's script puts them beside her work."""
    return render(request, CARDS, _cards(request))


def _cards(request: StaffRequest) -> dict[str, Any]:
    now = timezone.now()
    found = cards_of(request.user, now)
    to_wrap_up = [card.call.pk for card in found if card.phase == "wrap_up"]
    return {
        "cards": found,
        "form_for": None if any(card.phase == "talking" for card in found) else next(iter(to_wrap_up[-1:]), None),
        "now": now,
        "may_reveal": has(request.user, Permission.PII_REVEAL),
        "wrap_form": _form(None),
    }


def _form(data: Any) -> WrapUpForm:
    language = "en" if (get_language() or "").startswith("en") else "zh-hans"
    return WrapUpForm(data, language=language, auto_id="wrap_%s")


def changed(request: StaffRequest, words: Any, to: str = "") -> HttpResponse:
    """Answer a press: the cards look again (HTMX), or back to the calls."""
    if is_htmx(request):
        answer = HttpResponse(status=204, headers={"HX-Trigger": '{"calls:look": {}}'})
        return toast(answer, words)
    messages.success(request, words)
    return HttpResponseRedirect(to or reverse("tickets:calls"))


@staff_page(Permission.TICKET_REPLY)
@require_POST
def join(request: StaffRequest, call_id: int) -> HttpResponse:
    """Put a call onto an open ticket (`ticket`), or onto one of its own."""
    call = _own_call(request, call_id)
    asked = request.POST.get("ticket", "")
    ticket_id = int(asked) if asked.isdecimal() and len(asked) < 19 else None
    if ticket_id is not None:
        ticket_id = get_ticket_for(request.user, ticket_id, Permission.TICKET_REPLY).pk
    done = join_ticket(call_id=call.pk, ticket_id=ticket_id, actor=Actor.staff(request.user), at=timezone.now())
    to = reverse("tickets:ticket", args=[done.ticket_id]) if done.ticket_id else ""
    if is_htmx(request) and to:
        return HttpResponse(status=204, headers={"HX-Redirect": to})
    return changed(request, _("The call has a ticket of its own."), to)


def _own_call(request: StaffRequest, call_id: int) -> Call:
    """Return a call at one's own desk: ringing there, answered or asked for by oneself. Raises NotAllowed."""
    call = get_call_for(request.user, call_id, Permission.TICKET_REPLY)
    seat = seat_of(request.user.pk)
    rings_here = call.state == CallState.RINGING and seat is not None and seat.extension in call.ringing_to
    if not (rings_here or request.user.pk in {call.agent_id, call.asked_by_id}):
        raise NotAllowed
    return call


@staff_page(Permission.TICKET_REPLY)
@require_http_methods(["GET", "HEAD", "POST"])
def wrap_up(request: StaffRequest, call_id: int) -> HttpResponse:
    """Wrap a call up: what came of it, the note, what is owed."""
    call = get_call_for(request.user, call_id, Permission.TICKET_REPLY)
    if call.agent_id != request.user.pk:
        raise NotAllowed
    form = _form(request.POST if request.method == "POST" else None)
    ways = menu_words([call])
    context = {"card": Card(call, "wrap_up", menu=ways.get(call.pk, "")), "form": form, "call": call}
    if request.method != "POST":
        if call.wrapped_at is not None:
            return HttpResponseRedirect(reverse("tickets:calls"))
        return render_page(request, WRAP, context, fragment="form")
    if not form.is_valid():
        return form_invalid(request, WRAP, context, fragment="form")
    try:
        wrap_up_call(call_id=call.pk, wrap_up=form.wrap_up(), actor=Actor.staff(request.user), at=timezone.now())
    except DomainError as error:
        if isinstance(error, NotFound | NotAllowed):
            raise
        _show(form, error)
        return form_invalid(request, WRAP, context, fragment="form")
    return changed(request, _("Wrapped up. The note is in the ticket."))


def _show(form: Any, error: DomainError) -> None:
    """Put a refusal beside the fields it is about."""
    told = error.fields if isinstance(error, InvalidInput) else {}
    names = {"due_at": "promise_due_at", "words": "promise_words", "kind": "promise_kind", "text": "note"}
    for name, texts in told.items():
        place = names.get(name, name)
        for text in texts:
            form.add_error(place if place in form.fields else None, text)
    if not told:
        form.add_error(None, str(error.message))


@staff_page(Permission.TICKET_REPLY)
@require_safe
def find_order(request: StaffRequest, call_id: int) -> HttpResponse:
    """Find whom a call is about by the order number the caller names; each hit's open tickets can be joined."""
    call = get_call_for(request.user, call_id, Permission.TICKET_REPLY)
    asked = request.GET.get("q", "").strip()[:64]
    orders = search_orders(request.user, asked, 3) if asked else []
    open_ones = tickets_visible_to(request.user).filter(
        order_id__in=[one.pk for one in orders], merged_into__isnull=True, status__in=ACTIVE_STATUSES
    )
    tickets = list(open_ones.select_related("order").order_by("-last_message_at", "-pk")[:6]) if orders else []
    context = {"call": call, "orders": orders, "tickets": tickets, "asked": asked}
    return render_page(request, "tickets/calls/found.html", context, fragment="found")


@staff_page(Permission.CALL_LISTEN)
@never_cache
@require_safe
def recording(request: StaffRequest, call_id: int) -> HttpResponse:
    """Lead to a call's recording at the PBX; who listened is written down. We never fetch it ourselves."""
    call = get_call_for(request.user, call_id, Permission.CALL_LISTEN)
    url = call.recording_url
    if not url.startswith("https://"):
        raise NotFound
    if request.method == "GET":
        record_access(
            actor=Actor.staff(request.user), subject_type="call", subject_id=call.pk, fields=["recording"],
            purpose="listen", at=timezone.now(), ip=client_ip(request),
        )  # fmt: skip
    return HttpResponseRedirect(url, headers={"Referrer-Policy": "no-referrer"})


@staff_page(Permission.TICKET_REPLY)
@require_POST
def dial_number(request: StaffRequest) -> HttpResponse:
    """Have the PBX ring one's own phone, then the customer's; `customer`, `ticket`, `call` or `call_back` says who."""
    target = _target(request)
    dial(target=target, staff_id=request.user.pk, at=timezone.now())
    return changed(request, _("Your phone rings in a moment. Pick it up and you are connected."))


def _target(request: StaffRequest) -> Target:
    """Read whom to call, each behind its own door. Raises NotFound."""
    for name in ("call_back", "call", "ticket", "customer"):
        text = request.POST.get(name, "")
        if not text:
            continue
        pk = int(text) if text.isdecimal() and len(text) < 19 else 0
        match name:
            case "call_back":
                return Target(call_back_id=get_call_back_for(request.user, pk).pk)
            case "call":
                return Target(call_id=get_call_for(request.user, pk, Permission.TICKET_REPLY).pk)
            case "ticket":
                return Target(ticket_id=get_ticket_for(request.user, pk, Permission.TICKET_REPLY).pk)
            case _:
                return Target(customer_id=get_customer_for(request.user, pk).pk)
    raise NotFound

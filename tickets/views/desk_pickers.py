"""What the composer offers while one types: canned replies after /, colleagues after @, orders after #, macros."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import Permission, StaffRequest, has, staff_page
from customers.selectors import aliases_of
from orders.selectors import orders_visible_to, search_orders
from tickets import services
from tickets.models import Attachment
from tickets.rich_text import as_html, picture_keys
from tickets.selectors.canned import VARIABLE_NAMES, canned_replies, fill_in, missing_in, variables_for
from tickets.selectors.macros import offer_macros
from tickets.selectors.mentions import offer_colleagues
from tickets.services.writing import MAX_TEXT, clean_html
from tickets.views.desk_html import safe_html, safe_text
from tickets.views.desk_page import open_ticket_page
from tickets.views.desk_stream import file_url

TEMPLATE = "tickets/desk/canned.html"


@staff_page(Permission.TICKET_NOTE)
@require_GET
def canned(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Return canned replies that match, filled in for this ticket; what cannot be filled is named."""
    ticket = open_ticket_page(request, ticket_id)
    values = variables_for(ticket, request.user)
    rows = []
    for one in canned_replies(request.user, query=request.GET.get("q", ""), language=ticket.language):
        text = fill_in(one.body, values)
        missing = [VARIABLE_NAMES[name] for name in missing_in(text)]
        rows.append({"id": one.pk, "title": one.title, "shortcut": one.shortcut, "folder": one.folder, "text": text,
                     "missing": missing})  # fmt: skip
    return render(request, TEMPLATE, {"rows": rows, "part": "canned"})


@staff_page(Permission.TICKET_NOTE)
@require_POST
def used_canned(request: HttpRequest, reply_id: int) -> HttpResponse:
    """Count that a canned reply was taken."""
    services.count_canned_use(reply_id=reply_id)
    return HttpResponse(status=204)


@staff_page(Permission.TICKET_NOTE)
@require_GET
def macros(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Return macros that match, each with what it would do to this ticket."""
    ticket, language = open_ticket_page(request, ticket_id), get_language() or ""
    offers = offer_macros(
        ticket, request.user, query=request.GET.get("q", ""), language="en" if language.startswith("en") else "zh-hans"
    )
    rows = [(offer, [VARIABLE_NAMES[name] for name in offer.missing]) for offer in offers]
    return render(request, TEMPLATE, {"rows": rows, "part": "macros", "ticket": ticket})


@staff_page(Permission.TICKET_NOTE)
@require_GET
def colleagues(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Return colleagues a note may speak to."""
    ticket = open_ticket_page(request, ticket_id)
    people = offer_colleagues(ticket, request.user, request.GET.get("q", ""))
    return render(request, TEMPLATE, {"rows": people, "part": "people"})


@staff_page(Permission.TICKET_NOTE)
@require_GET
def orders(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Return orders to name: those that match, without a query the customer's newest."""
    ticket, query = open_ticket_page(request, ticket_id), request.GET.get("q", "").strip()
    if not has(request.user, Permission.ORDER_VIEW):
        found = []
    elif query:
        found = search_orders(request.user, query, 8)
    else:
        own = orders_visible_to(request.user).filter(customer_id__in=aliases_of(ticket.customer_id or 0))
        found = list(own.select_related("customer", "shop").order_by("-placed_at", "-pk")[:8])
    may_connect = ticket.order_id is None and has(request.user, Permission.TICKET_EDIT)
    return render(request, TEMPLATE, {"rows": found, "part": "orders", "ticket": ticket, "may_connect": may_connect})


@staff_page(Permission.TICKET_NOTE)
@require_POST
def preview(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Return the text as it will stand in the conversation and in the mail."""
    ticket, source = open_ticket_page(request, ticket_id), request.POST.get("text", "")[:MAX_TEXT]
    keys = picture_keys(source)
    own = Attachment.objects.filter(ticket_id=ticket.pk, uploaded_by=request.user.pk, key__in=keys) if keys else []
    files = {f"{row.key}@inline": file_url({"key": row.key}) for row in own}
    html = as_html(source, pictures={row.key for row in own})
    shown = safe_html(clean_html(html), files) if html else safe_text(source)
    return render(request, TEMPLATE, {"part": "preview", "shown": shown, "is_rich": bool(html), "at": timezone.now()})

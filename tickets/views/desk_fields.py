"""A ticket's own fields on the desk: filled in a dialog, at once when something is missing before resolving."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Permission, StaffRequest, require, staff_page
from core.actors import Actor
from core.errors import InvalidInput, StaleEdit
from core.http import numbered
from core.http.answers import is_htmx, toast
from tickets import services
from tickets.enums import FieldKind
from tickets.models import Ticket
from tickets.selectors.fields import fields_for_category, values_of
from tickets.views.desk_page import open_ticket_page, view_key

TEMPLATE = "tickets/desk/fields.html"
MAX_WHY = 500


@staff_page(Permission.TICKET_EDIT)
def fields(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Show the fields (GET), or write them; with `then` = resolve the ticket is resolved after that."""
    ticket = open_ticket_page(request, ticket_id)
    then = request.POST.get("then", request.GET.get("then", ""))
    if request.method != "POST":
        return show_fields(request, ticket, then=then)
    if then == "resolve":
        require(request.user, Permission.TICKET_RESOLVE)
    typed, shown = numbered(request.POST, "field_"), numbered(request.POST, "was_")
    actor, at = Actor.staff(request.user), timezone.now()
    try:
        services.fill_fields(ticket_id=ticket.pk, values=typed, shown=shown, actor=actor, at=at)
        if then == "resolve":
            services.resolve_ticket(ticket_id=ticket.pk, actor=actor, at=at, why=why_of(request))
    except InvalidInput as error:
        return show_fields(request, ticket, then=then, typed=typed, errors=error.fields, status=422)
    except StaleEdit as error:
        return show_fields(request, ticket, then=then, typed=typed, changes=error.changes, status=409)
    words = _("Resolved. The customer will be asked how it went.") if then == "resolve" else _("Saved.")
    if not is_htmx(request):
        messages.success(request, words)
        return HttpResponseRedirect(f"{reverse('tickets:ticket', args=[ticket.pk])}?view={view_key(request)}")
    response = HttpResponse(status=204)
    response["HX-Trigger"] = json.dumps({"ticketChanged": {"id": ticket.pk}, "fieldsFilled": {"id": ticket.pk}})
    return toast(response, words)


def why_of(request: StaffRequest) -> str:
    """Return the words typed beside a status. Raises InvalidInput when they are too many."""
    words = request.POST.get("why", "").strip()
    if len(words) > MAX_WHY:
        raise InvalidInput(fields={"why": [_("A reason has %(most)d characters at most.") % {"most": MAX_WHY}]})
    return words


def show_fields(
    request: StaffRequest,
    ticket: Ticket,
    *,
    then: str = "",
    typed: dict[int, str] | None = None,
    errors: dict[str, list[Any]] | None = None,
    changes: list[dict[str, Any]] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show the form: as a dialog to HTMX, as a small page to others; the first missing field has the focus."""
    language = "en" if (get_language() or "").startswith("en") else "zh-hans"
    known, errors = values_of(ticket.pk), errors or {}
    rows: list[dict[str, Any]] = []
    for row in fields_for_category(ticket.category_id):
        value = (typed or known).get(row.pk, known.get(row.pk, ""))
        said = errors.get(f"field_{row.pk}", [])
        rows.append({"field": row, "label": row.label_in(language), "value": value, "now": known.get(row.pk, ""),
                     "errors": said, "choices": row.choices_in(language)})  # fmt: skip
    wrong = [row for row in rows if row["errors"]] or [r for r in rows if r["field"].is_required and not r["value"]]
    context = {
        "ticket": ticket, "rows": rows, "then": then, "view": view_key(request),
        "why": request.POST.get("why", ""), "has_errors": bool(errors),
        "changes": None if changes is None else _in_words(changes, rows),
        "focus_id": (wrong or rows)[0]["field"].pk if rows else 0,
    }  # fmt: skip
    name = f"{TEMPLATE}#dialog" if is_htmx(request) else TEMPLATE
    return render(request, name, context, status=status)


def _in_words(changes: list[dict[str, Any]], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what a colleague filled meanwhile, by the fields' labels and the words of their choices."""
    by_id = {row["field"].pk: row for row in rows}
    found: list[dict[str, Any]] = []
    for change in changes:
        row = by_id[change["field"]]
        words = dict(row["choices"]) | {"": "–"}
        if row["field"].kind == FieldKind.YESNO:
            words |= {"yes": _("Yes"), "no": _("No")}
        theirs, yours = change["theirs"], change["yours"]
        found.append({"label": row["label"], "theirs": words.get(theirs, theirs), "yours": words.get(yours, yours)})
    return found


def ask_fields(request: StaffRequest, ticket: Ticket, error: InvalidInput) -> HttpResponse:
    """Answer a refused "resolve" with the fields that are missing, ready to be filled."""
    response = show_fields(request, ticket, then="resolve", errors=error.fields, status=422)
    if is_htmx(request):
        response["HX-Retarget"], response["HX-Reswap"] = "#ask", "innerHTML"
    return response

"""The tags of a ticket: shown in its head, added and removed one by one."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Permission, StaffRequest, staff_page
from core.actors import Actor
from core.errors import InvalidInput
from core.http.answers import is_htmx
from core.text import normalise
from tickets import services
from tickets.forms.categories import read_tags
from tickets.models import Ticket
from tickets.selectors.tags import known_tags
from tickets.views.desk_actions import answer
from tickets.views.desk_page import open_ticket_page, view_key

MAX_TAG = 40


@staff_page(Permission.TICKET_EDIT)
def tags(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Offer known tags (GET), add what was typed (`add`) or chosen as it is (`chosen`), or take one off (`remove`)."""
    ticket = open_ticket_page(request, ticket_id)
    if request.method != "POST":
        return _offer(request, ticket)
    add = (*read_tags(" ".join(request.POST.getlist("add"))), *request.POST.getlist("chosen"))
    if too_long := next((tag for tag in add if len(normalise(tag)) > MAX_TAG), None):
        words = _("“%(tag)s” is too long for a tag: %(most)d characters are the most.")
        raise InvalidInput(fields={"add": [words % {"tag": too_long[:20] + "…", "most": MAX_TAG}]})
    services.change_tags(
        ticket_id=ticket.pk, add=add, remove=request.POST.getlist("remove"), actor=Actor.staff(request.user),
        at=timezone.now(),
    )  # fmt: skip
    return answer(request, ticket)


def _offer(request: StaffRequest, ticket: Ticket) -> HttpResponse:
    known = [tag for tag in known_tags(request.user) if tag not in ticket.tags]
    context = {"ticket": ticket, "known": known, "view": view_key(request), "most": MAX_TAG}
    part = "tickets/desk/choices_tags.html" if is_htmx(request) else "tickets/desk/tags.html"
    return render(request, part, context)

"""Many tickets at once."""

from __future__ import annotations

import json
from datetime import timedelta

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST

from accounts.permissions import Permission, StaffRequest, require, staff_page
from core.actors import Actor
from core.crypto import verify
from core.errors import DomainError, InvalidInput, NotFound
from core.http.answers import is_htmx, toast
from tickets import services
from tickets.permissions import get_ticket_for, tickets_visible_to
from tickets.views.desk_actions import undo_token
from tickets.views.desk_page import view_key

MOST = 200
UNDO = timedelta(minutes=10)


@staff_page(Permission.TICKET_BULK)
@require_POST
def act_on_many(request: StaffRequest) -> HttpResponse:
    """Take or resolve the chosen tickets; one that cannot be does not stop the others."""
    ids = [int(pk) for pk in request.POST.getlist("ids") if pk.isdecimal()][:MOST]
    act = request.POST.get("do", "")
    if act not in {"take", "resolve"}:
        raise InvalidInput
    require(request.user, Permission.TICKET_RESOLVE if act == "resolve" else Permission.TICKET_ASSIGN)
    actor, at = Actor.staff(request.user), timezone.now()
    done: list[tuple[int, int | None]] = []
    left = 0
    for pk, before in (
        tickets_visible_to(request.user).filter(pk__in=ids).order_by("pk").values_list("pk", "assignee_id")
    ):
        try:
            if act == "take":
                services.assign_ticket(ticket_id=pk, assignee_id=request.user.pk, actor=actor, at=at)
            else:
                services.resolve_ticket(ticket_id=pk, actor=actor, at=at)
            done.append((pk, before))
        except DomainError:
            left += 1
    return _told(request, act, done, left)


def _told(request: StaffRequest, act: str, done: list[tuple[int, int | None]], left: int) -> HttpResponse:
    if act == "take":
        words = ngettext("%(n)d ticket is yours.", "%(n)d tickets are yours.", len(done)) % {"n": len(done)}
    else:
        words = ngettext("%(n)d ticket resolved.", "%(n)d tickets resolved.", len(done)) % {"n": len(done)}
    if left:
        words += " " + ngettext("%(n)d could not be changed.", "%(n)d could not be changed.", left) % {"n": left}
    if not is_htmx(request):
        messages.success(request, words)
        return HttpResponseRedirect(f"{reverse('tickets:desk')}?view={view_key(request)}")
    response = HttpResponse(status=204)
    response["HX-Trigger"] = json.dumps({"ticketChanged": {}, "bulkDone": {}})
    undo = {"undo": {"url": reverse("tickets:bulk_undo", args=[undo_token(request, done)]), "label": gettext("Undo")}}
    return toast(response, words, tone="warn" if left else "good", **(undo if act == "take" and done else {}))


@staff_page(Permission.TICKET_REPLY)
@require_POST
def undo_assign(request: StaffRequest, token: str) -> HttpResponse:
    """Give tickets back to whoever had them, unless somebody else has moved them on meanwhile."""
    note = verify(token, "tickets.undo_assign", max_age=UNDO)
    if note.get("by") != request.user.pk:
        raise NotFound
    actor, at = Actor.staff(request.user), timezone.now()
    for pk, before in note["was"]:
        ticket = get_ticket_for(request.user, pk, Permission.TICKET_VIEW)
        services.assign_ticket(ticket_id=ticket.pk, assignee_id=before, actor=actor, at=at, reason="undone")
    response = HttpResponse(status=204)
    response["HX-Trigger"] = json.dumps({"ticketChanged": {}})
    return toast(response, gettext("Undone.")) if is_htmx(request) else HttpResponseRedirect(reverse("tickets:desk"))

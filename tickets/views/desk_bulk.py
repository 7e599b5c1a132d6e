"""Many tickets at once: choose, order, watch, undo."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import Permission, StaffRequest, has, staff_page, team_scope
from accounts.selectors import active_teams
from core.actors import Actor
from core.crypto import verify
from core.errors import InvalidInput, NotFound
from core.http import render_page
from core.http.answers import is_htmx, toast
from tickets import services
from tickets.enums import BulkAction, BulkState, Priority
from tickets.models import BulkRun
from tickets.permissions import get_ticket_for, tickets_visible_to
from tickets.selectors.bulk import Progress, progress_of
from tickets.selectors.settings import assignable_staff, category_tree
from tickets.selectors.views import tickets_in_view
from tickets.services.bulk import AT_ONCE, RIGHTS, UNDO_FOR, go_on, known_ids, start_bulk, undo_bulk
from tickets.services.bulk_actions import BY_HAND
from tickets.views.desk_page import view_key

NUMBERS = {BulkAction.ASSIGN: "assignee", BulkAction.TEAM: "team", BulkAction.PRIORITY: "priority",
           BulkAction.CATEGORY: "category"}  # fmt: skip


@staff_page(Permission.TICKET_BULK)
@require_POST
def act_on_many(request: StaffRequest) -> HttpResponse:
    """Change the chosen tickets, or all of the view (`all`): few at once, many by a job whose progress is shown."""
    action, now = request.POST.get("do", ""), timezone.now()
    if request.POST.get("all") == "1":
        tickets = tickets_in_view(request.user, view_key(request), now=now)
    else:
        tickets = tickets_visible_to(request.user).filter(pk__in=known_ids(request.POST.getlist("ids")))
    run = start_bulk(
        staff=request.user,
        action=action,
        value=_value(request, action),
        tickets=tickets,
        at=now,
        client_id=_client_id(request.POST.get("client_id", "")),
    )
    if run.total <= AT_ONCE:
        go_on(run_id=run.pk)
    return _told(request, progress_of(run.pk))


def _value(request: StaffRequest, action: str) -> dict[str, Any]:
    post = request.POST
    if action in NUMBERS:
        name = NUMBERS[BulkAction(action)]
        given = post.get(name, "")
        if action == BulkAction.ASSIGN and given == "nobody":
            return {name: None}
        if not (given.isascii() and given.isdecimal() and len(given) < 16):
            raise InvalidInput(_("Choose what to change first."))
        return {name: int(given)}
    if action == BulkAction.STATUS:
        return {"status": post.get("status", "")}
    return {"tags": post.get("tags", "").replace("，", ",").replace("、", ",").split(",")}


def _client_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _told(request: StaffRequest, progress: Progress) -> HttpResponse:
    """Say what became of it: by a toast with undo, or by the run's own page while it works or when some were left."""
    url = reverse("tickets:bulk_run", args=[progress.run.pk])
    if not is_htmx(request):
        if progress.is_over and not progress.refused:
            messages.success(request, result_words(progress))
            return HttpResponseRedirect(f"{reverse('tickets:desk')}?view={view_key(request)}")
        return HttpResponseRedirect(url)
    if not progress.is_over:
        response = HttpResponse(status=204)
        response["HX-Trigger"] = json.dumps({"bulkDone": {}, "bulkStarted": {"url": url}})
        return response
    response = HttpResponse(status=204)
    response["HX-Trigger"] = json.dumps({"ticketChanged": {}, "bulkDone": {}})
    extra: dict[str, Any] = {}
    if progress.done:
        extra["undo"] = {"url": reverse("tickets:bulk_run_undo", args=[progress.run.pk]), "label": gettext("Undo")}
    if progress.refused:
        extra["link"] = {"url": url, "label": gettext("Which ones?")}
    return toast(response, result_words(progress), tone="warn" if progress.refused else "good", **extra)


def result_words(progress: Progress) -> str:
    """Return the outcome of a run in words."""
    done = progress.undone if progress.is_undo else progress.done
    if progress.is_undo:
        words = ngettext("%(n)d ticket is as it was.", "%(n)d tickets are as they were.", done) % {"n": done}
    else:
        words = ngettext("%(n)d ticket changed.", "%(n)d tickets changed.", done) % {"n": done}
    left = progress.kept if progress.is_undo else progress.refused
    if left:
        words += " " + ngettext("%(n)d was left alone.", "%(n)d were left alone.", left) % {"n": left}
    return words


@staff_page(Permission.TICKET_BULK)
@require_GET
def run_page(request: StaffRequest, run_id: int) -> HttpResponse:
    """Show how far a run has come, and which tickets it left alone and why."""
    context = _run_context(request, run_id)
    return render_page(request, "tickets/desk/bulk_run.html", context, fragment="progress")


def _run_context(request: StaffRequest, run_id: int) -> dict[str, Any]:
    if not BulkRun.objects.filter(pk=run_id, staff=request.user).exists():
        raise NotFound
    progress, now = progress_of(run_id), timezone.now()
    return {
        "progress": progress,
        "run": progress.run,
        "words": result_words(progress),
        "can_undo": progress.run.state == BulkState.DONE and progress.done > 0 and now <= progress.run.undo_until,
    }


@staff_page(Permission.TICKET_BULK)
@require_POST
def undo_run(request: StaffRequest, run_id: int) -> HttpResponse:
    """Take a run back: what still stands as it left it."""
    run = undo_bulk(run_id=run_id, staff=request.user, at=timezone.now())
    if run.total <= AT_ONCE:
        go_on(run_id=run.pk)
    return _told(request, progress_of(run.pk))


@staff_page(Permission.TICKET_BULK)
@require_GET
def choices(request: StaffRequest) -> HttpResponse:
    """Return the further actions of the bar with what they can be set to."""
    language = "en" if (get_language() or "").startswith("en") else "zh-hans"
    scope = team_scope(request.user)
    context = {
        "people": assignable_staff(request.user),
        "teams": active_teams() if scope is None else active_teams().filter(pk__in=scope),
        "tree": category_tree(language),
        "priorities": Priority.choices,
        "statuses": [(status.value, status.label) for status in BY_HAND],
        "may": {action.value: has(request.user, RIGHTS[action]) for action in BulkAction},
    }
    return render(request, "tickets/desk/bulk_choices.html", context)


@staff_page(Permission.TICKET_REPLY)
@require_POST
def undo_assign(request: StaffRequest, token: str) -> HttpResponse:
    """Give tickets back to whoever had them, unless somebody else has moved them on meanwhile."""
    note = verify(token, "tickets.undo_assign", max_age=UNDO_FOR)
    if note.get("by") != request.user.pk:
        raise NotFound
    actor, at = Actor.staff(request.user), timezone.now()
    for pk, before in note["was"]:
        ticket = get_ticket_for(request.user, pk, Permission.TICKET_VIEW)
        services.assign_ticket(ticket_id=ticket.pk, assignee_id=before, actor=actor, at=at, reason="undone")
    response = HttpResponse(status=204)
    response["HX-Trigger"] = json.dumps({"ticketChanged": {}})
    return toast(response, gettext("Undone.")) if is_htmx(request) else HttpResponseRedirect(reverse("tickets:desk"))

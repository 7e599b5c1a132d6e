"""Department tasks: the work list and one task with the conversation it is about."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, has, staff_page
from accounts.selectors import members_of
from core import registry
from core.actors import Actor
from core.errors import InvalidInput, StaleEdit
from core.http import form_invalid, render_page
from orders.selectors import order_products
from tickets.forms.work import AnswerForm, AskAgainForm, DeclineForm, DueForm, local_moment
from tickets.models import DepartmentTask
from tickets.selectors.conversation import last_messages
from tickets.selectors.tasks import PAGE, TABS, Keyset, count_tasks, defects_visible_to, task_page
from tickets.services import store_attachment
from tickets.services import tasks as services
from tickets.services.task_clock import business_due, calendar_of_team
from tickets.views.desk_stream import render_stream
from tickets.views.promises import keyset_of, show_errors
from tickets.work_enums import TaskAction
from tickets.work_errors import TaskMovedOn
from tickets.work_permissions import get_task_for, parts_in, possible_actions

LIST, DETAIL, DEFECTS = "tickets/tasks/list.html", "tickets/tasks/task.html", "tickets/tasks/defects.html"


@staff_page(Permission.TASK_WORK)
@require_safe
def task_list(request: StaffRequest) -> HttpResponse:
    """List the tasks of a tab; the fragment comes back whenever one changes."""
    now, tab = timezone.now(), request.GET.get("tab", "")
    counts = count_tasks(request.user, at=now)
    tab = tab if tab in TABS else "team" if counts["team"] or not counts["asked"] else "asked"
    rows = task_page(request.user, tab, at=now, after=keyset_of(request.GET.get("after", ""), Keyset))
    shown, more = rows[:PAGE], rows[PAGE:]
    context = {
        "tab": tab,
        "tabs": _tabs(request, tab, counts),
        "rows": shown,
        "next_url": _next_url(tab, shown[-1]) if more else "",
        "here": request.get_full_path(),
        "now": now,
    }
    return render_page(request, LIST, context, fragment="list")


def _tabs(request: StaffRequest, active: str, counts: dict[str, int]) -> list[dict[str, Any]]:
    labels = {
        "team": _("My department"), "mine": pgettext("tasks", "Mine"), "overdue": pgettext("promise state", "Overdue"),
        "asked": _("Asked by me"), "done": pgettext("tasks", "Done"),
    }  # fmt: skip
    base = reverse("tickets:tasks")
    tabs = [
        {"label": labels[key], "url": f"{base}?tab={key}", "key": key, "active": key == active,
         "count": counts.get(key, "")}
        for key in TABS
    ]  # fmt: skip
    tabs.append({"label": _("Product defects"), "url": reverse("tickets:defects"), "key": "defects"})
    for panel in registry.panels_for("work", "department"):
        if not panel.permission or request.user.may(panel.permission):
            tabs.append({"label": str(panel.label), "url": reverse(panel.url_name), "key": panel.key})
    return tabs


def _next_url(tab: str, last: DepartmentTask) -> str:
    moment = last.settled_at if tab == "done" and last.settled_at else last.due_at
    return f"{reverse('tickets:tasks')}?{urlencode({'tab': tab, 'after': f'{moment.isoformat()}_{last.pk}'})}"


@staff_page(Permission.TASK_WORK)
@require_safe
def defects(request: StaffRequest) -> HttpResponse:
    """List the product defects departments reported."""
    return render_page(request, DEFECTS, {"rows": defects_visible_to(request.user)})


@staff_page(Permission.TASK_WORK)
@require_safe
def task(request: StaffRequest, task_id: int) -> HttpResponse:
    """Show one task: what is asked, the conversation it is about, and what can be done."""
    found = get_task_for(request.user, task_id)
    return render_page(request, DETAIL, _detail(request, found), fragment="state")


def _detail(request: StaffRequest, found: DepartmentTask, **more: Any) -> dict[str, Any]:
    now = timezone.now()
    can = possible_actions(found, parts_in(request.user, found))
    products = order_products(found.ticket.order_id) if TaskAction.ANSWER in can else []
    again_by = business_due(calendar_of_team(found.team_id), now, 8)
    return {
        "task": found,
        "ticket": found.ticket,
        "can": {action.value: True for action in can},
        "colleagues": members_of(found.team) if TaskAction.PASS_ON in can else [],
        "files": list(found.files.all()),
        "children": list(found.children.select_related("team").order_by("pk")),
        "is_late": found.is_running and found.due_at < now,
        "may_ask": has(request.user, Permission.TASK_WORK) and found.is_running and found.tier is not None,
        "answer_form": AnswerForm(initial={"version": found.version}, products=products),
        "decline_form": DeclineForm(initial={"version": found.version}),
        "due_form": DueForm(initial={"version": found.version, "due_at": local_moment(found.due_at)}),
        "again_form": AskAgainForm(initial={"due_at": local_moment(again_by)}),
        "now": now,
        **_stream(request, found, now),
        **more,
    }


def _stream(request: StaffRequest, found: DepartmentTask, now: datetime) -> dict[str, Any]:
    """Return a page of the conversation and where the one before begins; all of it is readable from here."""
    wanted = request.GET.get("before", "")
    before = {"before": int(wanted)} if wanted.isdecimal() and 0 < len(wanted) < 9 else {}
    rows, has_earlier = last_messages(found.ticket_id, **before)
    name = found.ticket.customer.name if found.ticket.customer else ""
    html = render_stream(rows, [], viewer=request.user, customer_name=name, deliveries={}, now=now)
    earlier = f"{reverse('tickets:task', args=[found.pk])}?before={rows[0].seq}" if has_earlier else ""
    return {"stream": html, "earlier_url": earlier}


def _answer(request: StaffRequest, found: DepartmentTask, words: str) -> HttpResponse:
    messages.success(request, words)
    return HttpResponseRedirect(reverse("tickets:task", args=[found.pk]))


@staff_page(Permission.TASK_WORK)
@require_POST
def take(request: StaffRequest, task_id: int) -> HttpResponse:
    """Take a task in hand."""
    found = get_task_for(request.user, task_id)
    try:
        services.take_task(task_id=found.pk, actor=Actor.staff(request.user), at=timezone.now(), version=found.version)
    except TaskMovedOn as error:
        return _moved_on(request, task_id, error)
    return _answer(request, found, _("The task is yours."))


def _moved_on(request: StaffRequest, task_id: int, error: TaskMovedOn, **forms: Any) -> HttpResponse:
    """Show what a colleague did meanwhile, with what was typed kept below."""
    fresh = get_task_for(request.user, task_id)
    return render_page(request, DETAIL, _detail(request, fresh, stale=str(error), **forms), status=409)


@staff_page(Permission.TASK_WORK)
@require_POST
def give_back(request: StaffRequest, task_id: int) -> HttpResponse:
    """Put a task back for the department."""
    found = get_task_for(request.user, task_id)
    services.give_back_task(task_id=found.pk, actor=Actor.staff(request.user), at=timezone.now())
    return _answer(request, found, _("The task is in your department's list again."))


@staff_page(Permission.TASK_WORK)
@require_POST
def pass_on(request: StaffRequest, task_id: int) -> HttpResponse:
    """Give a task to a colleague of the department."""
    found, owner = get_task_for(request.user, task_id), request.POST.get("owner", "")
    if not owner.isdecimal() or len(owner) > 18:
        raise InvalidInput
    services.pass_on_task(task_id=found.pk, owner_id=int(owner), actor=Actor.staff(request.user), at=timezone.now())
    return _answer(request, found, _("Passed on."))


@staff_page(Permission.TASK_WORK)
@require_POST
def answer(request: StaffRequest, task_id: int) -> HttpResponse:
    """Answer a task; of two who answer at once one wins and the other keeps her words."""
    found = get_task_for(request.user, task_id)
    form = AnswerForm(request.POST, products=order_products(found.ticket.order_id))
    if not form.is_valid():
        return form_invalid(request, DETAIL, _detail(request, found, answer_form=form))
    data, now = form.cleaned_data, timezone.now()
    defect = services.Defect(data["defect"], data["product"]) if data["is_defect"] else None
    try:
        if not found.is_running:
            raise TaskMovedOn(before=found.state, after="answered")
        services.answer_task(
            task_id=found.pk,
            answer=services.TaskAnswer(data["text"], _store(request, found, now), defect),
            actor=Actor.staff(request.user),
            at=now,
            version=data["version"],
        )
    except TaskMovedOn as error:
        return _moved_on(request, task_id, error, kept_text=data["text"])
    except InvalidInput as error:
        show_errors(form, error)
        return form_invalid(request, DETAIL, _detail(request, found, answer_form=form))
    return _answer(request, found, _("Answered. The agent has it as an internal note."))


def _store(request: StaffRequest, found: DepartmentTask, now: datetime) -> tuple[int, ...]:
    """Keep the files that came with the answer; they go under its note on the ticket."""
    target = found.ticket.merged_into_id or found.ticket_id
    rows = [
        store_attachment(file=file, name=file.name or "file", ticket_id=target, uploaded_by=request.user.pk, at=now)
        for file in request.FILES.getlist("files")[:10]
    ]
    return tuple(row.pk for row in rows)


@staff_page(Permission.TASK_WORK)
@require_POST
def decline(request: StaffRequest, task_id: int) -> HttpResponse:
    """Send a task back and say why."""
    found = get_task_for(request.user, task_id)
    form = DeclineForm(request.POST)
    if not form.is_valid():
        return form_invalid(request, DETAIL, _detail(request, found, decline_form=form))
    try:
        services.decline_task(
            task_id=found.pk, reason=form.cleaned_data["reason"], actor=Actor.staff(request.user),
            at=timezone.now(), version=form.cleaned_data["version"],
        )  # fmt: skip
    except TaskMovedOn as error:
        return _moved_on(request, task_id, error, kept_text=form.cleaned_data["reason"])
    return _answer(request, found, _("Sent back. The agent has your words."))


@staff_page(Permission.TASK_WORK)
@require_POST
def withdraw(request: StaffRequest, task_id: int) -> HttpResponse:
    """Take a question back."""
    found = get_task_for(request.user, task_id)
    services.withdraw_task(task_id=found.pk, actor=Actor.staff(request.user), at=timezone.now())
    return _answer(request, found, _("Withdrawn."))


@staff_page(Permission.TASK_WORK)
@require_POST
def ask_again(request: StaffRequest, task_id: int) -> HttpResponse:
    """Ask the department once more."""
    found, form = get_task_for(request.user, task_id), AskAgainForm(request.POST)
    if form.is_valid():
        try:
            services.ask_again(
                task_id=found.pk, actor=Actor.staff(request.user), at=timezone.now(), **form.cleaned_data
            )
            return _answer(request, found, _("Asked again."))
        except InvalidInput as error:
            show_errors(form, error)
    return form_invalid(request, DETAIL, _detail(request, found, again_form=form))


@staff_page(Permission.TASK_WORK)
@require_POST
def reschedule(request: StaffRequest, task_id: int) -> HttpResponse:
    """Give a task another due time."""
    found, form = get_task_for(request.user, task_id), DueForm(request.POST)
    if form.is_valid():
        try:
            services.reschedule_task(
                task_id=found.pk, due_at=form.cleaned_data["due_at"], actor=Actor.staff(request.user),
                at=timezone.now(), version=form.cleaned_data["version"],
            )  # fmt: skip
            return _answer(request, found, _("Saved."))
        except InvalidInput as error:
            show_errors(form, error)
        except StaleEdit as error:
            fresh = get_task_for(request.user, task_id)
            return render_page(request, DETAIL, _detail(request, fresh, stale=str(error)), status=409)
    return form_invalid(request, DETAIL, _detail(request, found, due_form=form))

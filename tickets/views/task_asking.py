"""Ask departments from a ticket: the panel beside it, the form, the joint response."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import Permission, StaffRequest, has, staff_page
from core.actors import Actor
from core.errors import InvalidInput
from core.http import form_invalid, render_page
from tickets.forms.work import JointForm, TaskForm, local_moment
from tickets.models import Department, JointResponse, Ticket
from tickets.permissions import get_ticket_for
from tickets.selectors.tasks import departments, files_of_ticket, joints_of, parts_of_joint, tasks_of
from tickets.services import tasks as services
from tickets.services.joints import answer_jointly
from tickets.services.task_clock import business_due, calendar_of_team
from tickets.views.promises import show_errors
from tickets.work_enums import TaskKind
from tickets.work_errors import DepartmentsOwe, JointAnswered
from tickets.work_permissions import get_joint_for, get_task_for

PANEL, ASK, JOINT = "tickets/tasks/panel.html", "tickets/tasks/ask.html", "tickets/tasks/joint.html"


@staff_page(Permission.TICKET_VIEW)
@require_safe
def ticket_tasks(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Show what departments were asked for a ticket."""
    ticket = get_ticket_for(request.user, ticket_id)
    may_ask = has(request.user, Permission.TICKET_REPLY)
    rows = tasks_of(ticket, request.user)
    context = {
        "ticket": ticket,
        "rows": rows,
        "joints": joints_of(ticket) if may_ask and any(row.joint_id for row in rows) else [],
        "may_ask": may_ask,
        "now": timezone.now(),
    }
    return render_page(request, PANEL, context, fragment="panel")


@staff_page(Permission.TICKET_REPLY)
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Hand a task to a department, or one question to several."""
    return _ask(request, get_ticket_for(request.user, ticket_id, Permission.TICKET_REPLY), None)


@staff_page(Permission.TASK_WORK)
@require_http_methods(["GET", "HEAD", "POST"])
def ask_on(request: StaffRequest, task_id: int) -> HttpResponse:
    """Escalate a task one line further: technical support asks research; the agent keeps the customer."""
    found = get_task_for(request.user, task_id)
    if not found.is_running or found.tier is None:
        raise InvalidInput
    return _ask(request, found.ticket, found.pk)


def _ask(request: StaffRequest, ticket: Ticket, parent_id: int | None) -> HttpResponse:
    rows, files = _choices(request, parent_id), files_of_ticket(ticket)
    form = TaskForm(request.POST or None, rows=rows, given=files, initial=_initial(rows, request.GET.get("tier", "")))
    if request.method == "POST" and form.is_valid():
        try:
            words = _hand_over(request, ticket, form.cleaned_data, {row.pk: row for row in rows}, parent_id)
            messages.success(request, words)
            if parent_id is not None:
                return HttpResponseRedirect(reverse("tickets:task", args=[parent_id]))
            return HttpResponseRedirect(f"{reverse('tickets:ticket', args=[ticket.pk])}?tab=tasks")
        except InvalidInput as error:
            show_errors(form, error)
    context = {"form": form, "ticket": ticket, "parent_id": parent_id, "departments": rows}
    return form_invalid(request, ASK, context) if form.is_bound else render_page(request, ASK, context)


def _choices(request: StaffRequest, parent_id: int | None) -> list[Department]:
    rows = departments(tier=True if parent_id is not None else None)
    return list(rows)


def _initial(rows: list[Department], tier: str) -> dict[str, Any]:
    """Return the first department's usual time as the due time; an escalation starts with its line chosen."""
    wanted = [row for row in rows if tier and str(row.tier) == tier] or rows
    now = timezone.now()
    hours = wanted[0].task_hours if wanted else 8
    due_at = business_due(calendar_of_team(wanted[0].pk), now, hours) if wanted else now
    chosen = [wanted[0].pk] if wanted and (tier or len(rows) == 1) else []
    return {"due_at": local_moment(due_at), "is_blocking": True, "teams": chosen}


def _hand_over(
    request: StaffRequest, ticket: Ticket, data: dict[str, Any], rows: dict[int, Department], parent_id: int | None
) -> str:
    teams: list[int] = data["teams"]
    tier = rows[teams[0]].tier if len(teams) == 1 else None
    order = services.TaskOrder(
        team_id=teams[0],
        asked=data["asked"],
        due_at=data["due_at"],
        is_blocking=data["is_blocking"] and parent_id is None,
        attachment_ids=tuple(data.get("files") or ()),
        kind=TaskKind.TIER if tier else TaskKind.TASK,
        tier=tier,
        parent_id=parent_id,
    )
    actor, now = Actor.staff(request.user), timezone.now()
    if len(teams) > 1:
        services.ask_jointly(ticket_id=ticket.pk, team_ids=teams, order=order, actor=actor, at=now)
        return _("Asked. You see all parts side by side as they come in.")
    services.ask_department(ticket_id=ticket.pk, order=order, actor=actor, at=now)
    return _("Asked. The answer comes back as an internal note.")


@staff_page(Permission.TICKET_REPLY)
@require_http_methods(["GET", "HEAD", "POST"])
def joint(request: StaffRequest, joint_id: int) -> HttpResponse:
    """Show all parts of a joint response side by side; POST answers the customer once."""
    found = get_joint_for(request.user, joint_id)
    form = JointForm(request.POST or None, initial={"client_id": uuid.uuid4()})
    status, stale = (422 if form.is_bound else 200), ""
    if request.method == "POST" and form.is_valid():
        try:
            answer_jointly(joint_id=found.pk, actor=Actor.staff(request.user), at=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Sent. The customer has one answer from all departments."))
            return HttpResponseRedirect(reverse("tickets:ticket", args=[found.ticket_id]))
        except (JointAnswered, DepartmentsOwe) as error:
            status, stale = 409, str(error)
            found = get_joint_for(request.user, joint_id)
        except InvalidInput as error:
            show_errors(form, error)
    context = _joint_context(found, form, timezone.now()) | {"stale": stale}
    return render_page(request, JOINT, context, fragment="parts" if not form.is_bound else "", status=status)


def _joint_context(found: JointResponse, form: JointForm, now: datetime) -> dict[str, Any]:
    parts = parts_of_joint(found)
    return {
        "joint": found,
        "ticket": found.ticket,
        "parts": parts,
        "missing": sum(part.is_running for part in parts),
        "form": form,
        "now": now,
    }

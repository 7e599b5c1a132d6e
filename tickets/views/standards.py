"""Service standards and departments in settings, the checklist beside a ticket, the digest's switch."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, has, staff_page
from accounts.roles import ROLES
from accounts.selectors import active_teams, get_team, members_of
from core.actors import Actor
from core.calendar import due
from core.errors import InvalidInput, NotFound, StaleEdit
from core.http import form_invalid, fragment_or_redirect, on_newer, render_page
from tickets.forms.work import DepartmentForm, StandardForm, shown_rows, typed_rows, with_room
from tickets.models import Category, Department, ServiceStandard, StandardVersion, Ticket
from tickets.permissions import get_ticket_for
from tickets.selectors.digest import wants_digest
from tickets.selectors.standards import checklist, standard_of, standards_by_category
from tickets.selectors.supervising import leads_of
from tickets.services.departments import DepartmentTerms, choose_digest, save_department
from tickets.services.promises import working_calendar
from tickets.services.standards import publish_standard, tick_step
from tickets.views.promises import show_errors

PANEL = "tickets/standards/panel.html"
STANDARDS, STANDARD = "tickets/standards/list.html", "tickets/standards/edit.html"
DEPARTMENTS, DEPARTMENT = "tickets/standards/departments.html", "tickets/standards/department.html"
DIGEST = "tickets/tasks/digest.html"


def _language() -> str:
    return "en" if (get_language() or "").startswith("en") else "zh-hans"


@staff_page(Permission.TICKET_VIEW)
@require_safe
def ticket_steps(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Show the ticket's standard as a checklist with its standard solutions."""
    ticket = get_ticket_for(request.user, ticket_id)
    return render_page(request, PANEL, _panel(request, ticket), fragment="panel")


def _panel(request: StaffRequest, ticket: Ticket) -> dict[str, Any]:
    standard = standard_of(ticket)
    steps = checklist(ticket, standard) if standard else []
    return {
        "ticket": ticket,
        "standard": standard,
        "steps": steps,
        "done": sum(step.done is not None for step in steps),
        "due_at": _limit(ticket, standard),
        "owner": ROLES[standard.owner_role].title if standard and standard.owner_role in ROLES else "",
        "may_tick": has(request.user, Permission.TICKET_EDIT),
        "now": timezone.now(),
    }


def _limit(ticket: Ticket, standard: StandardVersion | None) -> Any:
    from datetime import timedelta

    from core.calendar import DeadlineUnreachable

    if standard is None or standard.time_limit_minutes is None:
        return None
    try:
        return due(working_calendar(ticket), ticket.opened_at, timedelta(minutes=standard.time_limit_minutes))
    except DeadlineUnreachable:
        return None


@staff_page(Permission.TICKET_EDIT)
@require_POST
def step(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Tick a step, or untick it (`done` = 0)."""
    ticket = get_ticket_for(request.user, ticket_id, Permission.TICKET_EDIT)
    tick_step(
        ticket_id=ticket.pk,
        key=request.POST.get("step", ""),
        is_done=request.POST.get("done") == "1",
        actor=Actor.staff(request.user),
        at=timezone.now(),
    )
    to = f"{reverse('tickets:ticket', args=[ticket.pk])}?tab=steps"
    return fragment_or_redirect(request, PANEL, _panel(request, ticket), fragment="panel", to=to)


@staff_page(Permission.SETTINGS_MANAGE)
@require_safe
def standard_list(request: StaffRequest) -> HttpResponse:
    """List the categories with their standards."""
    rows = [{**row, "name": row["category"].name_in(_language())} for row in standards_by_category()]
    return render_page(request, STANDARDS, {"rows": rows})


@staff_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def standard_edit(request: StaffRequest, category_id: int) -> HttpResponse:
    """Write a category's standard; saving publishes a new version, open tickets keep theirs."""
    category = Category.objects.filter(pk=category_id).first()
    if category is None:
        raise NotFound
    row = ServiceStandard.objects.select_related("current").filter(category=category).first()
    current = row.current if row else None
    form = StandardForm(request.POST or None, initial=_standard_initial(row, current))
    steps, solutions = typed_rows(request.POST) if form.is_bound else shown_rows(current)
    context: dict[str, Any] = {"category": category, "name": category.name_in(_language()), "current": current}
    if request.method == "POST" and form.is_valid():
        try:
            publish_standard(
                category_id=category.pk, words=form.words(steps, solutions), actor=Actor.staff(request.user),
                at=timezone.now(), version=form.cleaned_data["version"],
            )  # fmt: skip
            messages.success(request, _("Saved. Tickets opened from now on follow this version."))
            return HttpResponseRedirect(reverse("tickets:settings_standards"))
        except InvalidInput as error:
            show_errors(form, error)
        except StaleEdit:
            fresh = ServiceStandard.objects.select_related("current").get(category=category)
            changes = on_newer(form, _standard_initial(fresh, fresh.current))
            context |= {"changes": [*changes, *_row_changes(request, fresh.current)]}
    steps, solutions = with_room(steps, solutions) if form.is_bound else (steps, solutions)
    context |= {"form": form, "steps": list(enumerate(steps)), "solutions": list(enumerate(solutions))}
    return _form_page(request, STANDARD, context, is_bound=form.is_bound)


def _standard_initial(row: ServiceStandard | None, current: StandardVersion | None) -> dict[str, Any]:
    if row is None or current is None:
        return {"is_active": True}
    return {
        "version": row.version,
        "is_active": row.is_active,
        "summary": current.summary,
        "owner_role": current.owner_role,
        "time_limit_minutes": current.time_limit_minutes,
    }


def _row_changes(request: StaffRequest, current: StandardVersion | None) -> list[dict[str, Any]]:
    """Return steps and solutions that somebody wrote otherwise meanwhile, by their titles."""
    found = []
    for label, typed, saved in zip(
        (_("Steps"), _("Standard solutions")), typed_rows(request.POST), shown_rows(current), strict=True
    ):
        yours, theirs = ([row for row in rows if row.get("title")] for rows in (typed, saved))
        if yours != theirs:
            words = [" · ".join(row["title"] for row in rows) or "–" for rows in (theirs, yours)]
            found.append({"label": label, "theirs": words[0], "yours": words[1]})
    return found


def _form_page(request: HttpRequest, template: str, context: dict[str, Any], *, is_bound: bool) -> HttpResponse:
    return form_invalid(request, template, context) if is_bound else render_page(request, template, context)


@staff_page(Permission.SETTINGS_MANAGE)
@require_safe
def department_list(request: StaffRequest) -> HttpResponse:
    """List the teams and how each works for others."""
    rows = {row.pk: row for row in Department.objects.all()}
    teams = [{"team": team, "department": rows.get(team.pk)} for team in active_teams()]
    return render_page(request, DEPARTMENTS, {"rows": teams})


@staff_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def department_edit(request: StaffRequest, team_id: int) -> HttpResponse:
    """Make a team a department, or change how it works for others."""
    team = get_team(team_id)
    row = Department.objects.filter(pk=team.pk).first()
    form = DepartmentForm(
        request.POST or None, members=members_of(team), language=_language(), initial=_department_initial(team.pk, row)
    )
    context: dict[str, Any] = {"form": form, "team": team}
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        version = data.pop("version")
        terms = DepartmentTerms(lead_ids=tuple(data.pop("leads")), category_ids=tuple(data.pop("categories")), **data)
        try:
            save_department(
                team_id=team.pk, terms=terms, actor=Actor.staff(request.user), at=timezone.now(), version=version
            )
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(reverse("tickets:settings_departments"))
        except InvalidInput as error:
            show_errors(form, error)
        except StaleEdit:
            fresh = Department.objects.get(pk=team.pk)
            context |= {"changes": on_newer(form, _department_initial(team.pk, fresh))}
    return _form_page(request, DEPARTMENT, context, is_bound=form.is_bound)


def _department_initial(team_id: int, row: Department | None) -> dict[str, Any]:
    leads = leads_of(team_id)
    if row is None:
        return {"is_active": True, "leads": leads, "task_hours": 8, "lead_after_hours": 4, "supervisor_after_hours": 4}
    names = ("version", "is_active", "tier", "task_hours", "lead_after_hours", "supervisor_after_hours")
    categories = list(row.categories.values_list("pk", flat=True))
    return {name: getattr(row, name) for name in names} | {"leads": leads, "categories": categories}


@staff_page(Permission.AREA_VIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def digest(request: StaffRequest) -> HttpResponse:
    """Show and set whether the person gets the weekly digest; the mail links here."""
    if request.method == "POST":
        choose_digest(staff_id=request.user.pk, wanted=request.POST.get("wanted") == "1")
        messages.success(request, _("Saved."))
        return HttpResponseRedirect(reverse("tickets:digest"))
    return render_page(request, DIGEST, {"is_wanted": wants_digest(request.user.pk)})

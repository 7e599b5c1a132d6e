"""Settings of routing: each team's way, what categories ask for, what people may hold."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.availability import limits_of
from accounts.enums import Permission, Skill
from accounts.errors import CompanyOnly, OtherTeamOnly
from accounts.models import Team
from accounts.permissions import (
    StaffRequest,
    company_page,
    keep_to_reading,
    sees_company,
    staff_page,
    team_scope,
)  # fmt: skip
from accounts.selectors import active_teams, get_team, staff_with
from core.actors import Actor
from core.errors import InvalidInput, StaleEdit
from core.http import form_invalid, numbered, on_newer, render_page
from core.ui.leaf import CHANNEL_NAMES
from tickets.forms.routing import TeamRoutingForm
from tickets.models import CategorySkill, TeamRouting
from tickets.selectors.routing import loads_of, routing_of
from tickets.selectors.settings import category_tree
from tickets.services.routing.settings import RoutingTerms, save_category_skills, save_team_routing
from tickets.team_reach import is_within

PAGE = "tickets/settings/routing.html"
TEAM = "tickets/settings/routing_team.html"
NAMES = ("mode", "widen_after_minutes", "release_after_minutes", "version")


@staff_page(Permission.SETTINGS_MANAGE)
@require_safe
def overview(request: StaffRequest) -> HttpResponse:
    """Show how every team works, what categories ask for, and who may hold how much."""
    return _overview(request)


def _overview(
    request: StaffRequest, typed: dict[int, str] | None = None, changes: list[dict[str, Any]] | None = None
) -> HttpResponse:
    known = {row.pk: row for row in TeamRouting.objects.all()}
    teams = [
        (team, known.get(team.pk) or TeamRouting(team=team, version=0), _is_department(team) and team.pk not in known)
        for team in active_teams().select_related("department")
    ]
    language = "en" if (get_language() or "").startswith("en") else "zh-hans"
    context = {
        "teams": teams,
        "categories": _categories(language, typed or {}),
        "changes": changes,
        "skills": Skill.choices,
        "people": _people(),
        "locked_why": "" if sees_company(request.user) else CompanyOnly.message,
    }
    return render_page(request, PAGE, context, status=200 if changes is None else 409)


def _is_department(team: Team) -> bool:
    """Say whether a team takes tasks; one whose routing was set up gets tickets all the same."""
    department = getattr(team, "department", None)
    return department is not None and department.is_active


def _categories(language: str, typed: dict[int, str]) -> list[dict[str, Any]]:
    """Return all categories in their order, each with its depth, the skill it asks for itself and the one chosen."""
    needed = dict(CategorySkill.objects.values_list("category_id", "skill"))
    rows = []
    for branch in category_tree(language):
        for depth, one in ((0, branch), *((1, child) for child in branch.children)):
            pk = one.category.pk
            now = needed.get(pk, "")
            rows.append({"pk": pk, "name": one.name, "depth": depth, "now": now, "skill": typed.get(pk, now)})
    return rows


def _people() -> list[dict[str, Any]]:
    people = list(staff_with(Permission.TICKET_REPLY).select_related("capacity", "presence"))
    loads = loads_of(one.pk for one in people)
    labels = dict(Skill.choices)
    found = []
    for one in people:
        limits = limits_of(one)
        found.append(
            {
                "staff": one,
                "limits": limits,
                "channels": [(CHANNEL_NAMES.get(code, code), limit) for code, limit in limits.per_channel.items()],
                "load": sum(loads.get(one.pk, {}).values()),
                "skills": [labels[code] for code in one.skills if code in labels],
            }
        )
    return found


@staff_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def team_edit(request: StaffRequest, team_id: int) -> HttpResponse:
    """Set how one team's tickets find their agent."""
    team = get_team(team_id)
    if not is_within([team_id], team_scope(request.user)):
        keep_to_reading(request, OtherTeamOnly())
    row = routing_of(team_id)
    form = TeamRoutingForm(request.POST or None, initial={name: getattr(row, name) for name in NAMES})
    context: dict[str, Any] = {"team": team, "form": form}
    if request.method != "POST":
        return render_page(request, TEAM, context)
    if not form.is_valid():
        return form_invalid(request, TEAM, context)
    data = dict(form.cleaned_data)
    version = data.pop("version")
    try:
        save_team_routing(
            team_id=team_id, version=version, terms=RoutingTerms(**data), actor=Actor.staff(request.user),
            at=timezone.now(),
        )  # fmt: skip
    except InvalidInput as error:
        for name, texts in error.fields.items():
            for text in texts:
                form.add_error(name if name in form.fields else None, text)
        return form_invalid(request, TEAM, context)
    except StaleEdit:
        fresh = routing_of(team_id)
        changes = on_newer(form, {name: getattr(fresh, name) for name in NAMES})
        return render_page(request, TEAM, context | {"changes": changes}, status=409)
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("tickets:settings_routing"))


@company_page(Permission.SETTINGS_MANAGE)
@require_POST
def skills(request: StaffRequest) -> HttpResponse:
    """Save what each category asks for."""
    typed = numbered(request.POST, "skill_")
    try:
        save_category_skills(skills=typed, shown=numbered(request.POST, "was_"))
    except StaleEdit as error:
        return _overview(request, typed, _skill_changes(error))
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("tickets:settings_routing"))


def _skill_changes(error: StaleEdit) -> list[dict[str, Any]]:
    """Return what a colleague set meanwhile, in words."""
    language = "en" if (get_language() or "").startswith("en") else "zh-hans"
    names = {row["pk"]: row["name"] for row in _categories(language, {})}
    labels = dict(Skill.choices)
    return [
        {
            "label": names[one["field"]],
            "theirs": labels.get(one["theirs"], "–"),
            "yours": labels.get(one["yours"], "–"),
        }
        for one in error.changes
    ]

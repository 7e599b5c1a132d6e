from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import selectors, services
from accounts.forms import TeamForm, rebase
from accounts.permissions import Permission, StaffRequest, staff_page
from accounts.shops import shop_choices
from accounts.views.staff import add_errors
from core.actors import Actor
from core.errors import InvalidInput, StaleEdit
from core.http import form_invalid, render_page


@staff_page(Permission.STAFF_VIEW)
@require_GET
def team_list(request: StaffRequest) -> HttpResponse:
    """List the teams with their shops and how many people are in each."""
    names = dict(shop_choices())
    teams = [
        {"team": team, "shops": [names.get(pk, f"#{pk}") for pk in team.shop_ids]}
        for team in selectors.teams_with_counts()
    ]
    return render_page(request, "accounts/team_list.html", {"teams": teams})


@staff_page(Permission.STAFF_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def team_new(request: StaffRequest) -> HttpResponse:
    """Make a team."""
    form = TeamForm(request.POST or None, shops=shop_choices())
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            services.create_team(
                name=data["name"],
                shop_ids=data["shop_ids"],
                calendar_id=data["calendar"],
                actor=Actor.staff(request.user),
                at=timezone.now(),
            )
        except InvalidInput as error:
            add_errors(form, error)
        else:
            messages.success(request, _("The team is there."))
            return HttpResponseRedirect(reverse("accounts:teams"))
    return _answer(request, {"form": form})


@staff_page(Permission.STAFF_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def team_edit(request: StaffRequest, team_id: int) -> HttpResponse:
    """Show and save one team."""
    team = selectors.get_team(team_id)
    initial = {"version": team.version, "name": team.name, "shop_ids": team.shop_ids, "calendar": team.calendar_id}
    form = TeamForm(request.POST or None, shops=shop_choices(), initial=initial)
    context: dict[str, Any] = {"form": form, "team": team, "members": selectors.members_of(team)}
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            services.edit_team(
                team_id=team_id,
                version=data["version"] or 0,
                name=data["name"],
                shop_ids=data["shop_ids"],
                calendar_id=data["calendar"],
                actor=Actor.staff(request.user),
                at=timezone.now(),
            )
        except StaleEdit as error:
            rebase(form, selectors.get_team(team_id).version)
            return render_page(request, "accounts/team_edit.html", context | {"stale": error}, status=409)
        except InvalidInput as error:
            add_errors(form, error)
        else:
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(reverse("accounts:teams"))
    return _answer(request, context)


@staff_page(Permission.STAFF_MANAGE)
@require_POST
def team_archive(request: StaffRequest, team_id: int) -> HttpResponse:
    """Put an empty team away."""
    services.archive_team(team_id=team_id, actor=Actor.staff(request.user), at=timezone.now())
    messages.success(request, _("The team is put away."))
    return HttpResponseRedirect(reverse("accounts:teams"))


def _answer(request: StaffRequest, context: dict[str, Any]) -> HttpResponse:
    if request.method == "POST":
        return form_invalid(request, "accounts/team_edit.html", context)
    return render_page(request, "accounts/team_edit.html", context)

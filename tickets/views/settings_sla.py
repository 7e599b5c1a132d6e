"""Settings of reply times: policies in their order, what a change would do, and how far it has come."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import Permission, StaffRequest, company_page
from core.errors import InvalidInput, NotFound, StaleEdit
from core.http import form_invalid, mark_of, was_seen
from tickets import services
from tickets.forms.sla import PolicyForm
from tickets.models import RepriceRun, SlaPolicy
from tickets.selectors.sla import conditions_in_words, names_for_policies, policies, runs_under_way
from tickets.services.sla.policies import CONDITIONS, preview_policy_change
from tickets.views.settings import show_refusal

LIST, EDIT = "tickets/settings/sla.html", "tickets/settings/sla_edit.html"
KEPT = (
    "name", "first_response_minutes", "next_response_minutes", "resolution_minutes", "close_after_days",
    "is_business_time", "calendar_id", "pauses_for_department", "warn_percent", "breach_raises_priority",
    "breach_notifies", "breach_move", "breach_team_id", "is_active", "version", *CONDITIONS,
)  # fmt: skip
NEW = {
    "first_response_minutes": 120, "next_response_minutes": 240, "resolution_minutes": 2880, "close_after_days": 7,
    "warn_percent": 75, "breach_raises_priority": True, "breach_notifies": True, "is_active": True,
}  # fmt: skip


def _language() -> str:
    return "en" if (get_language() or "").startswith("en") else "zh-hans"


@company_page(Permission.SETTINGS_MANAGE)
@require_GET
def policy_list(request: StaffRequest) -> HttpResponse:
    """Show what is promised to whom, in the order the policies are asked."""
    names = names_for_policies(_language())
    asked = list(policies())
    rows = [
        {
            "policy": one,
            "conditions": conditions_in_words(one, names),
            "calendar": names.calendars.get(one.calendar_id) if one.calendar_id else "",
        }
        for one in asked
    ]
    movable = [one.pk for one in asked if one.is_active and not one.is_default]
    context = {"rows": rows, "first": movable[:1], "last": movable[-1:], "runs": list(runs_under_way())}
    return render(request, LIST, context)


@company_page(Permission.SETTINGS_MANAGE)
@require_GET
def progress(request: StaffRequest) -> HttpResponse:
    """Return how far new terms have come with the running clocks."""
    return render(request, f"{LIST}#progress", {"runs": list(runs_under_way())})


@company_page(Permission.SETTINGS_MANAGE)
def policy_edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add or change a policy; what that would do to running clocks is shown before it is saved."""
    row = policies().filter(pk=pk).first() if pk else None
    if pk and row is None:
        raise NotFound
    initial: dict[str, Any] = {name: getattr(row, name) for name in KEPT} if row else dict(NEW)
    is_default = bool(row and row.is_default)
    form = PolicyForm(
        request.POST or None, initial=initial, names=names_for_policies(_language()), is_default=is_default
    )
    context: dict[str, Any] = {"form": form, "policy": row, "title": row.name if row else _("New policy")}
    if request.method == "POST" and form.is_valid():
        try:
            if pk and (shown := _shown_first(request, pk, form)):
                return render(request, EDIT, context | shown)
            return _save(request, pk, form)
        except (InvalidInput, StaleEdit) as error:
            context |= show_refusal(form, error)
            if pk and isinstance(error, StaleEdit):
                context["fresh_version"] = SlaPolicy.objects.get(pk=pk).version
    return form_invalid(request, EDIT, context) if form.is_bound else render(request, EDIT, context)


def _shown_first(request: HttpRequest, pk: int, form: PolicyForm) -> dict[str, Any] | None:
    """Return what is shown before saving: asked for, or because running deadlines would move; None when it was."""
    is_asked = "preview" in request.POST
    if not is_asked and was_seen(request):
        return None
    preview = preview_policy_change(pk=pk, terms=form.terms(), at=timezone.now())
    if not is_asked and not preview.moved:
        return None
    return {"preview": preview, "seen": mark_of(request), "is_held_back": not is_asked}


def _save(request: HttpRequest, pk: int | None, form: PolicyForm) -> HttpResponse:
    _policy, run = services.save_policy(
        pk=pk, terms=form.terms(), at=timezone.now(), version=form.cleaned_data["version"]
    )
    messages.success(request, said(run))
    return HttpResponseRedirect(reverse("tickets:settings_sla"))


def said(run: RepriceRun | None) -> str:
    """Return what saving says: how many tickets' clocks are being set anew."""
    if run is None or not run.total:
        return str(_("Saved."))
    return ngettext(
        "Saved. The clocks of %(n)d open ticket are being set anew.",
        "Saved. The clocks of %(n)d open tickets are being set anew.",
        run.total,
    ) % {"n": run.total}


@company_page(Permission.SETTINGS_MANAGE)
@require_POST
def policy_move(request: StaffRequest, pk: int) -> HttpResponse:
    """Have a policy asked earlier or later."""
    services.move_policy(pk=pk, up=request.POST.get("to") == "up")
    return HttpResponseRedirect(reverse("tickets:settings_sla"))

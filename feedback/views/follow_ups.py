"""/settings/follow-ups/: when customers are visited after an order, and with which words."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import Permission, StaffRequest, staff_page
from core.actors import Actor
from core.errors import InvalidInput, NotFound, StaleEdit
from core.http import form_invalid, render_page
from feedback import services
from feedback.forms.plan import PlanForm, initial_of
from feedback.models import FollowUpPlan
from feedback.selectors.plans import get_plan, plans

LIST, EDIT = "feedback/settings/plans.html", "feedback/settings/plan_edit.html"


@staff_page(Permission.VISIT_MANAGE)
@require_safe
def plan_list(request: StaffRequest) -> HttpResponse:
    """List the plans."""
    return render_page(request, LIST, {"plans": plans()})


@staff_page(Permission.VISIT_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def plan_new(request: StaffRequest) -> HttpResponse:
    """Make a plan."""
    return _edit(request, None)


@staff_page(Permission.VISIT_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def plan_edit(request: StaffRequest, plan_id: int) -> HttpResponse:
    """Show and save a plan."""
    plan = get_plan(plan_id)
    if plan is None:
        raise NotFound
    return _edit(request, plan)


def _edit(request: StaffRequest, plan: FollowUpPlan | None) -> HttpResponse:
    form = PlanForm(request.POST or None, initial=initial_of(plan))
    context: dict[str, Any] = {"form": form, "plan": plan}
    if request.method != "POST":
        return render_page(request, EDIT, context)
    if not form.is_valid():
        return form_invalid(request, EDIT, context)
    try:
        services.save_plan(
            draft=form.draft(),
            plan_id=plan.pk if plan else None,
            version=form.cleaned_data["version"],
            actor=Actor.staff(request.user),
            at=timezone.now(),
        )
    except InvalidInput as error:
        for name, sentences in error.fields.items():
            form.add_error(name if name in form.fields else None, [str(text) for text in sentences])
        return form_invalid(request, EDIT, context)
    except StaleEdit as error:
        return _stale(request, plan, error)
    messages.success(request, _("Saved. New orders follow it; visits already planned keep their times."))
    return HttpResponseRedirect(reverse("feedback:plans"))


def _stale(request: StaffRequest, plan: FollowUpPlan | None, error: StaleEdit) -> HttpResponse:
    fresh = get_plan(plan.pk) if plan else None
    typed = request.POST.copy()
    typed["version"] = str(fresh.version) if fresh else ""
    form = PlanForm(typed)
    changes = [
        {"label": form.fields[c["field"]].label, "theirs": c["theirs"]}
        for c in error.changes
        if c["field"] in form.fields
    ]
    context = {"form": form, "plan": fresh, "stale": str(error), "changes": changes}
    return render_page(request, EDIT, context, status=409)

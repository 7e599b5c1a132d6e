"""Settings of contingency plans: what they do, a dry run, switched on, ended, called off."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, company_page
from core.actors import Actor
from core.errors import InvalidInput, NotFound, StaleEdit
from core.http import form_invalid, on_newer, render_page
from orders.forms.plans import PlanForm
from orders.models import ContingencyPlan
from orders.promise_enums import PlanState
from orders.promise_words import conditions_of
from orders.selectors.carriers import carriers
from orders.selectors.promises import contingency_plans, orders_of_plan
from orders.selectors.shops import shop_choices
from orders.services.promising.plans import move_plan, save_plan, try_plan
from orders.views.settings import add_errors

LIST, EDIT, PLAN = "orders/plans/list.html", "orders/plans/edit.html", "orders/plans/plan.html"


@company_page(Permission.SETTINGS_MANAGE)
@require_safe
def plan_list(request: StaffRequest) -> HttpResponse:
    """Show the plans, those that are on first."""
    shops, companies = dict(shop_choices()), {row.pk: row.name for row in carriers()}
    rows = [{"plan": plan, "conditions": conditions_of(plan, shops, companies)} for plan in contingency_plans()]
    return render_page(request, LIST, {"rows": rows})


@company_page(Permission.SETTINGS_MANAGE)
@require_safe
def plan_page(request: StaffRequest, plan_id: int) -> HttpResponse:
    """Show one plan: a dry run before it is on, its progress and its orders afterwards."""
    plan = _plan(plan_id)
    dry = try_plan(plan) if plan.state == PlanState.DRAFT else None
    conditions = conditions_of(plan, dict(shop_choices()), {row.pk: row.name for row in carriers()})
    context = {"plan": plan, "dry": dry, "conditions": conditions, "orders": orders_of_plan(plan)}
    return render_page(request, PLAN, context, fragment="plan")


@company_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def plan_new(request: StaffRequest) -> HttpResponse:
    """Add a plan; nothing happens before it is switched on."""
    return _edit(request, None)


@company_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def plan_edit(request: StaffRequest, plan_id: int) -> HttpResponse:
    """Change a plan that was never on."""
    return _edit(request, _plan(plan_id))


def _plan(plan_id: int) -> ContingencyPlan:
    plan = contingency_plans().filter(pk=plan_id).first()
    if plan is None:
        raise NotFound
    return plan


def _edit(request: StaffRequest, plan: ContingencyPlan | None) -> HttpResponse:
    form = PlanForm(request.POST or None, initial=PlanForm.initial_of(plan) if plan else None)
    context: dict[str, Any] = {"form": form, "plan": plan}
    if request.method != "POST":
        return render_page(request, EDIT, context)
    if not form.is_valid():
        return form_invalid(request, EDIT, context)
    try:
        saved = save_plan(plan_id=plan.pk if plan else None, draft=form.draft(), version=form.cleaned_data["version"])
    except InvalidInput as error:
        add_errors(form, error)
        return form_invalid(request, EDIT, context)
    except StaleEdit:
        assert plan is not None
        changes = on_newer(form, PlanForm.initial_of(_plan(plan.pk)))
        return render_page(request, EDIT, context | {"changes": changes}, status=409)
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("orders:plan", args=[saved.pk]))


@company_page(Permission.SETTINGS_MANAGE)
@require_POST
def plan_move(request: StaffRequest, plan_id: int) -> HttpResponse:
    """Switch a plan on, end it or call it off."""
    to = request.POST.get("to", "")
    if to not in PlanState.values:
        raise NotFound
    move_plan(plan_id=plan_id, to=to, actor=Actor.staff(request.user), at=timezone.now())
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("orders:plan", args=[plan_id]))

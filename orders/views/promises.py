"""Settings of promised delivery: rules in their order, what a change would do, how far it has come."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, company_page
from core.actors import Actor
from core.errors import InvalidInput, NotFound, StaleEdit
from core.http import form_invalid, mark_of, on_newer, render_page, was_seen
from orders.forms.promises import PromiseRuleForm
from orders.models import PromiseRule, PromiseRun
from orders.promise_words import conditions_of, terms_of
from orders.selectors.carriers import carriers
from orders.selectors.promises import promise_rules, promise_runs
from orders.selectors.shops import shop_choices
from orders.services.promising.ruling import move_promise_rule, preview_promise_rule, save_promise_rule
from orders.views.settings import add_errors

LIST, EDIT = "orders/promises/list.html", "orders/promises/edit.html"


@company_page(Permission.SETTINGS_MANAGE)
@require_safe
def promise_list(request: StaffRequest) -> HttpResponse:
    """Show what is promised to whom, in the order the rules are asked."""
    asked = list(promise_rules())
    shops, companies = dict(shop_choices()), {row.pk: row.name for row in carriers()}
    rows = [
        {"rule": rule, "conditions": conditions_of(rule, shops, companies), "terms": terms_of(rule)} for rule in asked
    ]
    movable = [rule.pk for rule in asked if rule.is_active]
    context = {"rows": rows, "first": movable[:1], "last": movable[-1:], "runs": list(promise_runs())}
    return render_page(request, LIST, context)


@company_page(Permission.SETTINGS_MANAGE)
@require_safe
def promise_progress(request: StaffRequest) -> HttpResponse:
    """Return how far new terms have come with open orders."""
    return render_page(request, LIST, {"runs": list(promise_runs())}, fragment="progress")


@company_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def promise_new(request: StaffRequest) -> HttpResponse:
    """Add a rule."""
    return _edit(request, None)


@company_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def promise_edit(request: StaffRequest, rule_id: int) -> HttpResponse:
    """Show and save one rule."""
    rule = PromiseRule.objects.filter(pk=rule_id).first()
    if rule is None:
        raise NotFound
    return _edit(request, rule)


def _edit(request: StaffRequest, rule: PromiseRule | None) -> HttpResponse:
    """Show, preview or save; promises of open orders that would move are shown before anything is saved."""
    form = PromiseRuleForm(request.POST or None, initial=PromiseRuleForm.initial_of(rule) if rule else None)
    context: dict[str, Any] = {"form": form, "rule": rule}
    if request.method != "POST":
        return render_page(request, EDIT, context)
    if not form.is_valid():
        return form_invalid(request, EDIT, context)
    given = {"rule_id": rule.pk if rule else None, "draft": form.draft(), "version": form.cleaned_data["version"]}
    try:
        is_asked = "preview" in request.POST
        if is_asked or not was_seen(request):
            effect = preview_promise_rule(**given, at=timezone.now())
            if is_asked or effect.moved:
                shown = {"effect": effect, "seen": mark_of(request), "is_held_back": not is_asked}
                return render_page(request, EDIT, context | shown)
        _rule, run = save_promise_rule(**given, actor=Actor.staff(request.user), at=timezone.now())
    except InvalidInput as error:
        add_errors(form, error)
        return form_invalid(request, EDIT, context)
    except StaleEdit:
        assert rule is not None
        changes = on_newer(form, PromiseRuleForm.initial_of(PromiseRule.objects.get(pk=rule.pk)))
        return render_page(request, EDIT, context | {"changes": changes}, status=409)
    messages.success(request, said_of(run))
    return HttpResponseRedirect(reverse("orders:promises"))


def said_of(run: PromiseRun | None) -> str:
    """Return what saving says: how many open orders are being looked at."""
    if run is None:
        return _("Saved.")
    words = ngettext(
        "Saved. The promise of %(n)d open order is being worked out anew.",
        "Saved. The promises of %(n)d open orders are being worked out anew.",
        run.total,
    )
    return words % {"n": run.total}


@company_page(Permission.SETTINGS_MANAGE)
@require_POST
def promise_move(request: StaffRequest, rule_id: int) -> HttpResponse:
    """Have a rule asked earlier or later."""
    run = move_promise_rule(
        rule_id=rule_id, up=request.POST.get("to") == "up", actor=Actor.staff(request.user), at=timezone.now()
    )
    messages.success(request, said_of(run))
    return HttpResponseRedirect(reverse("orders:promises"))

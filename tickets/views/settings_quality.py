"""Settings of quality review: rubrics, sampling plans, rules of the pre-check, terms."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import CompanyOnly
from accounts.models import Staff
from accounts.permissions import Permission, StaffRequest, company_page, sees_company, staff_page, team_scope
from core.actors import Actor
from core.errors import InvalidInput, NotFound, StaleEdit
from core.http import form_invalid, render_page
from tickets.forms.quality import PlanForm, PlanLists, TermsForm, read_sections, whole, with_faults, with_free_rows
from tickets.models import Category, QualityTerms, Rubric, SampleDraw, SamplingPlan, ScreenRule
from tickets.quality_enums import RULE_HINTS, WORD_RULES, CriterionKind, Evidence, Rule
from tickets.quality_periods import period_end
from tickets.screening.default_words import DEFAULT_WORDS
from tickets.selectors.quality import rubrics_in_use, rule_precision
from tickets.selectors.quality_drawing import able_reviewers, agents_to_plan, get_plan
from tickets.services.quality.plans import save_plan
from tickets.services.quality.rubrics import WHOLE, publish_rubric, weight_sum
from tickets.services.quality.screening import MONEY_LIMIT, save_rule
from tickets.services.quality.terms import LIMITS, save_quality_terms
from tickets.team_reach import team_choices, within
from tickets.views.promises import show_errors
from tickets.views.quality_board import precision_lines

HUB, RUBRIC = "tickets/quality/settings.html", "tickets/quality/rubric_edit.html"
PLAN, RULES = "tickets/quality/plan_edit.html", "tickets/quality/rules.html"
PLAN_FIELDS = (
    "name", "rubric_id", "period", "way", "amount", "boosts", "factor", "due_days", "team_ids", "agent_ids", "channels",
    "category_ids", "reviewer_ids", "is_active", "version",
)  # fmt: skip


@staff_page(Permission.QUALITY_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def hub(request: StaffRequest) -> HttpResponse:
    """Show rubrics, plans with their last draws, and the terms; a POST changes the terms."""
    if request.method == "POST" and not sees_company(request.user):
        raise CompanyOnly
    terms = QualityTerms.objects.filter(pk=1).first() or QualityTerms(pk=1, version=0)
    initial = {name: getattr(terms, name) for name in (*LIMITS, "version")}
    form = TermsForm(request.POST or None, initial=initial)
    stale = ""
    if request.method == "POST" and form.is_valid():
        values = {name: form.cleaned_data[name] for name in LIMITS}
        try:
            save_quality_terms(
                values=values, version=form.cleaned_data["version"], actor=Actor.staff(request.user), at=timezone.now()
            )
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(reverse("tickets:settings_quality"))
        except InvalidInput as error:
            show_errors(form, error)
        except StaleEdit as error:
            stale = str(error.message)
    context = {
        "rubrics": rubrics_in_use(), "plans": _plans(request.user), "form": form, "stale": stale,
        "fresh_version": terms.version,
        "locked_why": "" if sees_company(request.user) else CompanyOnly.message,
        "rules_on": len(Rule) - ScreenRule.objects.filter(is_on=False).count(), "rules_all": len(Rule),
    }  # fmt: skip
    return form_invalid(request, HUB, context) if form.is_bound else render_page(request, HUB, context)


def _plans(staff: Staff) -> list[dict[str, Any]]:
    plans = within(SamplingPlan.objects.select_related("rubric"), team_scope(staff))
    rows = list(plans.order_by("-is_active", "name", "pk"))
    draws = SampleDraw.objects.filter(plan__in=[row.pk for row in rows])
    last = {row.plan_id: row for row in draws.order_by("plan_id", "period_start")}
    names = dict(team_choices(staff, {pk for row in rows for pk in row.team_ids}))
    return [
        {"plan": row, "draw": last.get(row.pk), "teams": [names[pk] for pk in row.team_ids if pk in names],
         "next": period_end(row.period, row.next_period) if row.next_period else None}
        for row in rows
    ]  # fmt: skip


@company_page(Permission.QUALITY_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def rubric_edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Write a rubric; publishing makes a version that never changes. `preview` shows it and its weights first."""
    row = Rubric.objects.select_related("current").filter(pk=pk).first() if pk else None
    if pk and row is None:
        raise NotFound
    context: dict[str, Any] = {
        "rubric": row, "name": row.name if row else "", "version": row.version if row else 0,
        "kinds": CriterionKind.choices, "sources": Evidence.choices,
    }  # fmt: skip
    sections = row.current.sections if row and row.current else []
    status = 200
    if request.method == "POST":
        sections = read_sections(request.POST)
        context["name"] = request.POST.get("name", "")
        if "preview" in request.POST:
            return render(request, f"{RUBRIC}#preview", _preview(sections))
        try:
            publish_rubric(
                rubric_id=pk, name=context["name"], sections=sections, actor=Actor.staff(request.user),
                at=timezone.now(), version=whole(request.POST.get("version", "")) if pk else None,
            )  # fmt: skip
            messages.success(request, _("Published. New reviews use this version."))
            return HttpResponseRedirect(reverse("tickets:settings_quality"))
        except InvalidInput as error:
            status, context["faults"] = 422, error.fields
            sections = with_faults(sections, error.fields)
        except StaleEdit as error:
            status, context["stale"] = 409, str(error.message)
            context["version"] = Rubric.objects.get(pk=row.pk if row else 0).version
    context |= {"sections": list(enumerate(with_free_rows(sections))), **_preview(sections)}
    return render_page(request, RUBRIC, context, status=status)


def _preview(sections: list[dict[str, Any]]) -> dict[str, Any]:
    tongue = "en" if (get_language() or "").startswith("en") else "zh"
    shown = []
    for section in sections:
        rows = [
            {
                **one,
                "name": one.get(tongue) or one.get("zh"),
                "guide": one.get(f"guide_{tongue}") or one.get("guide_zh"),
            }
            for one in section["criteria"]
            if str(one.get("zh", "")).strip()
        ]
        if rows:
            shown.append({"name": section.get(tongue) or section.get("zh"), "criteria": rows})
    total = weight_sum([{"criteria": section["criteria"]} for section in shown])
    return {"shown": shown, "total": total, "is_whole": total == WHOLE, "missing": WHOLE - total}


@staff_page(Permission.QUALITY_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def plan_edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Make a sampling plan or change one."""
    scope = team_scope(request.user)
    row = get_plan(pk, scope) if pk else None
    lists = PlanLists(
        [one for one in rubrics_in_use() if one.current_id],
        team_choices(request.user, row.team_ids if row else ()), agents_to_plan(scope), able_reviewers(),
        list(Category.objects.filter(is_active=True).order_by("position", "pk")), may_be_all=scope is None,
    )  # fmt: skip
    initial = {name: getattr(row, name) for name in PLAN_FIELDS} if row else {"team_ids": scope or []}
    tongue = "en" if (get_language() or "").startswith("en") else "zh-hans"
    form = PlanForm(request.POST or None, initial=initial, lists=lists, language=tongue)
    context: dict[str, Any] = {"form": form, "plan": row}
    if request.method == "POST" and form.is_valid():
        try:
            save_plan(
                plan_id=pk, terms=form.terms(), actor=Actor.staff(request.user), at=timezone.now(),
                version=form.cleaned_data["version"],
            )  # fmt: skip
            messages.success(request, _("Saved. The period that runs now is drawn when it is over."))
            return HttpResponseRedirect(reverse("tickets:settings_quality"))
        except InvalidInput as error:
            show_errors(form, error)
        except StaleEdit as error:
            context |= {
                "stale": error.message,
                "fresh_version": SamplingPlan.objects.get(pk=row.pk if row else 0).version,
            }
    context["draws"] = list(row.draws.order_by("-period_start")[:8]) if row else []
    return form_invalid(request, PLAN, context) if form.is_bound else render_page(request, PLAN, context)


@company_page(Permission.QUALITY_MANAGE)
@require_safe
def rules(request: StaffRequest) -> HttpResponse:
    """Show the rules of the pre-check, their words and how often each is wrong."""
    return render_page(request, RULES, _rules())


def _rules(failed: str = "", message: Any = "") -> dict[str, Any]:
    rows = {row.code: row for row in ScreenRule.objects.all()}
    lines = precision_lines(rule_precision())
    for line in lines:
        code = line["rule"].value
        row = rows.get(code)
        words = (row.words if row else None) or DEFAULT_WORDS.get(code, {})
        line |= {
            "code": code, "hint": RULE_HINTS[line["rule"]], "is_on": row.is_on if row else True,
            "version": row.version if row else 0, "has_words": line["rule"] in WORD_RULES,
            "zh": "\n".join(words.get("zh", ())), "en": "\n".join(words.get("en", ())),
            "has_limit": line["rule"] == Rule.REFUND,
            "limit": f"{(row.limit if row and row.limit is not None else MONEY_LIMIT):f}",
            "error": message if failed == code else "",
        }  # fmt: skip
    return {"rules": lines}


@company_page(Permission.QUALITY_MANAGE)
@require_http_methods(["POST"])
def rule_save(request: StaffRequest, code: str) -> HttpResponse:
    """Switch a rule or change its words."""
    words = {one: request.POST.get(one, "") for one in ("zh", "en")} if "zh" in request.POST else None
    try:
        limit = Decimal(request.POST["limit"]) if request.POST.get("limit", "").strip() else None
    except InvalidOperation:
        limit = Decimal(-1)
    try:
        save_rule(
            code=code, is_on=request.POST.get("is_on") == "on", words=words, limit=limit,
            actor=Actor.staff(request.user), at=timezone.now(), version=whole(request.POST.get("version", "")) or 0,
        )  # fmt: skip
    except InvalidInput as error:
        return form_invalid(request, RULES, _rules(code, next(iter(error.fields.values()))[0]))
    except StaleEdit as error:
        return render_page(request, RULES, _rules(code, error.message), status=409)
    messages.success(request, _("Saved. Answers from now on are checked by it."))
    return HttpResponseRedirect(f"{reverse('tickets:settings_quality_rules')}#{code}")

"""Settings of automation rules: the list in its order, the builder, on and off."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import Staff
from accounts.permissions import Permission, StaffRequest, staff_page, team_scope
from core.actors import Actor
from core.errors import Conflict, InvalidInput, StaleEdit
from core.http import form_invalid, fragment_or_redirect, render_page
from tickets.forms.rules import Builder, RuleForm, Teams, Typed, initial_of
from tickets.models import Rule, RuleVersion
from tickets.rule_words import reach_words, sentence
from tickets.selectors.rules import Names, get_rule, names_for_rules, newest_trial, rules
from tickets.services.rules.checking import check_definition
from tickets.services.rules.definitions import Definition
from tickets.services.rules.editing import delete_rule, move_rule, save_rule, switch_rule
from tickets.team_reach import team_choices
from tickets.views.settings import reading_language

LIST, EDIT = "tickets/rules/list.html", "tickets/rules/edit.html"


@staff_page(Permission.SETTINGS_MANAGE)
@require_GET
def rule_list(request: StaffRequest) -> HttpResponse:
    """Show the rules in the order they are asked, each as a sentence."""
    return render(request, LIST, _list(request.user))


def _list(staff: Staff) -> dict[str, Any]:
    language = reading_language()
    names, found = names_for_rules(language), list(rules(staff))
    rows = [
        {
            "rule": rule, "sentence": sentence(rule.current, names, language) if rule.current else "",
            "reach": reach_words(rule.team_ids, names),
        }
        for rule in found
    ]  # fmt: skip
    return {"rows": rows, "on_count": sum(rule.is_active for rule in found)}


@staff_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def rule_edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Build a rule. Adding and taking away rows, and looking again, saves nothing."""
    scope = team_scope(request.user)
    rule = get_rule(pk, scope) if pk else None
    names = names_for_rules(reading_language())
    chosen = rule.team_ids if rule else []
    teams = Teams(team_choices(request.user, chosen), may_be_all=scope is None)
    context: dict[str, Any] = {"rule": rule, "trial": newest_trial(rule) if rule else None}
    if request.method != "POST":
        version = rule.current if rule else None
        typed = Typed.of(Definition.of(version)) if version else Typed.fresh()
        unsaved: dict[str, Any] = {"trigger": "opened", "team_ids": scope or []}
        initial = initial_of(version, rule.version) if rule and version else unsaved
        form = RuleForm(initial=initial, names=names, teams=teams)
        return render(request, EDIT, context | _shown(form, typed, names, {}))
    form, typed = RuleForm(request.POST, names=names, teams=teams), Typed.read(request.POST)
    if typed.press(request.POST):
        loose = RuleForm(initial=_typed_head(request), names=names, teams=teams)
        return render_page(request, EDIT, context | _shown(loose, typed, names, {}), fragment="builder")
    problems: dict[str, list[Any]] = {}
    typed.drop_empty()
    if form.is_valid():
        try:
            saved = save_rule(
                pk=pk, terms=form.terms(typed.definition()), actor=Actor.staff(request.user), at=timezone.now(),
                version=form.cleaned_data["version"] if pk else None,
            )  # fmt: skip
            messages.success(request, _("Saved.") if pk else _("Saved, still switched off. Try it on the past first."))
            return HttpResponseRedirect(reverse("tickets:settings_rule_edit", args=[saved.pk]))
        except InvalidInput as error:
            problems = dict(error.fields)
            for name, texts in error.fields.items():
                for text in texts if name in form.fields else ():
                    form.add_error(name, str(text))
        except StaleEdit as error:
            fresh = Rule.objects.get(pk=pk or 0)
            context |= {"stale": error.message, "theirs": _sentence_of(fresh), "fresh_version": fresh.version}
        except Conflict as error:
            form.add_error(None, str(error))
    else:
        problems = _row_problems(typed, names)
    return form_invalid(request, EDIT, context | _shown(form, typed, names, problems))


def _sentence_of(rule: Rule) -> str:
    language = reading_language()
    version = RuleVersion.objects.filter(pk=rule.current_id or 0).first()
    return sentence(version, names_for_rules(language), language) if version else ""


def _row_problems(typed: Typed, names: Names) -> dict[str, list[Any]]:
    """Return what is wrong with the rows, beside what is wrong with the head."""
    try:
        check_definition(typed.definition(), names)
    except InvalidInput as error:
        return dict(error.fields)
    return {}


def _typed_head(request: StaffRequest) -> dict[str, Any]:
    head = {name: request.POST.get(name, "") for name in ("name", "trigger", "after", "unit", "calendar", "version")}
    return {
        **head, "is_business_time": "is_business_time" in request.POST, "team_ids": request.POST.getlist("team_ids"),
    }  # fmt: skip


def _shown(form: RuleForm, typed: Typed, names: Names, problems: dict[str, list[Any]]) -> dict[str, Any]:
    language = reading_language()
    return {
        "form": form, "builder": Builder(typed, names, language, problems), "wrong": bool(problems or form.errors),
        "sentence": _preview(form, typed, names, language),
    }  # fmt: skip


def _preview(form: RuleForm, typed: Typed, names: Names, language: str) -> str:
    """Return the rule typed so far as a sentence, "" while something is missing."""
    try:
        definition = check_definition(typed.definition(), names)
    except InvalidInput:
        return ""
    value = {name: form[name].value() for name in ("trigger", "after", "unit", "is_business_time", "calendar")}
    after = str(value["after"] or "")
    minutes = int(after) * {"minutes": 1, "days": 1440}.get(value["unit"], 60) if after.isdecimal() else None
    if form.is_timed and not minutes:
        return ""
    calendar = str(value["calendar"] or "")
    version = RuleVersion(
        trigger=value["trigger"] or "opened", after_minutes=minutes if form.is_timed else None,
        is_business_time=bool(value["is_business_time"]), calendar_id=int(calendar) if calendar.isdecimal() else None,
        definition=definition.as_json(),
    )  # fmt: skip
    return sentence(version, names, language)


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def rule_switch(request: StaffRequest, pk: int) -> HttpResponse:
    """Switch a rule on or off."""
    wanted = request.POST.get("to") == "on"
    try:
        switch_rule(pk=pk, on=wanted, actor=Actor.staff(request.user), at=timezone.now())
    except InvalidInput as error:
        words = " ".join(str(text) for texts in error.fields.values() for text in texts)
        messages.error(request, _("Look at the rule first: %(what)s") % {"what": words})
        return HttpResponseRedirect(reverse("tickets:settings_rule_edit", args=[pk]))
    messages.success(request, _("Switched on. It counts from now on.") if wanted else _("Switched off."))
    to = request.POST.get("back", "")
    name, args = ("tickets:settings_rule_edit", [pk]) if to == "rule" else ("tickets:settings_rules", [])
    return HttpResponseRedirect(reverse(name, args=args))


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def rule_move(request: StaffRequest, pk: int) -> HttpResponse:
    """Have a rule asked earlier or later."""
    move_rule(pk=pk, up=request.POST.get("to") == "up", actor=Actor.staff(request.user))
    return fragment_or_redirect(request, LIST, _list(request.user), fragment="rows", to="tickets:settings_rules")


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def rule_delete(request: StaffRequest, pk: int) -> HttpResponse:
    """Take a rule away; its log stays."""
    delete_rule(pk=pk, actor=Actor.staff(request.user), at=timezone.now())
    messages.success(request, _("Deleted. What it did stays in the log."))
    return HttpResponseRedirect(reverse("tickets:settings_rules"))

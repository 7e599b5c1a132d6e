"""What rules did, and what they would have done: the log, a ticket's own, the trial on the past."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods

from accounts.permissions import Permission, StaffRequest, staff_page, team_scope
from core.actors import Actor
from core.http import render_page
from tickets.models import RuleRun, RuleTrial, RuleTrialHit
from tickets.models.ticket import NUMBER_OFFSET
from tickets.permissions import get_ticket_for
from tickets.rule_enums import RunState, StepState, TrialState
from tickets.rule_words import action_words, condition_words, reach_words, sentence, what_words
from tickets.selectors.rules import (
    LogFilter,
    Names,
    get_rule,
    hits_for,
    names_for_rules,
    newest_trial,
    rules_in_log,
    runs_for,
    versions_of,
)
from tickets.services.rules.definitions import Definition
from tickets.services.rules.trying import cancel_trial, start_trial
from tickets.views.settings import reading_language

LOG, TICKET, TRIAL = "tickets/rules/log.html", "tickets/rules/ticket.html", "tickets/rules/trial.html"
TONES = {RunState.DONE: "good", RunState.PARTLY: "warn", RunState.FAILED: "bad", RunState.REFUSED: "warn"}
ICONS = {StepState.DONE: "check", StepState.SAME: "minus", StepState.FAILED: "x"}


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else None


@staff_page(Permission.SETTINGS_MANAGE)
@require_GET
def rules_log(request: StaffRequest) -> HttpResponse:
    """List what rules did on the tickets this person may see, newest first."""
    asked = request.GET
    number = _number(asked.get("ticket", "").strip().lstrip("#"))
    state = asked.get("state", "")
    wanted = LogFilter(
        rule_id=_number(asked.get("rule", "")),
        ticket_id=number - NUMBER_OFFSET if number is not None else None,
        state=state if state in RunState.values else "",
        before=_number(asked.get("before", "")),
    )
    runs, more = runs_for(request.user, wanted)
    kept = {name: asked[name] for name in ("rule", "ticket", "state") if asked.get(name)}
    here = reverse("tickets:settings_rules_log")
    context = {
        "rows": told(runs, reading_language()),
        "rules": rules_in_log(request.user),
        "states": [(code, str(label)) for code, label in RunState.choices],
        "wanted": wanted, "ticket": asked.get("ticket", ""),
        "prev_url": f"{here}?{urlencode(kept)}" if wanted.before else "",
        "next_url": f"{here}?{urlencode({**kept, 'before': runs[-1].pk})}" if more else "",
    }  # fmt: skip
    return render_page(request, LOG, context, fragment="runs")


@staff_page(Permission.TICKET_VIEW)
@require_GET
def ticket_rules(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Show what rules did on one ticket, and why."""
    ticket = get_ticket_for(request.user, ticket_id)
    before = _number(request.GET.get("before", ""))
    runs, more = runs_for(request.user, LogFilter(ticket_id=ticket.pk, before=before))
    here = reverse("tickets:ticket_rules", args=[ticket.pk])
    context = {
        "ticket": ticket, "rows": told(runs, reading_language()), "prev_url": here if before else "",
        "next_url": f"{here}?before={runs[-1].pk}" if more else "",
    }  # fmt: skip
    return render_page(request, TICKET, context)


def told(runs: list[RuleRun], language: str) -> list[dict[str, Any]]:
    """Return runs as the log shows them: what held, what was done, what was not and why."""
    if not runs:
        return []
    names, versions = names_for_rules(language), versions_of(runs)
    rows = []
    for run in runs:
        version = versions.get((run.rule_id, run.number))
        definition = Definition.of(version) if version else Definition()
        rows.append(
            {
                "run": run, "tone": TONES.get(RunState(run.state), ""),
                "when": str(version.get_trigger_display()) if version else "",
                "why": _why(definition, run.held, names, language), "steps": _steps(run, definition, names, language),
            }
        )  # fmt: skip
    return rows


def _why(definition: Definition, held: list[int], names: Names, language: str) -> list[str]:
    some = [definition.any_of[place] for place in held if place < len(definition.any_of)]
    return [condition_words(one, names, language) for one in (*definition.all_of, *some)]


def _steps(run: RuleRun, definition: Definition, names: Names, language: str) -> list[dict[str, str]]:
    told_steps = []
    for place, step in enumerate(run.steps):
        known = place < len(definition.actions)
        told_steps.append(
            {
                "words": action_words(definition.actions[place], names) if known else "",
                "state": str(StepState(step["state"]).label), "icon": ICONS[StepState(step["state"])],
                "code": step["state"], "why": step.get("en" if language == "en" else "zh", ""),
            }
        )  # fmt: skip
    return told_steps


@staff_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def rule_trial(request: StaffRequest, pk: int) -> HttpResponse:
    """Try a rule on the last thirty days, watch how far that is, stop it, see what it would have met."""
    rule = get_rule(pk, team_scope(request.user))
    if request.method == "POST":
        trial = newest_trial(rule)
        if request.POST.get("do") == "cancel":
            if trial is not None:
                cancel_trial(trial_id=trial.pk, actor=Actor.staff(request.user), at=timezone.now())
        else:
            start_trial(rule_id=rule.pk, actor=Actor.staff(request.user), at=timezone.now())
        return HttpResponseRedirect(reverse("tickets:settings_rule_trial", args=[rule.pk]))
    trial, language = newest_trial(rule), reading_language()
    names = names_for_rules(language)
    context: dict[str, Any] = {"rule": rule, "trial": trial, "reach": reach_words(rule.team_ids, names)}
    if rule.current is not None:
        definition = Definition.of(rule.current)
        by_today = [what_words(what, names.fields, language) for what in definition.by_today]
        context |= {
            "sentence": sentence(rule.current, names, language), "by_today": gettext(", ").join(by_today),
            "is_old": bool(trial and trial.tried_id != rule.current_id),
        }  # fmt: skip
    if trial is not None:
        context |= _found(request, trial, names, language)
    return render_page(request, TRIAL, context, fragment="trial")


def _found(request: StaffRequest, trial: RuleTrial, names: Names, language: str) -> dict[str, Any]:
    is_over = trial.state != TrialState.RUNNING
    definition = Definition.of(trial.tried)
    hits = [_hit(hit, definition, names, language) for hit in hits_for(request.user, trial)] if is_over else []
    return {"is_over": is_over, "hits": hits, "left_out": trial.matched_count - len(hits) if is_over else 0}


def _hit(hit: RuleTrialHit, definition: Definition, names: Names, language: str) -> dict[str, Any]:
    steps = [
        {"words": action_words(one, names), "code": state, "state": str(state.label), "icon": ICONS[state]}
        for one, state in zip(definition.actions, map(StepState, hit.steps), strict=False)
    ]
    return {"hit": hit, "why": _why(definition, hit.held, names, language), "steps": steps}

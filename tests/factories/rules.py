"""Automation rules for tests, saved and switched on through the services as in life."""

import itertools
from typing import Any

from django.utils import timezone

from core.actors import SYSTEM
from core.jobs.queue import claim, run_job
from core.jobs.registry import JOBS
from core.models import Job
from tickets.models import Rule
from tickets.rule_enums import Do, Trigger
from tickets.services.rules.definitions import Action, Condition, Definition
from tickets.services.rules.editing import RuleTerms, save_rule, switch_rule

_number = itertools.count(1)
Row = tuple[Any, ...]


def terms(
    trigger: str = Trigger.OPENED,
    *,
    every: list[Row] | None = None,
    some: list[Row] | None = None,
    do: list[Row] | None = None,
    name: str = "",
    **fields: Any,
) -> RuleTerms:
    """Return terms: conditions are (what, op, *values), actions (do, {…})."""
    definition = Definition(
        tuple(Condition(what, op, tuple(value)) for what, op, *value in every or []),
        tuple(Condition(what, op, tuple(value)) for what, op, *value in some or []),
        tuple(Action(one[0], one[1] if len(one) > 1 else {}) for one in do or [(Do.ADD_TAGS, {"tags": ["ruled"]})]),
    )
    return RuleTerms(name or f"Rule {next(_number)}", trigger, definition, **fields)


def make_rule(trigger: str = Trigger.OPENED, *, on: bool = True, **given: Any) -> Rule:
    """Save a rule and switch it on."""
    rule = save_rule(pk=None, terms=terms(trigger, **given), actor=SYSTEM, at=timezone.now())
    return switch_rule(pk=rule.pk, on=True, actor=SYSTEM, at=timezone.now()) if on else rule


def run_rules(names: tuple[str, ...] = ("tickets.ask_rules", "tickets.rule_due", "tickets.rule_arm")) -> int:
    """Run the rules' own jobs that are due, until none is left."""
    done = 0
    while claimed := claim(20, names=[name for name in JOBS if name in names]):
        for running in claimed:
            assert run_job(running), Job.objects.get(pk=running.id).last_error
            done += 1
    return done

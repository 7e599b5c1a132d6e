"""Rules at work: asked about an event or a time that is over, in their order, under the ticket's lock.

Each rule acts once per event: its run is a unique row written in the transaction of its effects. Within one chain of
causes it acts on a ticket once (core keeps the chain); the second time is refused and logged, so rules that undo each
other end. What the rules do is recorded as caused by the event, by the rule itself.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from core.actors import Actor
from core.events import Code, TooDeep, record, refuse_second_act
from core.models import Event
from tickets.models import Rule, RuleRun, RuleTimer, Ticket
from tickets.rule_enums import Do, RunState, StepState
from tickets.rule_events import RuleActed
from tickets.services.rules.acting import Doer, do_action
from tickets.services.rules.definitions import Definition
from tickets.services.rules.facts import LiveFacts, Moment
from tickets.services.rules.judging import judge
from tickets.services.rules.timers import keep_timer, since_of
from tickets.services.rules.wanted import triggers_of, waits_of
from tickets.team_reach import TeamReach, reach_of_teams

logger = logging.getLogger(__name__)


def rules_on(triggers: Iterable[str]) -> list[Rule]:
    """Return the rules that are on for these triggers, in their order."""
    rows = Rule.objects.filter(is_active=True, trigger__in=set(triggers)).select_related("current")
    return list(rows.order_by("position", "pk"))


@transaction.atomic
def ask_rules(*, event: Event, at: datetime) -> list[RuleRun]:
    """Ask every rule that listens to an event about its ticket, and let timed ones begin or end their wait."""
    wanted = triggers_of(event.kind, event.actor_type, event.data)
    waits = waits_of(event.kind, event.actor_type)
    rules = rules_on(wanted | waits) if event.ticket_id else []
    ticket = _lock(event.ticket_id) if rules and event.ticket_id else None
    if ticket is None:
        return []
    for rule in rules:
        if rule.trigger in waits:
            keep_timer(rule, ticket)
    moment = Moment(at=event.at, event_id=event.pk, seq=event.data.get("seq"))
    return _ask([rule for rule in rules if rule.trigger in wanted], ticket, moment, at)


@transaction.atomic
def ask_timed_rule(*, timer_id: int, at: datetime) -> RuleRun | None:
    """Ask a rule whose time is over, when what it waited for still lasts; a wait that moved on begins anew."""
    known = RuleTimer.objects.filter(pk=timer_id).values_list("ticket_id", flat=True).first()
    ticket = _lock(known) if known else None
    timer = RuleTimer.objects.select_for_update(no_key=True).filter(pk=timer_id).first()
    if ticket is None or timer is None:
        return None
    timer.delete()
    rule = Rule.objects.filter(pk=timer.rule_id, is_active=True).select_related("current").first()
    if rule is None or rule.current is None:
        return None
    since = since_of(rule.trigger, ticket)
    if since != timer.since or rule.current.number != timer.number:
        keep_timer(rule, ticket)
        return None
    runs = _ask([rule], ticket, Moment(at=max(timer.due_at, since), since=since), at)
    return runs[0] if runs else None


def _lock(ticket_id: int) -> Ticket | None:
    """Lock and return a ticket with what conditions look at; a joined one too, whose rules say so in the log."""
    rows = Ticket.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("customer", "category", "order").filter(pk=ticket_id).first()


def _ask(rules: list[Rule], ticket: Ticket, moment: Moment, at: datetime) -> list[RuleRun]:
    runs: list[RuleRun] = []
    ended: list[set[int]] = []  # the teams whose own rules a rule of these teams ended
    reaches = _reaches(rules)
    for rule in rules:
        if ticket.is_spam or rule.current is None or _is_ended(rule.current.team_ids, ended):
            continue
        reach = reaches.get(rule.pk)
        if reach is not None and not reach.covers(ticket.team_id, ticket.shop_id):
            continue
        definition = Definition.of(rule.current)
        held = judge(definition, LiveFacts(ticket, moment))
        if held is None:
            continue
        run = _act(rule, definition, ticket, moment, held, at)
        if run is None:
            continue
        runs.append(run)
        if run.state == RunState.REFUSED:
            continue
        if definition.stops and reach is None:
            break
        if definition.stops:
            ended.append(set(rule.current.team_ids))
        ticket = _lock(ticket.pk) or ticket  # the next rule sees what this one did
    return runs


def _is_ended(team_ids: list[int], ended: list[set[int]]) -> bool:
    """Say whether a rule is of teams whose rules ended; a team's stop ends neither the company's nor other teams'."""
    return bool(team_ids) and any(set(team_ids) <= teams for teams in ended)


def _reaches(rules: list[Rule]) -> dict[int, TeamReach]:
    """Return the reach of the rules that are for some teams only; the company's cost no statement."""
    found = {rule.pk: reach_of_teams(rule.current.team_ids) for rule in rules if rule.current is not None}
    return {pk: reach for pk, reach in found.items() if reach is not None}


def _act(
    rule: Rule, definition: Definition, ticket: Ticket, moment: Moment, held: list[int], at: datetime
) -> RuleRun | None:
    """Do what a rule says and keep the run; None when it acted on this very event before."""
    number = rule.current.number if rule.current else 0
    run = RuleRun(
        rule=rule, number=number, ticket=ticket, event_id=moment.event_id, since=moment.since, held=held, at=at,
    )  # fmt: skip
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError:  # run twice: the first one's row is there
        return None
    try:
        with transaction.atomic():
            refuse_second_act(f"tickets.rule:{rule.pk}", ticket)
            run.steps = _do_all(rule, definition, ticket, at)
            run.state = state_of(run.steps)
            _record(run, rule, at)
    except TooDeep:  # the savepoint took everything of this rule back
        run.steps, run.state, run.reason = [], RunState.REFUSED, "loop"
        logger.warning("rules.loop_refused rule_id=%s ticket_id=%s", rule.pk, ticket.pk)
    run.save(update_fields=["steps", "state", "reason"])
    return run


def _do_all(rule: Rule, definition: Definition, ticket: Ticket, at: datetime) -> list[dict[str, Any]]:
    doer = Doer(ticket.pk, rule.pk, rule.name, at)
    return [do_action(action, doer) for action in definition.actions]


def state_of(steps: list[dict[str, Any]]) -> RunState:
    """Return what a run comes to by its steps; to ask no further rules is always done and says nothing."""
    told = [step for step in steps if step["do"] != Do.STOP] or steps
    states = {step["state"] for step in told}
    if StepState.FAILED in states:
        return RunState.PARTLY if StepState.DONE in states else RunState.FAILED
    return RunState.DONE if StepState.DONE in states else RunState.SAME


def _record(run: RuleRun, rule: Rule, at: datetime) -> None:
    """Write down what a rule did, where it did or tried something."""
    done = tuple(Code(step["do"]) for step in run.steps if step["state"] == StepState.DONE and step["do"] != Do.STOP)
    failed = tuple(Code(step["do"]) for step in run.steps if step["state"] == StepState.FAILED)
    if not (done or failed):
        return
    data = RuleActed(rule.pk, run.number, Code(rule.trigger), done, failed)
    record("rule.acted", subject=run, actor=Actor.rule(rule.pk), at=at, data=data)

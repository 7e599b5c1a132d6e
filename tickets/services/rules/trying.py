"""Try a rule on the last thirty days: a background job in parts, with progress, stopped at a word. Nothing changes."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput
from core.jobs import schedule
from core.live import announce
from tickets.models import Rule, RuleTrial, RuleTrialHit
from tickets.rule_enums import TrialState
from tickets.selectors.rules import get_rule, get_trial, tickets_to_try
from tickets.services.rules.replaying import Replay
from tickets.team_reach import reach_of_teams, teams_of_actor

TRY_JOB = "tickets.rule_try"
WINDOW = timedelta(days=30)
BATCH = 250
SECONDS = 2.0
MOST_KEPT = 1000
TRIALS_KEPT = 3


@transaction.atomic
def start_trial(*, rule_id: int, actor: Actor, at: datetime) -> RuleTrial:
    """Begin to try the rule as it is saved, on the tickets of its teams; one under way is returned. Raises NotFound."""
    scope = teams_of_actor(actor)
    Rule.objects.select_for_update(no_key=True).filter(pk=rule_id).first()
    rule = get_rule(rule_id, scope)
    if rule.current is None:
        raise InvalidInput
    known = RuleTrial.objects.filter(rule=rule, state=TrialState.RUNNING).first()
    if known is not None and known.tried_id == rule.current_id:
        return known
    if known is not None:
        _cancel(known.pk, at)
    old = list(RuleTrial.objects.filter(rule=rule).order_by("-pk").values_list("pk", flat=True)[TRIALS_KEPT - 1 :])
    RuleTrial.objects.filter(pk__in=old).delete()
    tickets = tickets_to_try(at - WINDOW, at, reach_of_teams(rule.current.team_ids))
    trial = RuleTrial.objects.create(
        rule=rule, tried=rule.current, since=at - WINDOW, until=at, started_at=at,
        started_by_id=actor.id if actor.is_person else None, total=tickets.count(),
    )  # fmt: skip
    _owe(trial, at)
    return trial


def _owe(trial: RuleTrial, at: datetime) -> None:
    schedule(TRY_JOB, key=f"{trial.pk}:{trial.after_id}", due_at=at, payload={"trial_id": trial.pk})


@transaction.atomic
def cancel_trial(*, trial_id: int, actor: Actor, at: datetime) -> RuleTrial:
    """Stop a trial; what it found so far stays. Raises NotFound."""
    get_rule(get_trial(trial_id).rule_id, teams_of_actor(actor))
    return _cancel(trial_id, at)


def _cancel(trial_id: int, at: datetime) -> RuleTrial:
    RuleTrial.objects.filter(pk=trial_id, state=TrialState.RUNNING).update(state=TrialState.CANCELLED, finished_at=at)
    trial = get_trial(trial_id)
    announce("rules", "trial", trial.pk, trial.done_count)
    return trial


@transaction.atomic
def try_part(*, trial_id: int, at: datetime, seconds: float = SECONDS, batch: int = BATCH) -> bool:
    """Play the next tickets for some seconds, keep what was found, owe the rest; return whether any is left.

    The row is locked from the first look to the commit: two workers at one part do it one after the other, and the
    second finds it done. Memory is one batch's.
    """
    trial = RuleTrial.objects.select_for_update(no_key=True, of=("self",), skip_locked=True).select_related("tried")
    row = trial.filter(pk=trial_id, state=TrialState.RUNNING).first()
    if row is None:
        return False
    replay, end, is_over = Replay(row.tried, row.since, row.until), time.monotonic() + seconds, False
    while not is_over:
        ahead = tickets_to_try(row.since, row.until, replay.reach).filter(pk__gt=row.after_id)
        tickets = list(ahead.select_related("order")[:batch])
        _keep(row, replay, tickets)
        row.done_count += len(tickets)
        row.after_id = tickets[-1].pk if tickets else row.after_id
        is_over = len(tickets) < batch
        if time.monotonic() > end:
            break
    if is_over:
        row.state, row.finished_at, row.total = TrialState.DONE, at, row.done_count
    row.save(
        update_fields=[
            "state", "finished_at", "total", "done_count", "after_id", "matched_count", "times_count",
        ]
    )  # fmt: skip
    if not is_over:
        _owe(row, at)
    announce("rules", "trial", row.pk, row.done_count)
    return not is_over


def _keep(trial: RuleTrial, replay: Replay, tickets: list) -> None:  # type: ignore[type-arg]
    found = []
    for ticket, hits in replay.play(tickets):
        trial.matched_count += 1
        trial.times_count += len(hits)
        first = hits[0]
        found.append(
            RuleTrialHit(
                trial=trial, ticket=ticket, event_id=first.event_id, at=first.at, times=len(hits), held=first.held,
                steps=first.steps,
            )
        )  # fmt: skip
    room = MOST_KEPT - (trial.matched_count - len(found))
    if found and room < len(found):  # the newest tickets are looked at: the oldest kept ones make place
        old = RuleTrialHit.objects.filter(trial=trial).order_by("ticket_id").values_list("pk", flat=True)
        RuleTrialHit.objects.filter(pk__in=list(old[: len(found) - max(room, 0)])).delete()
    RuleTrialHit.objects.bulk_create(found)

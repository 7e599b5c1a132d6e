"""Sampling plans and the periods they owe."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.selectors import active_teams
from core.actors import Actor
from core.errors import InvalidInput, NotFound
from core.events import record
from core.jobs import schedule
from tickets.models import Rubric, SampleDraw, SamplingPlan
from tickets.quality_enums import BOOSTS, SamplePeriod, SampleWay
from tickets.quality_periods import local_day, midnight, period_end, period_start
from tickets.selectors.quality_drawing import get_plan
from tickets.services.settings_rows import lock_row
from tickets.team_reach import check_within, is_within, teams_of_actor

DRAW_JOB = "tickets.draw_sample"
MOST_PER_AGENT = 50


@dataclass(frozen=True)
class PlanTerms:
    """What a supervisor sets; empty lists mean everything."""

    name: str
    rubric_id: int
    period: str = SamplePeriod.WEEK.value
    way: str = SampleWay.PER_AGENT.value
    amount: int = 2
    boosts: tuple[str, ...] = ()
    factor: int = 3
    team_ids: tuple[int, ...] = ()
    agent_ids: tuple[int, ...] = ()
    channels: tuple[str, ...] = ()
    category_ids: tuple[int, ...] = ()
    reviewer_ids: tuple[int, ...] = ()
    due_days: int = 5
    is_active: bool = True


@transaction.atomic
def save_plan(
    *, plan_id: int | None, terms: PlanTerms, actor: Actor, at: datetime, version: int | None = None, seed: str = ""
) -> SamplingPlan:
    """Make a plan or change it; the period that runs now is the first it draws, when that is over.

    A plan that rested does not draw the time it rested. Whoever sees only her teams plans for these, and finds no
    other plan. Raises InvalidInput, NotFound, StaleEdit.
    """
    scope = teams_of_actor(actor)
    _check(terms, scope)
    wanted = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(terms).items()}
    if plan_id is None:
        row = SamplingPlan(seed=seed or secrets.token_hex(16), version=0)
    else:
        get_plan(plan_id, scope)
        row = lock_row(SamplingPlan, plan_id, version, wanted)
        if not is_within(row.team_ids, scope):
            raise NotFound
    goes_on = row.pk is not None and row.is_active and row.period == terms.period
    for name, value in wanted.items():
        setattr(row, name, value)
    row.version += 1
    if not terms.is_active:
        row.next_period = None
    elif not goes_on or row.next_period is None:
        row.next_period = _first_period(row, local_day(at))
    row.save()
    record("sampling_plan.changed", subject=row, actor=actor, at=at)
    owe_draw(row)
    return row


def _first_period(plan: SamplingPlan, day: date) -> date:
    start = period_start(plan.period, day)
    last = SampleDraw.objects.filter(plan_id=plan.pk).order_by("-period_end").first() if plan.pk else None
    return period_end(plan.period, start) if last is not None and last.period_end > start else start


def owe_draw(plan: SamplingPlan) -> None:
    """Owe the draw of the plan's next period, due when that is over; a period of the past is due at once."""
    if plan.next_period is not None:
        schedule(
            DRAW_JOB,
            key=f"{plan.pk}:{plan.next_period}:{plan.version}",
            due_at=midnight(period_end(plan.period, plan.next_period)),
            shard=f"plan:{plan.pk}",
            payload={"plan_id": plan.pk, "period": plan.next_period.isoformat()},
        )


def _check(terms: PlanTerms, scope: list[int] | None) -> None:
    check_within(terms.team_ids, scope)
    if active_teams().filter(pk__in=terms.team_ids).count() != len(set(terms.team_ids)):
        raise InvalidInput(fields={"team_ids": [_("A team chosen here is no longer there.")]})
    if not terms.name.strip():
        raise InvalidInput(fields={"name": [_("Give the plan a name.")]})
    if not Rubric.objects.filter(pk=terms.rubric_id, current__isnull=False).exists():
        raise InvalidInput(fields={"rubric": [_("Choose a rubric that is published.")]})
    if terms.period not in SamplePeriod.values or terms.way not in SampleWay.values:
        raise InvalidInput(fields={"period": [_("Choose how often and how many.")]})
    most = 100 if terms.way == SampleWay.PERCENT else MOST_PER_AGENT
    if not 1 <= terms.amount <= most:
        raise InvalidInput(fields={"amount": [_("Between 1 and %(most)s.") % {"most": most}]})
    if not 1 <= terms.factor <= 20 or not 1 <= terms.due_days <= 60 or set(terms.boosts) - set(BOOSTS):
        raise InvalidInput(fields={"factor": [_("Between 1 and 20.")]})

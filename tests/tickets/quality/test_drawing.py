"""Sampling: the same draw from the same seed, each period once, missed ones filled, fair shares, never one's own."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.utils import timezone

from core.actors import SYSTEM
from core.models import Event, Job
from tests.factories.accounts import make_staff
from tests.factories.feedback import run_jobs
from tests.factories.quality import make_answered, make_plan, make_rubric, make_submitted
from tickets.models import QualityReview, SampleDraw, SamplingPlan, SlaClock
from tickets.quality_periods import local_day, midnight, period_start
from tickets.selectors.quality_drawing import Candidate, candidates_of
from tickets.services.quality.drawing import choose, draw_sample
from tickets.services.quality.plans import DRAW_JOB, PlanTerms, save_plan

PERIOD = date(2026, 11, 16)  # a Monday
INSIDE = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)
AFTER = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def _plan(**terms: object) -> SamplingPlan:
    return SamplingPlan(**{"seed": "a" * 32, "way": "per_agent", "amount": 2, "factor": 3, "boosts": [], **terms})


def _many(count: int = 300) -> list[Candidate]:
    signals = ("breached",)
    return [Candidate(n, n % 5, None, signals if n % 10 == 0 else ()) for n in range(1, count + 1)]


def test_the_same_seed_draws_the_same_and_another_seed_does_not() -> None:
    first = choose(_plan(), PERIOD, _many())
    assert first == choose(_plan(), PERIOD, list(reversed(_many())))
    assert first != choose(_plan(seed="b" * 32), PERIOD, _many())
    assert first != choose(_plan(), date(2026, 11, 23), _many())
    assert Counter(one.agent_id for one, _why in first) == dict.fromkeys(range(5), 2)
    assert len(choose(_plan(way="percent", amount=7), PERIOD, _many())) == 21
    assert choose(_plan(), PERIOD, []) == []


def test_what_is_remarkable_is_drawn_more_often_and_says_so() -> None:
    drawn = []
    for n in range(20):
        drawn += choose(
            _plan(way="percent", amount=10, factor=5, boosts=["breached"], seed=f"{n:032d}"), PERIOD, _many()
        )
    boosted = [row for row in drawn if row[1] == ["breached"]]
    assert 0.25 < len(boosted) / len(drawn) < 0.5  # a tenth without the boost
    assert all(why == ["random"] for _one, why in choose(_plan(), PERIOD, _many()))


@pytest.mark.django_db
def test_only_answered_conversations_of_the_period_can_be_drawn() -> None:
    agent = make_staff(joined_at=INSIDE - timedelta(days=400))
    fresh = make_staff(joined_at=INSIDE - timedelta(days=5))
    inside, late = make_answered(agent, at=INSIDE), make_answered(fresh, at=INSIDE)
    make_answered(agent, at=INSIDE - timedelta(days=9))
    spam = make_answered(agent, at=INSIDE)
    type(spam).objects.filter(pk=spam.pk).update(is_spam=True)
    make_submitted(agent, ticket=make_answered(agent, at=INSIDE))
    SlaClock.objects.filter(ticket=late, kind="first_response").update(breached_at=INSIDE)
    plan = make_plan()
    span = (INSIDE - timedelta(days=2), INSIDE + timedelta(days=4))
    found = {one.ticket_id: one for one in candidates_of(plan, *span, new_agent_days=60)}
    assert set(found) == {inside.pk, late.pk}
    assert found[inside.pk].signals == ()
    assert {"breached", "new_agent"} <= set(found[late.pk].signals)
    plan.agent_ids = [fresh.pk]
    assert [one.ticket_id for one in candidates_of(plan, *span, new_agent_days=60)] == [late.pk]


@pytest.mark.django_db
def test_a_period_is_drawn_once_and_reviews_go_round_never_to_oneself() -> None:
    agents = [make_staff(), make_staff(roles=["quality"])]
    reviewer = make_staff(roles=["quality"])
    for agent in agents:
        for n in range(3):
            make_answered(agent, at=INSIDE + timedelta(hours=n))
    plan = make_plan(at=INSIDE, amount=3)
    assert draw_sample(plan_id=plan.pk, period=PERIOD, at=INSIDE) is None
    draw = draw_sample(plan_id=plan.pk, period=PERIOD, at=AFTER)
    assert draw is not None
    assert (draw.candidate_count, draw.drawn_count) == (6, 6)
    again = draw_sample(plan_id=plan.pk, period=PERIOD, at=AFTER)
    assert again == draw
    rows = list(QualityReview.objects.all())
    assert len(rows) == 6
    assert all(row.reviewer_id not in {row.agent_id, None} for row in rows)
    assert {row.reviewer_id for row in rows if row.agent_id == agents[1].pk} == {reviewer.pk}
    assert Event.objects.get(kind="quality.drawn").data["drawn"] == 6
    plan.refresh_from_db()
    assert plan.next_period == date(2026, 11, 23)


@pytest.mark.django_db
def test_missed_periods_are_filled_in_order() -> None:
    agent = make_staff()
    make_staff(roles=["quality"])
    this_week = midnight(period_start("week", local_day(timezone.now())))
    start = this_week - timedelta(weeks=3, days=-2)  # a Wednesday: what is answered minutes later is of the same week
    for week in range(3):
        make_answered(agent, at=start + timedelta(weeks=week, minutes=week))
    plan = make_plan(at=start)
    run_jobs(DRAW_JOB)
    draws = list(SampleDraw.objects.order_by("period_start"))
    assert [one.drawn_count for one in draws] == [1, 1, 1]
    assert all(a.period_end == b.period_start for a, b in pairwise(draws))
    assert Job.objects.filter(name=DRAW_JOB, state="ready").count() == 1
    terms = PlanTerms(name="x", rubric_id=plan.rubric_id, is_active=False)
    plan.refresh_from_db()
    rest = save_plan(plan_id=plan.pk, terms=terms, actor=SYSTEM, at=timezone.now(), version=plan.version)
    assert rest.next_period is None
    woken = save_plan(
        plan_id=plan.pk, terms=PlanTerms(name="x", rubric_id=plan.rubric_id, period="day"), actor=SYSTEM,
        at=timezone.now() + timedelta(days=30), version=rest.version,
    )  # fmt: skip
    assert woken.next_period is not None
    assert woken.next_period >= draws[-1].period_end


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_workers_draw_one_sample() -> None:
    agent = make_staff()
    make_staff(roles=["quality"])
    for n in range(4):
        make_answered(agent, at=INSIDE + timedelta(hours=n))
    plan = make_plan(at=INSIDE, amount=2, rubric=make_rubric())
    barrier, failed = threading.Barrier(3), []

    def draw() -> None:
        try:
            barrier.wait(timeout=10)
            draw_sample(plan_id=plan.pk, period=PERIOD, at=AFTER)
        except Exception as error:  # noqa: BLE001 - told below: a thread's failure must not be lost
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=draw) for _n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert failed == []
    assert SampleDraw.objects.count() == 1
    assert QualityReview.objects.count() == 2

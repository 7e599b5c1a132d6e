"""The quality score equals a recount, is corrected by an appeal on the review's own day, and keeps its rows closed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.actors import Actor
from core.folds import FOLDS, rebuild
from kpi.models import Fact
from kpi.periods import period_of, today
from kpi.selectors import Filters, figures
from kpi.services import advance_folds
from tests.factories.accounts import make_staff
from tests.factories.quality import make_answered, make_rubric, make_submitted, marks
from tickets.models import QualityReview
from tickets.services.quality.appealing import appeal_review, decide_appeal
from tickets.services.quality.calibrating import start_calibration


def _rows() -> set[tuple[int, Decimal | None]]:
    return set(Fact.objects.filter(metric="quality_score").values_list("root_id", "value"))


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_score_equals_a_recount_whatever_came_after() -> None:
    now = timezone.now()
    agent, one, two, rubric = make_staff(), make_staff(roles=["quality"]), make_staff(roles=["quality"]), make_rubric()
    reviews = [
        make_submitted(agent, one, rubric=rubric, answers=marks(*mark), at=now - timedelta(days=n))
        for n, mark in enumerate(((5, 5), (3, "na"), (2, 1), (4, 4, 0)))
    ]
    start_calibration(
        ticket_id=make_answered(agent).pk,
        reviewer_ids=[one.pk, two.pk],
        rubric_id=rubric.pk,
        actor=Actor.staff(one),
        at=now,
    )
    advance_folds(at=now)
    appeal = appeal_review(review_id=reviews[2].pk, reason="再看", actor=Actor.staff(agent), at=now)
    decide_appeal(
        appeal_id=appeal.pk, is_changed=True, decision="有理", answers=marks(4, 4), actor=Actor.staff(two), at=now
    )
    advance_folds(at=now)
    counted = QualityReview.objects.filter(state="submitted", calibration__isnull=True)
    assert _rows() == {(row.pk, row.score) for row in counted}
    period = period_of("month", today(now))
    inside = [
        float(r.score or 0) for r in counted if r.submitted_at and period.first <= today(r.submitted_at) <= period.last
    ]
    figure = figures(["quality_score"], period, Filters())["quality_score"]
    assert figure.n == len(inside)
    assert figure.value == pytest.approx(sum(inside) / len(inside))
    corrected = Fact.objects.get(metric="quality_score", root_id=reviews[2].pk)
    assert (corrected.value, corrected.at) == (Decimal(80), reviews[2].submitted_at)
    before = _rows()
    rebuild(FOLDS["quality"], now)
    assert _rows() == before


@pytest.mark.django_db
def test_only_reviewers_open_its_rows(client: Client) -> None:
    address = reverse("kpi:rows", args=["quality_score"])
    for role, status in (("agent_lead", 403), ("analyst", 403), ("quality", 200), ("supervisor", 200)):
        client.force_login(make_staff(roles=[role]))
        assert client.get(address).status_code == status
        assert client.get(reverse("kpi:board")).status_code == 200

"""Reviews from choice to decision: who may, what is told, what the database holds, what two people do at once."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import Notification
from core.actors import Actor
from core.errors import DomainError, InvalidInput, NotAllowed, NotFound, StaleEdit
from core.models import Event
from tests.factories.accounts import make_staff, make_team
from tests.factories.desk import make_category
from tests.factories.quality import make_answered, make_review, make_rubric, make_submitted, marks
from tests.factories.tickets import make_reply
from tests.factories.work import make_commitment, make_standard
from tickets.models import Appeal, Coaching, QualityReview, RubricVersion
from tickets.quality_errors import AppealDecided, AppealMade, AppealTooLate, OwnConversation, ReviewDone
from tickets.selectors.quality import evidence_for, prefilled_answers, steps_of
from tickets.services.quality.appealing import appeal_review, decide_appeal
from tickets.services.quality.calibrating import start_calibration
from tickets.services.quality.drawing import rebalance_reviews
from tickets.services.quality.reviewing import (
    add_review,
    drop_review,
    finish_coaching,
    hand_review,
    save_review_draft,
    submit_review,
)
from tickets.services.quality.rubrics import publish_rubric
from tickets.services.quality.terms import save_quality_terms
from tickets.services.standards import tick_step

pytestmark = pytest.mark.django_db


def _appeal(review: QualityReview, **more: object) -> Appeal:
    given = {"reason": "第二条我已经道歉", "at": timezone.now(), **more}
    return appeal_review(review_id=review.pk, actor=Actor("staff", review.agent_id), **given)


def test_a_review_is_final_and_told() -> None:
    agent, reviewer = make_staff(), make_staff(roles=["quality"])
    review = make_submitted(agent, reviewer, answers=marks(4, 3), note="先安抚再解释")
    assert review.score == Decimal("72.00")
    assert Notification.objects.filter(staff=agent, kind="quality.reviewed").count() == 1
    event = Event.objects.get(kind="quality.reviewed")
    assert (event.data["agent_id"], event.data["score"], event.ticket_id) == (agent.pk, "72.00", review.ticket_id)
    again = {"review_id": review.pk, "answers": marks(), "note": "", "at": timezone.now(), "version": review.version}
    with pytest.raises(ReviewDone):
        submit_review(actor=Actor.staff(reviewer), **again)
    with pytest.raises(IntegrityError), transaction.atomic():
        QualityReview.objects.update(score=100)


def test_marks_are_asked_for_and_drafts_kept() -> None:
    review = make_review()
    actor, now = Actor("staff", review.reviewer_id), timezone.now()
    given = {"review_id": review.pk, "note": "", "actor": actor, "at": now, "version": review.version}
    score = save_review_draft(answers={"tone": {"value": 4}}, **given)
    assert (score.value, score.missing) == (Decimal("80.00"), ("facts", "redline"))
    with pytest.raises(InvalidInput) as refused:
        submit_review(answers={"tone": {"value": 4}}, **given)
    assert set(refused.value.fields) == {"facts", "redline"}
    with pytest.raises(InvalidInput):
        submit_review(answers=marks(redline="na"), **given)
    with pytest.raises(StaleEdit):
        save_review_draft(answers={}, **{**given, "version": 99})
    with pytest.raises(NotAllowed):
        save_review_draft(answers={}, **{**given, "actor": Actor.staff(make_staff(roles=["quality"]))})
    drop_review(review_id=review.pk, actor=actor, at=now)
    with pytest.raises(ReviewDone):
        save_review_draft(answers={}, **given)


def test_nobody_reviews_her_own_conversation_whatever_the_way() -> None:
    agent = make_staff(roles=["supervisor"])
    helper = make_staff(roles=["supervisor"])
    ticket = make_answered(agent)
    make_reply(ticket, helper)
    now = timezone.now()
    for staff in (agent, helper):
        with pytest.raises(OwnConversation):
            add_review(ticket_id=ticket.pk, rubric_id=None, reviewer_id=staff.pk, actor=Actor.staff(staff), at=now)
    review = make_review(agent, ticket=ticket)
    with pytest.raises(OwnConversation):
        hand_review(review_id=review.pk, reviewer_id=helper.pk, actor=Actor.staff(helper), at=now)
    for staff in (agent, helper):
        with pytest.raises(IntegrityError), transaction.atomic():
            QualityReview.objects.filter(pk=review.pk).update(reviewer=staff)
    people = [helper.pk, make_staff(roles=["quality"]).pk]
    with pytest.raises(OwnConversation):
        start_calibration(ticket_id=ticket.pk, reviewer_ids=people, rubric_id=None, actor=Actor.staff(helper), at=now)


def test_a_published_rubric_never_changes_and_weighs_100() -> None:
    rubric = make_rubric()
    version = rubric.current
    assert version is not None
    for change in (lambda: RubricVersion.objects.update(number=9), lambda: RubricVersion.objects.all().delete()):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()
    with pytest.raises(IntegrityError), transaction.atomic():
        RubricVersion.objects.create(rubric=rubric, number=7, sections=[], published_at=timezone.now())
    given = {"name": "二版", "actor": Actor("staff", make_staff().pk), "at": timezone.now()}
    with pytest.raises(InvalidInput):
        make_rubric("错", tone=50, facts=40)
    with pytest.raises(StaleEdit):
        publish_rubric(rubric_id=rubric.pk, sections=version.sections, version=99, **given)
    same = publish_rubric(rubric_id=rubric.pk, sections=version.sections, version=rubric.version, **given)
    assert (same.current_id, same.name) == (version.pk, "二版")
    sections = [{**version.sections[0], "zh": "改过"}]
    after = publish_rubric(rubric_id=rubric.pk, sections=sections, version=same.version, **given)
    assert after.current is not None
    assert (after.current.number, after.current.criteria()[0]["key"]) == (2, "tone")


def test_a_low_score_owes_a_talk_until_it_is_done() -> None:
    agent, boss = make_staff(), make_staff(roles=["supervisor"])
    review = make_submitted(agent, answers=marks(2, 2))
    talk = Coaching.objects.get(review=review)
    assert talk.coach == boss
    actor, now = Actor.staff(boss), timezone.now()
    with pytest.raises(InvalidInput):
        finish_coaching(coaching_id=talk.pk, note=" ", actor=actor, at=now)
    with pytest.raises(NotAllowed):
        finish_coaching(coaching_id=talk.pk, note="好", actor=Actor.staff(agent), at=now)
    assert finish_coaching(coaching_id=talk.pk, note="约定先安抚", actor=actor, at=now).done_by == boss
    with pytest.raises(DomainError):
        finish_coaching(coaching_id=talk.pk, note="再来", actor=actor, at=now)
    assert not Coaching.objects.filter(review=make_submitted(answers=marks(4, 4))).exists()


def test_an_appeal_is_made_once_in_time_and_decided_by_another() -> None:
    first, second = make_staff(roles=["quality"]), make_staff(roles=["quality"])
    review = make_submitted(reviewer=first, answers=marks(2, 2))
    with pytest.raises(NotFound):
        appeal_review(review_id=review.pk, reason="x", actor=Actor.staff(second), at=timezone.now())
    with pytest.raises(AppealTooLate):
        _appeal(review, at=timezone.now() + timedelta(days=8))
    with pytest.raises(InvalidInput):
        _appeal(review, reason=" ")
    appeal = _appeal(review)
    assert appeal.decider == second
    with pytest.raises(AppealMade):
        _appeal(review)
    given = {"appeal_id": appeal.pk, "decision": "第二条确实道歉了", "answers": marks(4, 4), "at": timezone.now()}
    with pytest.raises(NotAllowed):
        decide_appeal(is_changed=True, actor=Actor.staff(first), **given)
    with pytest.raises(InvalidInput):
        decide_appeal(is_changed=True, actor=Actor.staff(second), **{**given, "answers": marks(2, 2)})
    with pytest.raises(InvalidInput):
        decide_appeal(is_changed=True, actor=Actor.staff(second), **{**given, "decision": ""})
    with pytest.raises(IntegrityError), transaction.atomic():
        Appeal.objects.update(decider=first)
    decide_appeal(is_changed=True, actor=Actor.staff(second), **given)
    review.refresh_from_db()
    appeal.refresh_from_db()
    assert (review.score, appeal.score_before, appeal.score_after) == (Decimal(80), Decimal(40), Decimal(80))
    assert appeal.answers_before["tone"]["value"] == 2
    assert Coaching.objects.get(review=review).withdrawn_at is not None
    event = Event.objects.get(kind="quality.decided")
    assert (event.data["score"], event.data["before"], event.data["is_changed"]) == ("80.00", "40.00", True)
    with pytest.raises(AppealDecided):
        decide_appeal(is_changed=False, actor=Actor.staff(second), **given)


def test_the_days_to_appeal_are_a_setting() -> None:
    values = {
        "appeal_days": 1,
        "decide_days": 1,
        "coach_below": 50,
        "coach_days": 1,
        "new_agent_days": 1,
        "away_hours": 24,
    }
    actor, now = Actor.staff(make_staff()), timezone.now()
    save_quality_terms(values=values, version=0, actor=actor, at=now)
    with pytest.raises(StaleEdit):
        save_quality_terms(values=values, version=0, actor=actor, at=now)
    with pytest.raises(InvalidInput):
        save_quality_terms(values={**values, "appeal_days": 0}, version=1, actor=actor, at=now)
    with pytest.raises(AppealTooLate):
        _appeal(make_submitted(answers=marks(3, 3)), at=now + timedelta(days=2))


def test_what_is_known_fills_the_form() -> None:
    category, agent, now = make_category(), make_staff(), timezone.now()
    make_standard(category, {"核对订单": True, "安抚": False})
    ticket = make_answered_open(agent, category.pk)
    assert evidence_for(ticket, agent.pk, steps_of(ticket))["standard"].value == 0
    tick_step(ticket_id=ticket.pk, key="k0", is_done=True, actor=Actor.staff(agent), at=now)
    promise = make_commitment(ticket, agent)
    found = evidence_for(ticket, agent.pk, steps_of(ticket))
    assert (found["standard"].value, found["standard"].done, found["standard"].total) == (1, 1, 1)
    assert found["promise"].value == "na"
    type(promise).objects.filter(pk=promise.pk).update(state="overdue", broken_at=now)
    found = evidence_for(ticket, agent.pk, steps_of(ticket))
    assert found["promise"].value == 0
    criteria = [
        {"key": "a", "kind": "yes_no", "source": "standard", "may_skip": True},
        {"key": "b", "kind": "scale", "source": "greeting", "may_skip": False},
        {"key": "c", "kind": "scale", "source": "", "may_skip": False},
    ]
    filled = prefilled_answers(criteria, found)
    assert {key: one["value"] for key, one in filled.items()} == {"a": 1, "b": 5}


def make_answered_open(agent: object, category_id: int) -> object:
    from tests.factories.tickets import make_ticket

    ticket = make_ticket(category_id=category_id)
    make_reply(ticket, agent)
    ticket.refresh_from_db()
    return ticket


def test_what_waits_with_leavers_and_the_absent_is_handed_on() -> None:
    gone, away, here = (make_staff(roles=["quality"]) for _n in range(3))
    now = timezone.now()
    reviews = [make_review(reviewer=gone), make_review(reviewer=away), make_review(reviewer=away)]
    begun = reviews[2]
    save_review_draft(review_id=begun.pk, answers={}, note="", actor=Actor.staff(away), at=now, version=begun.version)
    type(gone).objects.filter(pk=gone.pk).update(is_active=False)
    from accounts.models import Presence

    Presence.objects.create(staff=away, status="offline", since=now - timedelta(days=3))
    assert rebalance_reviews(at=now) == 2
    assert rebalance_reviews(at=now) == 0
    holders = [QualityReview.objects.get(pk=one.pk).reviewer for one in reviews]
    assert holders == [here, here, away]


def test_calibration_is_blind_and_counts_for_nothing() -> None:
    one, two, agent = make_staff(roles=["quality"]), make_staff(roles=["quality"]), make_staff()
    ticket, now = make_answered(agent), timezone.now()
    rubric = make_rubric()
    given = {"ticket_id": ticket.pk, "rubric_id": rubric.pk, "actor": Actor.staff(one), "at": now}
    with pytest.raises(InvalidInput):
        start_calibration(reviewer_ids=[one.pk, one.pk], **given)
    row = start_calibration(reviewer_ids=[one.pk, two.pk], **given)
    for review, mark in zip(row.reviews.order_by("pk"), (5, 2), strict=True):
        submit_review(
            review_id=review.pk, answers=marks(mark, mark), note="", actor=Actor("staff", review.reviewer_id), at=now,
            version=review.version,
        )  # fmt: skip
    assert Event.objects.filter(kind="quality.calibrated").count() == 2
    assert not Event.objects.filter(kind="quality.reviewed").exists()
    assert not Notification.objects.filter(staff=agent).exclude(kind__startswith="ticket").exists()
    with pytest.raises(NotFound):
        _appeal(row.reviews.first())


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_deciders_at_once_make_one_decision() -> None:
    first, *deciders = (make_staff(roles=["quality"]) for _n in range(3))
    review = make_submitted(reviewer=first, answers=marks(2, 2), rubric=make_rubric())
    appeal = _appeal(review)
    barrier, outcomes = threading.Barrier(2), []

    def decide(staff: object, mark: int) -> None:
        try:
            barrier.wait(timeout=10)
            decide_appeal(
                appeal_id=appeal.pk, is_changed=True, decision="改", answers=marks(mark, mark),
                actor=Actor.staff(staff), at=timezone.now(),
            )  # fmt: skip
            outcomes.append(mark)
        except AppealDecided:
            outcomes.append("late")
        finally:
            connection.close()

    threads = [threading.Thread(target=decide, args=(one, mark)) for one, mark in zip(deciders, (4, 5), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert len(outcomes) == 2
    assert outcomes.count("late") == 1
    won = next(one for one in outcomes if one != "late")
    review.refresh_from_db()
    assert review.score == 20 * won
    assert Event.objects.filter(kind="quality.decided").count() == 1


def test_an_appeal_goes_to_somebody_who_sees_the_conversation() -> None:
    near, far = make_team("近"), make_team("远")
    agent, blind = make_staff(teams=[near]), make_staff(roles=["supervisor"], teams=[far])
    first = make_staff(roles=["supervisor"], teams=[near])
    sees = make_staff(roles=["supervisor"], teams=[near])  # the last one by number: by load alone it would be `blind`
    ticket = make_answered(agent)
    type(ticket).objects.filter(pk=ticket.pk).update(team=near)
    review = make_submitted(agent, first, ticket=ticket, answers=marks(2, 2))
    appeal = _appeal(review)
    assert appeal.decider == sees
    assert blind.pk < sees.pk

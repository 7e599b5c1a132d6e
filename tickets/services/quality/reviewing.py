"""Score conversations: drafts, the final word, reviews chosen by hand, who reviews what."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.services import notify
from core.actors import Actor
from core.errors import InvalidInput, NotAllowed, NotFound, TransitionNotAllowed
from core.events import record
from tickets.models import Coaching, Message, QualityReview, Rubric, Ticket
from tickets.quality_enums import ReviewState, Why
from tickets.quality_errors import NothingToReview, OwnConversation, ReviewDone
from tickets.quality_events import CoachingFact
from tickets.quality_score import NOT_APPLICABLE, Score, is_mark, score_of
from tickets.selectors.quality_drawing import able_reviewers, authors_of, coach_for, main_agent
from tickets.services.quality.facts import fact_of, lock_review, terms_now

LONGEST_COMMENT, LONGEST_NOTE = 1000, 4000
MANUAL_DAYS = 5


def tidy_answers(review: QualityReview, answers: dict[str, Any]) -> dict[str, Any]:
    """Return marks, comments and evidence of a form, only those the rubric knows. Raises InvalidInput."""
    wanted: list[int] = [one["message"] for one in answers.values() if one and one.get("message")]
    tickets = [review.ticket_id, *Ticket.objects.filter(merged_into_id=review.ticket_id).values_list("pk", flat=True)]
    known = set(Message.objects.filter(ticket_id__in=tickets, pk__in=wanted).values_list("pk", flat=True))
    tidy: dict[str, Any] = {}
    for criterion in review.rubric_version.criteria():
        given = answers.get(criterion["key"]) or {}
        value = given.get("value")
        if value == NOT_APPLICABLE and not criterion["may_skip"]:
            raise InvalidInput(fields={criterion["key"]: [_("This criterion always applies.")]})
        if value is not None and value != NOT_APPLICABLE and not is_mark(criterion["kind"], value):
            raise InvalidInput(fields={criterion["key"]: [_("Choose one of the marks.")]})
        one = {
            "value": value,
            "comment": str(given.get("comment") or "").strip()[:LONGEST_COMMENT],
            "message": given.get("message") if given.get("message") in known else None,
        }
        if value is not None or one["comment"] or one["message"]:
            tidy[criterion["key"]] = one
    return tidy


@transaction.atomic
def save_review_draft(
    *, review_id: int, answers: dict[str, Any], note: str, actor: Actor, at: datetime, version: int
) -> Score:
    """Keep what the reviewer has marked so far; return what it comes to. Nothing is told to anybody.

    Raises ReviewDone, StaleEdit, NotAllowed for anybody but the reviewer.
    """
    review = _lock_mine(review_id, actor, version)
    review.answers, review.note = tidy_answers(review, answers), note.strip()[:LONGEST_NOTE]
    review.begun_at = review.begun_at or at
    review.save(update_fields=["answers", "note", "begun_at"])
    return score_of(review.rubric_version.criteria(), review.answers)


@transaction.atomic
def submit_review(
    *, review_id: int, answers: dict[str, Any], note: str, actor: Actor, at: datetime, version: int
) -> QualityReview:
    """Give the final score. The agent is told; a score under the threshold owes a talk with her.

    Raises InvalidInput naming criteria without a mark, ReviewDone, StaleEdit, NotAllowed, OwnConversation.
    """
    review = _lock_mine(review_id, actor, version)
    if actor.id in authors_of([review.ticket_id])[review.ticket_id]:
        raise OwnConversation
    review.answers, review.note = tidy_answers(review, answers), note.strip()[:LONGEST_NOTE]
    score = check_whole(review, review.answers)
    review.score, review.is_fatal = score.value, score.is_fatal
    review.state, review.submitted_at = ReviewState.SUBMITTED, at
    review.begun_at = review.begun_at or at
    review.version += 1
    review.save(update_fields=["answers", "note", "score", "is_fatal", "state", "submitted_at", "begun_at", "version"])
    if review.calibration_id is not None:
        record("quality.calibrated", subject=review, actor=actor, at=at, data=fact_of(review))
        return review
    record("quality.reviewed", subject=review, actor=actor, at=at, data=fact_of(review))
    params = {"review_id": review.pk, "number": review.ticket.number}
    notify(staff_id=review.agent_id, kind="quality.reviewed", params=params, url=own_url(review.pk), at=at)
    owe_coaching(review, actor=actor, at=at)
    return review


def check_whole(review: QualityReview, answers: dict[str, Any]) -> Score:
    """Return the score of a whole rubric. Raises InvalidInput naming what is missing."""
    score = score_of(review.rubric_version.criteria(), answers)
    if score.missing:
        raise InvalidInput(
            _("Some criteria have no mark yet."), fields={key: [_("Mark this criterion.")] for key in score.missing}
        )
    if score.value is None:
        raise InvalidInput(_("At least one criterion must apply."))
    return score


def own_url(review_id: int) -> str:
    """Return where an agent reads a review of hers."""
    return f"/desk/quality/{review_id}/"


def owe_coaching(review: QualityReview, *, actor: Actor, at: datetime) -> Coaching | None:
    """Owe a talk about a score under the threshold; take an open one back when the score rose above it."""
    terms = terms_now()
    row = Coaching.objects.filter(review=review).first()
    if review.score is None or review.score >= terms.coach_below:
        if row is not None and row.done_at is None and row.withdrawn_at is None:
            row.withdrawn_at = at
            row.save(update_fields=["withdrawn_at"])
        return None
    if row is not None:
        return row
    coach_id = coach_for(review.agent_id, review.team_id) or review.reviewer_id
    row = Coaching.objects.create(
        review=review, agent_id=review.agent_id, coach_id=coach_id, due_at=at + timedelta(days=terms.coach_days)
    )
    fact = CoachingFact(review.pk, review.agent_id, coach_id, row.due_at)
    record("coaching.due", subject=row, actor=actor, at=at, data=fact)
    if coach_id is not None:
        params = {"review_id": review.pk, "number": review.ticket.number}
        notify(staff_id=coach_id, kind="quality.coaching", params=params, url="/desk/reviews/?tab=coaching", at=at)
    return row


def _lock_mine(review_id: int, actor: Actor, version: int) -> QualityReview:
    review = lock_review(review_id)
    if review.state != ReviewState.WAITING:
        raise ReviewDone
    if review.reviewer_id != actor.id:
        raise NotAllowed(_("This review is another reviewer's."))
    return lock_review(review_id, version=version)


@transaction.atomic
def hand_review(*, review_id: int, reviewer_id: int, actor: Actor, at: datetime, version: int | None = None) -> None:
    """Give a waiting review to a reviewer, oneself or another; what was marked so far goes along.

    Raises NotFound, ReviewDone, OwnConversation, StaleEdit.
    """
    review = lock_review(review_id, version=version)
    if review.state != ReviewState.WAITING:
        raise ReviewDone
    if review.calibration_id is not None:
        raise TransitionNotAllowed(_("Who calibrates is settled when it begins."))
    if reviewer_id not in {one.pk for one in able_reviewers()}:
        raise NotFound
    if reviewer_id == review.agent_id or reviewer_id in authors_of([review.ticket_id])[review.ticket_id]:
        raise OwnConversation
    if review.reviewer_id == reviewer_id:
        return
    review.reviewer_id, review.assigned_at = reviewer_id, at
    review.version += 1
    review.save(update_fields=["reviewer", "assigned_at", "version"])
    record("quality.assigned", subject=review, actor=actor, at=at, data=fact_of(review))
    if reviewer_id != actor.id:
        notify(staff_id=reviewer_id, kind="quality.assigned", params={"count": 1}, url="/desk/reviews/", at=at)


@transaction.atomic
def drop_review(*, review_id: int, actor: Actor, at: datetime, version: int | None = None) -> None:
    """Take a waiting review out of the sample; the row stays. Raises ReviewDone, StaleEdit."""
    review = lock_review(review_id, version=version)
    if review.state != ReviewState.WAITING:
        raise ReviewDone
    review.state = ReviewState.DROPPED
    review.version += 1
    review.save(update_fields=["state", "version"])
    record("quality.dropped", subject=review, actor=actor, at=at, data=fact_of(review))


@transaction.atomic
def add_review(*, ticket_id: int, rubric_id: int | None, reviewer_id: int, actor: Actor, at: datetime) -> QualityReview:
    """Choose a conversation by hand; one that waits for this reviewer already is given back.

    The agent who answered most is reviewed. Raises NotFound, NothingToReview, OwnConversation.
    """
    ticket = Ticket.objects.select_for_update(no_key=True, of=("self",)).filter(pk=ticket_id).first()
    if ticket is None:
        raise NotFound
    agent_id = main_agent(ticket_id)
    if agent_id is None:
        raise NothingToReview
    if reviewer_id == agent_id or reviewer_id in authors_of([ticket_id])[ticket_id]:
        raise OwnConversation
    there = QualityReview.objects.filter(ticket_id=ticket_id, state=ReviewState.WAITING, calibration__isnull=True)
    mine = there.filter(reviewer_id=reviewer_id).first()
    if mine is not None:
        return mine
    rubrics = Rubric.objects.filter(current__isnull=False).select_related("current").order_by("pk")
    rubric = rubrics.filter(pk=rubric_id).first() if rubric_id else rubrics.first()
    if rubric is None or rubric.current is None:
        raise InvalidInput(fields={"rubric": [_("Choose a rubric that is published.")]})
    review = QualityReview.objects.create(
        ticket=ticket, agent_id=agent_id, team_id=ticket.team_id, reviewer_id=reviewer_id,
        rubric_version=rubric.current, why=[Why.MANUAL.value], assigned_at=at, due_at=at + timedelta(days=MANUAL_DAYS),
    )  # fmt: skip
    record("quality.assigned", subject=review, actor=actor, at=at, data=fact_of(review), reason="manual")
    return review


@transaction.atomic
def mark_review_seen(*, review_id: int, at: datetime) -> None:
    """Note that the agent has read her review."""
    QualityReview.objects.filter(pk=review_id, seen_at__isnull=True).update(seen_at=at)


@transaction.atomic
def finish_coaching(*, coaching_id: int, note: str, actor: Actor, at: datetime) -> Coaching:
    """Tick a talk off with what was agreed. Raises InvalidInput, NotFound, TransitionNotAllowed, NotAllowed."""
    row = Coaching.objects.select_for_update(no_key=True).filter(pk=coaching_id).first()
    if row is None:
        raise NotFound
    if row.done_at is not None or row.withdrawn_at is not None:
        raise TransitionNotAllowed(_("This talk is ticked off already."))
    if actor.id == row.agent_id:
        raise NotAllowed
    if not note.strip():
        raise InvalidInput(fields={"note": [_("Say in a sentence what was agreed.")]})
    row.note, row.done_by_id, row.done_at = note.strip()[:LONGEST_NOTE], actor.id, at
    row.save(update_fields=["note", "done_by", "done_at"])
    late = max(0, int((at - row.due_at).total_seconds()))
    fact = CoachingFact(row.review_id, row.agent_id, row.coach_id, row.due_at, late)
    record("coaching.done", subject=row, actor=actor, at=at, data=fact)
    return row

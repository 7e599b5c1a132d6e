"""An agent's appeal and its decision by somebody else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.services import notify
from core.actors import Actor
from core.errors import InvalidInput, NotAllowed, NotFound
from core.events import record
from tickets.models import Appeal, QualityReview
from tickets.quality_enums import AppealState, ReviewState
from tickets.quality_errors import AppealDecided, AppealMade, AppealTooLate
from tickets.selectors.quality_drawing import able_reviewers, authors_of, reviewers, unseen_by
from tickets.services.quality.drawing import Assignments
from tickets.services.quality.facts import fact_of, lock_review, terms_now
from tickets.services.quality.reviewing import check_whole, owe_coaching, own_url, tidy_answers

LONGEST_REASON = 4000


def appeal_until(review: QualityReview) -> datetime | None:
    """Return until when the agent may appeal."""
    return review.submitted_at + timedelta(days=terms_now().appeal_days) if review.submitted_at else None


@transaction.atomic
def appeal_review(*, review_id: int, reason: str, actor: Actor, at: datetime) -> Appeal:
    """Appeal against a review of one's own conversation, once, within the days allowed.

    Another reviewer who may see the conversation is asked to decide. Raises NotFound, AppealMade, AppealTooLate,
    InvalidInput.
    """
    review = lock_review(review_id)
    if review.agent_id != actor.id or review.state != ReviewState.SUBMITTED or review.calibration_id is not None:
        raise NotFound
    if Appeal.objects.filter(review=review).exists():
        raise AppealMade
    until = appeal_until(review)
    if until is None or at > until or review.score is None or review.reviewer_id is None:
        raise AppealTooLate
    if not reason.strip():
        raise InvalidInput(fields={"reason": [_("Say what the reviewer should look at again.")]})
    decider = _decider(review, at)
    appeal = Appeal.objects.create(
        review=review, made_by_id=review.agent_id, against_id=review.reviewer_id, decider_id=decider,
        reason=reason.strip()[:LONGEST_REASON], score_before=review.score, answers_before=review.answers, made_at=at,
        due_at=at + timedelta(days=terms_now().decide_days),
    )  # fmt: skip
    record("quality.appealed", subject=review, actor=actor, at=at, data=fact_of(review))
    params = {"review_id": review.pk, "number": review.ticket.number}
    for staff_id in (pk for pk in (review.reviewer_id, decider) if pk is not None):
        notify(staff_id=staff_id, kind="quality.appealed", params=params, url=appeal_url(appeal.pk), at=at)
    return appeal


def _decider(review: QualityReview, at: datetime) -> int | None:
    barred = {review.agent_id, *authors_of([review.ticket_id])[review.ticket_id]}
    if review.reviewer_id is not None:
        barred.add(review.reviewer_id)
    everybody = able_reviewers()
    barred |= unseen_by(everybody, [review.ticket_id])[review.ticket_id]
    return Assignments(reviewers(), at=at).next_for(barred) or Assignments(everybody, at=at).next_for(barred)


def appeal_url(appeal_id: int) -> str:
    """Return where an appeal is decided."""
    return f"/desk/reviews/appeals/{appeal_id}/"


def may_decide(appeal: Appeal, staff_id: int, authors: set[int]) -> bool:
    """Say whether somebody may decide: not the first reviewer, not the agent, nobody who answered there."""
    return staff_id not in {appeal.against_id, appeal.made_by_id} and staff_id not in authors


@transaction.atomic
def decide_appeal(
    *, appeal_id: int, is_changed: bool, decision: str, answers: dict[str, Any] | None, actor: Actor, at: datetime
) -> Appeal:
    """Keep the score or change it, with reasons; the agent and the first reviewer are told. Two deciders: one counts.

    A changed review has the new marks and score; the old ones stay with the appeal. Raises NotFound, AppealDecided,
    NotAllowed, InvalidInput (also when nothing was changed).
    """
    found = Appeal.objects.filter(pk=appeal_id).values_list("review_id", flat=True).first()
    if found is None or actor.id is None:
        raise NotFound
    review = lock_review(found)
    appeal = Appeal.objects.select_for_update(no_key=True, of=("self",)).get(pk=appeal_id)
    if appeal.state != AppealState.OPEN:
        raise AppealDecided
    if not may_decide(appeal, actor.id, authors_of([review.ticket_id])[review.ticket_id]):
        raise NotAllowed(_("Somebody else than the first reviewer decides."))
    if not decision.strip():
        raise InvalidInput(fields={"decision": [_("Give your reasons; the agent reads them.")]})
    before, tidy = review.score, review.answers
    if is_changed:
        tidy = tidy_answers(review, answers or {})
        score = check_whole(review, tidy)
        if tidy == review.answers:
            raise InvalidInput(fields={"decision": [_("To change the score, change at least one mark.")]})
        after, is_fatal = score.value, score.is_fatal
    else:
        after, is_fatal = review.score, review.is_fatal
    appeal.state = AppealState.CHANGED if is_changed else AppealState.KEPT
    appeal.decider_id, appeal.decision = actor.id, decision.strip()[:LONGEST_REASON]
    appeal.score_after, appeal.decided_at = after, at
    appeal.save(update_fields=["state", "decider", "decision", "score_after", "decided_at"])
    if is_changed:
        review.answers, review.score, review.is_fatal = tidy, after, is_fatal
        review.version += 1
        review.save(update_fields=["answers", "score", "is_fatal", "version"])
        owe_coaching(review, actor=actor, at=at)
    data = fact_of(review, before=before, is_changed=is_changed)
    record("quality.decided", subject=review, actor=actor, at=at, data=data)
    params = {"review_id": review.pk, "number": review.ticket.number, "changed": is_changed}
    notify(staff_id=review.agent_id, kind="quality.decided", params=params, url=own_url(review.pk), at=at)
    notify(staff_id=appeal.against_id, kind="quality.decided", params=params, url=appeal_url(appeal.pk), at=at)
    return appeal

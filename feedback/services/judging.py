"""Recognise answers that cannot be trusted; they are set aside with a reason and never deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core.actors import Actor
from core.errors import NotFound, StaleEdit
from core.events import Code, record
from core.live import announce
from feedback.enums import InvalidReason, QuestionType
from feedback.events import SurveyJudged
from feedback.models import Answer
from feedback.questions import RANGES, Question

FASTEST = 3
FAST_FROM_QUESTIONS = 3
SAME_FROM_QUESTIONS = 4
DUPLICATE_WITHIN = timedelta(hours=24)


@dataclass(frozen=True)
class Draft:
    """An answer before it is kept."""

    survey_id: int
    customer_id: int
    questions: tuple[Question, ...]
    answers: Mapping[str, Any]
    seconds: int


def find_fault(draft: Draft, *, at: datetime) -> str:
    """Return why an answer does not count, empty when it does.

    Too fast: under 3 s for three answers or more. Straight-lined: four or more scales all at the same end or middle and
    not a word beside. Duplicate: the same answers of the same customer to the same survey within a day.
    """
    if len(draft.answers) >= FAST_FROM_QUESTIONS and draft.seconds < FASTEST:
        return InvalidReason.TOO_FAST
    if _is_straight(draft):
        return InvalidReason.STRAIGHT_LINED
    earlier = Answer.objects.filter(
        survey_id=draft.survey_id,
        invitation__customer_id=draft.customer_id,
        submitted_at__gt=at - DUPLICATE_WITHIN,
        answers=dict(draft.answers),
    )
    return InvalidReason.DUPLICATE if draft.answers and earlier.exists() else ""


def _is_straight(draft: Draft) -> bool:
    places = []
    for question in draft.questions:
        if question.id not in draft.answers:
            continue
        if question.type == QuestionType.TEXT:
            return False
        if question.type in RANGES:
            low, high = RANGES[question.type]
            places.append(round((draft.answers[question.id] - low) / (high - low), 2))
    return len(places) >= SAME_FROM_QUESTIONS and len(set(places)) == 1


@transaction.atomic
def judge_answer(*, answer_id: int, is_valid: bool, version: int, actor: Actor, at: datetime) -> Answer:
    """Set an answer aside by hand, or take it back; the figures follow. Raises NotFound, StaleEdit."""
    rows = Answer.objects.select_for_update(no_key=True, of=("self",)).select_related("invitation")
    answer = rows.filter(pk=answer_id).first()
    if answer is None:
        raise NotFound
    if answer.version != version:
        raise StaleEdit
    if answer.is_valid == is_valid:
        return answer
    answer.is_valid = is_valid
    answer.invalid_reason = "" if is_valid else InvalidReason.BY_HAND
    answer.version += 1
    answer.save(update_fields=["is_valid", "invalid_reason", "version"])
    data = SurveyJudged(is_valid=is_valid, reason=Code(answer.invalid_reason))
    record("survey.judged", subject=answer.invitation, actor=actor, at=at, data=data)
    announce("feedback", "answer", answer.pk, answer.version)
    return answer

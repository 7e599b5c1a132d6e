"""Take a customer's answer, exactly once per invitation; keep what is typed on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from core.actors import Actor
from core.crypto import hash_token
from core.events import record
from core.live import announce
from feedback.enums import QuestionType
from feedback.errors import SurveyClosed
from feedback.events import SurveyAnswered
from feedback.models import Answer, Invitation
from feedback.questions import Question, read_questions
from feedback.services.dimensions import survey_dimensions
from feedback.services.judging import Draft, find_fault

# The whole race is in this one statement: of any number of parallel posts one finds the row unanswered.
_USE = """
UPDATE feedback_invitation SET state = 'answered', answered_at = %(at)s, partial = '{}'::jsonb
 WHERE (token_hash = %(hash)s OR reminder_hash = %(hash)s)
   AND answered_at IS NULL AND expired_at IS NULL AND expires_at > %(at)s
RETURNING id
"""
_KEEP = """
UPDATE feedback_invitation
   SET partial = %(partial)s::jsonb, opened_at = coalesce(opened_at, %(at)s),
       state = CASE WHEN state IN ('invited', 'delivered') THEN 'opened' ELSE state END
 WHERE (token_hash = %(hash)s OR reminder_hash = %(hash)s)
   AND answered_at IS NULL AND expired_at IS NULL AND expires_at > %(at)s
"""


@dataclass(frozen=True)
class Submission:
    """One finished form: answers by question id, the language they were read in, seconds from first look to last."""

    answers: Mapping[str, Any]
    language: str
    seconds: int


@transaction.atomic
def submit_answer(*, token: str, submission: Submission, at: datetime) -> Answer | None:
    """Use up the link and keep the answer; None when it was answered before (then nothing changes).

    Raises SurveyClosed when the link is unknown or too old. After commit: the answers list looks again; a
    dissatisfied answer opens a ticket by its reaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(_USE, {"hash": hash_token(token), "at": at})
        row = cursor.fetchone()
    if row is None:
        if was_answered(token):
            return None
        raise SurveyClosed
    invitation = Invitation.objects.select_related("survey", "asked", "customer").get(pk=row[0])
    questions = read_questions(invitation.asked.questions)
    answer = _new_answer(invitation, questions, submission, at)
    answer.save(force_insert=True)
    data = SurveyAnswered(
        **survey_dimensions(invitation),
        csat=answer.csat,
        nps=answer.nps,
        ces=answer.ces,
        is_valid=answer.is_valid,
        seconds=answer.seconds,
    )
    actor = Actor.customer(invitation.customer_id)
    record("survey.answered", subject=invitation, actor=actor, at=at, data=data)
    announce("feedback", "answer", answer.pk, answer.version)
    announce(f"customer.{invitation.customer_id}", "answer", answer.pk, answer.version)
    return answer


def was_answered(token: str) -> bool:
    """Tell whether this link was used for an answer."""
    digest = hash_token(token)
    rows = Invitation.objects.filter(answered_at__isnull=False)
    return rows.filter(token_hash=digest).exists() or rows.filter(reminder_hash=digest).exists()


def _new_answer(
    invitation: Invitation, questions: tuple[Question, ...], submission: Submission, at: datetime
) -> Answer:
    given = dict(submission.answers)
    fault = find_fault(Draft(invitation.survey_id, invitation.customer_id, questions, given, submission.seconds), at=at)
    return Answer(
        invitation=invitation,
        survey_id=invitation.survey_id,
        answers=given,
        csat=_number(questions, given, QuestionType.CSAT),
        nps=_number(questions, given, QuestionType.NPS),
        ces=_number(questions, given, QuestionType.CES),
        comment=next((given[q.id] for q in questions if q.type == QuestionType.TEXT and q.id in given), ""),
        language=submission.language,
        seconds=min(max(submission.seconds, 0), int(timedelta(days=30).total_seconds())),
        is_valid=not fault,
        invalid_reason=fault,
        submitted_at=at,
    )


def _number(questions: tuple[Question, ...], given: Mapping[str, Any], kind: str) -> int | None:
    return next((given[q.id] for q in questions if q.type == kind and q.id in given), None)


@transaction.atomic
def save_partial(*, token: str, answers: Mapping[str, Any], at: datetime) -> bool:
    """Keep what is typed so far; return whether the link is still open. It is no answer and counts nowhere."""
    import json

    with connection.cursor() as cursor:
        cursor.execute(_KEEP, {"hash": hash_token(token), "at": at, "partial": json.dumps(dict(answers))})
        return cursor.rowcount == 1

"""What a review says in words goes with the person it speaks of; what it counts stays, and nothing else changes."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from core.actors import Actor
from tests.factories.accounts import make_staff
from tests.factories.desk import make_person
from tests.factories.quality import make_answered, make_submitted, marks
from tickets.models import Appeal, QualityReview
from tickets.services.erasing import erase_ticket_texts
from tickets.services.quality.appealing import appeal_review

pytestmark = pytest.mark.django_db


def test_words_go_and_marks_stay() -> None:
    agent, person = make_staff(), make_person("赵敏")
    answers = {key: {**one, "comment": "赵敏说的是 138 那个号"} for key, one in marks(4, 3).items()}
    review = make_submitted(agent, ticket=make_answered(agent, customer=person), answers=answers, note="赵敏很生气")
    other = make_submitted(agent, answers=marks(4, 3), note="别人的")
    appeal_review(review_id=review.pk, reason="赵敏没说", actor=Actor("staff", agent.pk), at=timezone.now())
    erase_ticket_texts(person.pk)
    kept = QualityReview.objects.get(pk=review.pk)
    assert (kept.note, kept.score, kept.state) == ("", review.score, "submitted")
    assert {key: one["value"] for key, one in kept.answers.items()} == {
        key: one["value"] for key, one in review.answers.items()
    }
    assert "赵敏" not in str(kept.answers) + Appeal.objects.get().reason + str(Appeal.objects.get().answers_before)
    assert QualityReview.objects.get(pk=other.pk).note == "别人的"


def test_a_submitted_review_takes_no_other_change_of_words() -> None:
    review = make_submitted(answers=marks(4, 3))
    for change in ("jsonb_set(answers, '{tone,comment}', '\"x\"')", "jsonb_set(answers, '{tone,value}', '5')"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE tickets_quality_review SET answers = {change} WHERE id = %s", [review.pk])

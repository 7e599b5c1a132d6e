"""Answers that cannot be trusted are set aside, never deleted; a person may decide otherwise."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Notification
from core.actors import SYSTEM
from core.errors import NotFound, StaleEdit
from core.models import Event
from feedback import services
from feedback.models import Answer, Survey, SurveyVersion
from feedback.questions import estimate_seconds, read_questions
from feedback.services.judging import Draft, find_fault
from tests.factories.accounts import make_staff
from tests.factories.feedback import make_invitation, make_ticket, run_jobs
from tickets.models import Message, Ticket

pytestmark = pytest.mark.django_db

SCALES = [{"id": f"s{n}", "type": "scale", "zh": "好吗？", "en": "Good?"} for n in range(4)]
NOW = timezone.now()


def answer(given: dict[str, Any], seconds: int = 30, **fields: Any) -> Answer:
    _invitation, token = make_invitation(**fields)
    made = services.submit_answer(
        token=token, submission=services.Submission(given, "zh-hans", seconds), at=timezone.now()
    )
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("given", "seconds", "fault"),
    [
        ({"csat": 2, "reasons": ["slow"], "comment": "x"}, 2, "too_fast"),
        ({"csat": 2, "reasons": ["slow"], "comment": "x"}, 3, ""),
        ({"csat": 5, "comment": "x"}, 0, ""),
    ],
)
def test_too_fast(given: dict[str, Any], seconds: int, fault: str) -> None:
    made = answer(given, seconds)
    assert (made.invalid_reason, made.is_valid) == (fault, not fault)
    assert Event.objects.get(kind="survey.answered").data["is_valid"] is (not fault)


@pytest.mark.parametrize(
    ("values", "fault"),
    [([3, 3, 3, 3], "straight_lined"), ([5, 5, 5, 5], "straight_lined"), ([3, 3, 3, 4], ""), ([3, 3, 3], "")],
)
def test_straight_line(values: list[int], fault: str) -> None:
    questions = read_questions(SCALES)
    given = {f"s{n}": value for n, value in enumerate(values)}
    draft = Draft(Survey.objects.get(key="ticket_csat").pk, 0, questions, given, 60)
    assert find_fault(draft, at=NOW) == fault


def test_words_beside_a_straight_line_make_it_count() -> None:
    questions = read_questions([*SCALES, {"id": "t", "type": "text", "zh": "还有？", "en": "More?"}])
    given = {f"s{n}": 5 for n in range(4)} | {"t": "都很好"}
    assert find_fault(Draft(1, 0, questions, given, 60), at=NOW) == ""


def test_same_answer_within_a_day_is_a_duplicate() -> None:
    Survey.objects.update(period_days=0)
    first = answer({"csat": 5, "comment": "好"})
    customer = first.invitation.customer
    again = answer({"csat": 5, "comment": "好"}, ticket_id=make_ticket(customer).pk, customer_id=customer.pk)
    other = answer({"csat": 4, "comment": "好"}, ticket_id=make_ticket(customer).pk, customer_id=customer.pk)
    assert [first.invalid_reason, again.invalid_reason, other.invalid_reason] == ["", "duplicate", ""]
    assert Answer.objects.count() == 3


def test_person_decides() -> None:
    made = answer({"csat": 5})
    args = {"answer_id": made.pk, "actor": SYSTEM, "at": timezone.now()}
    aside = services.judge_answer(is_valid=False, version=1, **args)
    assert (aside.is_valid, aside.invalid_reason) == (False, "by_hand")
    with pytest.raises(StaleEdit):
        services.judge_answer(is_valid=True, version=1, **args)
    back = services.judge_answer(is_valid=True, version=2, **args)
    assert (back.is_valid, back.invalid_reason) == (True, "")
    services.judge_answer(is_valid=True, version=3, **args)
    judged = Event.objects.filter(kind="survey.judged").order_by("id")
    assert [event.data for event in judged] == [
        {"is_valid": False, "reason": "by_hand"},
        {"is_valid": True, "reason": ""},
    ]
    with pytest.raises(NotFound):
        services.judge_answer(**args | {"answer_id": 0}, is_valid=True, version=1)


def test_what_was_asked_cannot_be_changed() -> None:
    for statement in (
        lambda: SurveyVersion.objects.update(title_en="x"),
        lambda: SurveyVersion.objects.filter(number=1).update(questions=[]),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            statement()


def test_default_surveys_are_sound() -> None:
    for survey in Survey.objects.all():
        assert survey.current is not None
        questions = read_questions(survey.current.questions)
        assert survey.current.estimated_seconds == estimate_seconds(questions)


def test_dissatisfied_answer_opens_a_complaint() -> None:
    boss, agent = make_staff(roles=["supervisor"]), make_staff()
    made = answer({"csat": 1, "reasons": ["slow", "attitude"], "comment": "<b>等了三天</b>"})
    earlier = made.invitation.ticket
    assert earlier is not None
    run_jobs()
    run_jobs()
    made.refresh_from_db()
    ticket = Ticket.objects.get(channel="survey")
    assert made.recovery_ticket_id == ticket.pk
    assert (ticket.customer_id, ticket.category.is_complaint, ticket.priority) == (earlier.customer_id, True, 30)
    words = Message.objects.get(ticket=ticket, kind="public").text
    assert "回复太慢、态度不好" in words
    assert "<b>等了三天</b>" in words
    assert earlier.number in Message.objects.get(ticket=ticket, kind="note").text
    notices = list(Notification.objects.filter(kind="feedback.dissatisfied").values_list("staff_id", flat=True))
    assert notices == [boss.pk]
    assert agent.pk not in notices
    assert services.recover_answer(invitation_id=made.invitation_id, at=timezone.now()) is None
    assert Ticket.objects.filter(channel="survey").count() == 1


@pytest.mark.parametrize(("csat", "seconds"), [(3, 30), (1, 1)])
def test_no_complaint_for_others(csat: int, seconds: int) -> None:
    answer({"csat": csat, "reasons": ["slow"], "comment": "x"}, seconds)
    run_jobs()
    assert not Ticket.objects.filter(channel="survey").exists()


def test_seconds_are_kept_within_a_month() -> None:
    assert answer({"csat": 5}, int(timedelta(days=400).total_seconds())).seconds == int(
        timedelta(days=30).total_seconds()
    )

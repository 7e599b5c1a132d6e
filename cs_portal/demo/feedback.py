"""Answers and visits of the demo's past, through the services of feedback."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from accounts.models import Staff
from core.crypto import hash_token, random_token
from cs_portal.demo.words import COMMENTS
from feedback.enums import Outcome, QuestionType
from feedback.models import Invitation, Visit
from feedback.questions import read_questions
from feedback.services.answering import Submission, submit_answer
from feedback.services.inviting import invite
from feedback.services.planning import close_window, make_visit_due, plan_visit
from feedback.services.sending import note_delivered
from feedback.services.visits import Attempt, record_attempt
from orders.models import Order
from tickets.models import Ticket

NOTES = ["包装完好，客户满意。", "锅很好用，希望出小一号的。", "快递放在驿站没有打电话，其余满意。", ""]


def answer_surveys(past: list[Ticket], dice: random.Random, now: datetime) -> None:
    """Ask after solved tickets and let most of the asked answer."""
    for ticket in Ticket.objects.filter(pk__in=[one.pk for one in past], resolved_at__isnull=False):
        assert ticket.resolved_at is not None
        asked_at = ticket.resolved_at + timedelta(minutes=30)
        if asked_at > now or ticket.customer_id is None:
            continue
        invitation = invite(
            survey_key="ticket_csat",
            customer_id=ticket.customer_id,
            shop_id=ticket.shop_id,
            ticket_id=ticket.pk,
            agent_id=ticket.assignee_id,
            team_id=ticket.team_id,
            at=asked_at,
        )
        if invitation is None or invitation.delivery_id is None:
            continue
        note_delivered(delivery_id=invitation.delivery_id, at=asked_at + timedelta(seconds=20))
        answered_at = asked_at + timedelta(minutes=dice.randrange(5, 900))
        if answered_at < now and dice.random() < 0.7:
            _answer(invitation, dice, answered_at)


def _answer(invitation: Invitation, dice: random.Random, at: datetime) -> None:
    token = random_token()  # the one in the mail is known to its receiver only
    Invitation.objects.filter(pk=invitation.pk).update(token_hash=hash_token(token))
    score = dice.choices([5, 4, 3, 2, 1], [58, 29, 7, 4, 2])[0]
    answers: dict[str, object] = {}
    for question in read_questions(invitation.asked.questions):
        if question.type == QuestionType.CSAT:
            answers[question.id] = score
        elif question.after and question.at_most is not None and score > question.at_most:
            continue
        elif question.type == QuestionType.MULTIPLE:
            answers[question.id] = [dice.choice(question.options).key]
        elif question.type == QuestionType.TEXT:
            answers[question.id] = dice.choice(COMMENTS[score])
    submission = Submission(answers=answers, language="zh-hans", seconds=dice.randrange(9, 90))
    submit_answer(token=token, submission=submission, at=at)


def plan_visits(orders: list[Order], staff: list[Staff], dice: random.Random, now: datetime) -> None:
    """Owe visits for the orders completed lately: the older are done, the younger due or still to come."""
    recent = now - timedelta(days=16)
    for order in Order.objects.filter(pk__in=[one.pk for one in orders], completed_at__gt=recent).order_by("id"):
        assert order.completed_at is not None
        visit = plan_visit(order_id=order.pk, at=order.completed_at)
        if visit is None:
            continue
        is_old = visit.deadline_at < now
        if visit.due_at < now:
            make_visit_due(visit_id=visit.pk, at=visit.due_at)
            if is_old or dice.random() < 0.55:
                _visit(
                    visit.pk, dice.choice(staff), dice, min(visit.due_at + timedelta(hours=dice.randrange(2, 60)), now)
                )
        if is_old:
            close_window(visit_id=visit.pk, at=visit.deadline_at)


def _visit(visit_id: int, agent: Staff, dice: random.Random, at: datetime) -> None:
    if dice.random() < 0.06:
        return  # forgotten: the coverage shows it
    visit = Visit.objects.get(pk=visit_id)
    if visit.done_at is not None:
        return
    attempt = Attempt(
        outcome=Outcome.ANSWERED, note=dice.choice(NOTES), satisfaction=dice.choices([5, 4, 3], [6, 3, 1])[0]
    )
    if dice.random() < 0.12:
        attempt = Attempt(outcome=Outcome.NO_ANSWER, next_try_at=at + timedelta(days=1))
    record_attempt(visit_id=visit.pk, attempt=attempt, version=visit.version, staff_id=agent.pk, at=at)

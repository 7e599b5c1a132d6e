"""Reviews, plans and rubrics for tests, made through the services as in life."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Staff
from core.actors import SYSTEM, Actor
from tests.factories.accounts import make_staff
from tests.factories.tickets import make_reply, make_ticket
from tickets.models import QualityReview, Rubric, SamplingPlan, Ticket
from tickets.services import resolve_ticket
from tickets.services.quality.plans import PlanTerms, save_plan
from tickets.services.quality.reviewing import add_review, submit_review
from tickets.services.quality.rubrics import publish_rubric


def make_rubric(name: str = "质检表", **weights: int) -> Rubric:
    """Publish a rubric with a fatal yes/no criterion beside scales of these weights."""
    rows = [
        {"key": key, "zh": key, "en": key, "weight": weight, "kind": "scale", "may_skip": True}
        for key, weight in (weights or {"tone": 60, "facts": 40}).items()
    ]
    rows.append({"key": "redline", "zh": "红线", "en": "Red line", "weight": 0, "kind": "yes_no", "is_fatal": True})
    sections = [{"key": "all", "zh": "全部", "en": "All", "criteria": rows}]
    return publish_rubric(rubric_id=None, name=name, sections=sections, actor=SYSTEM, at=timezone.now(), version=None)


def make_answered(agent: Staff, *, at: datetime | None = None, **fields: Any) -> Ticket:
    """Open, answer and resolve a ticket."""
    at = at or timezone.now() - timedelta(days=1)
    ticket = make_ticket(at=at, **fields)
    make_reply(ticket, agent, at=at + timedelta(minutes=5))
    return resolve_ticket(ticket_id=ticket.pk, actor=Actor.staff(agent), at=at + timedelta(minutes=9))


def marks(tone: Any = 5, facts: Any = 5, redline: Any = 1) -> dict[str, Any]:
    """Return answers for make_rubric()."""
    return {key: {"value": value} for key, value in {"tone": tone, "facts": facts, "redline": redline}.items()}


def make_review(agent: Staff | None = None, reviewer: Staff | None = None, **fields: Any) -> QualityReview:
    """Choose a conversation of an agent for review."""
    agent = agent or make_staff()
    reviewer = reviewer or make_staff(roles=["quality"])
    rubric = fields.pop("rubric", None) or make_rubric()
    ticket = fields.pop("ticket", None) or make_answered(agent)
    return add_review(
        ticket_id=ticket.pk, rubric_id=rubric.pk, reviewer_id=reviewer.pk, actor=Actor.staff(reviewer),
        at=fields.pop("at", None) or timezone.now(),
    )  # fmt: skip


def make_submitted(agent: Staff | None = None, reviewer: Staff | None = None, **fields: Any) -> QualityReview:
    """Review a conversation to its end; `answers` as by marks()."""
    answers, note, at = fields.pop("answers", marks()), fields.pop("note", ""), fields.pop("at", timezone.now())
    review = make_review(agent, reviewer, **fields)
    return submit_review(
        review_id=review.pk, answers=answers, note=note, actor=Actor("staff", review.reviewer_id), at=at,
        version=review.version,
    )  # fmt: skip


def make_plan(**terms: Any) -> SamplingPlan:
    """Make a weekly plan; `at` and `seed` apart, fields are those of PlanTerms."""
    at, seed = terms.pop("at", timezone.now()), terms.pop("seed", "s" * 32)
    rubric = terms.pop("rubric", None) or make_rubric()
    plan = PlanTerms(**{"name": "每周抽检", "rubric_id": rubric.pk, **terms})
    return save_plan(plan_id=None, terms=plan, actor=SYSTEM, at=at, seed=seed)

"""The demo's quality review: a weekly plan with its draws, finished reviews, a pre-check finding, two appeals."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from core.actors import Actor
from cs_portal.demo.past import Storyteller
from cs_portal.demo.people import Cast
from cs_portal.demo.words import BAD_ANSWER, COACHING_NOTES, ON_THE_WAY, REVIEW_COMMENTS, Case
from tickets import services as tickets
from tickets.models import Coaching, Message, QualityReview, Rubric
from tickets.quality_enums import Rule
from tickets.quality_periods import midnight, period_end
from tickets.services.quality.appealing import appeal_review, decide_appeal
from tickets.services.quality.drawing import draw_sample
from tickets.services.quality.plans import PlanTerms, save_plan
from tickets.services.quality.reviewing import add_review, finish_coaching, save_review_draft, submit_review
from tickets.services.quality.screening import judge_finding, screen_message

REVIEWERS = ("review@demo.example", "review2@demo.example")
WEEKS = timedelta(days=15)
LEFT_OPEN = 4


def tell_quality(cast: Cast, teller: Storyteller, now: datetime, dice: random.Random) -> None:
    """Tell two weeks of quality review: drawn, pre-checked, mostly scored, some still waiting."""
    supervisor = Actor.staff(cast.staff["supervisor@demo.example"])
    rubric = Rubric.objects.order_by("pk").first()
    if rubric is None:
        return
    terms = PlanTerms(
        name="每周抽检", rubric_id=rubric.pk, amount=3, boosts=("low_satisfaction", "risk", "breached"),
        reviewer_ids=tuple(cast.staff[email].pk for email in REVIEWERS), team_ids=(cast.team.pk,),
    )  # fmt: skip
    plan = save_plan(plan_id=None, terms=terms, actor=supervisor, at=now - WEEKS, seed="demo" * 8)
    while plan.next_period and (over := midnight(period_end(plan.period, plan.next_period))) <= now:
        draw_sample(plan_id=plan.pk, period=plan.next_period, at=over + timedelta(hours=1))
        plan.refresh_from_db()
    rows = list(QualityReview.objects.select_related("rubric_version").order_by("pk"))
    for message in Message.objects.filter(ticket_id__in=[row.ticket_id for row in rows], author_type="staff"):
        screen_message(message_id=message.pk, at=message.at + timedelta(seconds=2))
    for row in rows[:-LEFT_OPEN]:
        at = min(row.assigned_at + timedelta(hours=dice.randrange(4, 60)), now - timedelta(hours=2))
        _submit(row, _marks(row, dice), at)
    bad = _tell_bad_answer(cast, teller, now)
    _tell_what_followed(bad, rows[:-LEFT_OPEN], supervisor, now)
    if len(rows) > LEFT_OPEN:
        waiting = rows[-1]
        save_review_draft(
            review_id=waiting.pk, answers={"tone": {"value": 4}, "accuracy": {"value": 5}}, note="",
            actor=Actor("staff", waiting.reviewer_id), at=now - timedelta(hours=1), version=waiting.version,
        )  # fmt: skip


def _marks(row: QualityReview, dice: random.Random) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for one in row.rubric_version.criteria():
        if one["kind"] == "scale":
            value: Any = dice.choices([5, 4, 3], [6, 3, 1])[0]
        else:
            value = "na" if one["may_skip"] else 1
        words = REVIEW_COMMENTS.get(one["key"], "") if value in {3, 4} and dice.random() < 0.5 else ""
        answers[one["key"]] = {"value": value, "comment": words}
    return answers


def _submit(row: QualityReview, answers: dict[str, Any], at: datetime, note: str = "") -> QualityReview:
    return submit_review(
        review_id=row.pk, answers=answers, note=note, actor=Actor("staff", row.reviewer_id), at=at, version=row.version
    )


def _tell_bad_answer(cast: Cast, teller: Storyteller, now: datetime) -> QualityReview:
    """Tell a conversation that went wrong, found by the pre-check and reviewed with a low score."""
    agent, reviewer = cast.staff["agent3@demo.example"], cast.staff[REVIEWERS[0]]
    opened = now - timedelta(days=3, hours=2)
    ticket = teller.open_case(Case("logistics-late", BAD_ANSWER["question"], state=ON_THE_WAY), opened)
    at = opened + timedelta(minutes=40)
    message = tickets.reply_to_ticket(
        ticket_id=ticket.pk, text=BAD_ANSWER["answer"], actor=Actor.staff(agent), at=at, client_id=None
    )
    tickets.resolve_ticket(ticket_id=ticket.pk, actor=Actor.staff(agent), at=at + timedelta(minutes=5))
    screen_message(message_id=message.pk, at=at)
    finding = message.findings.filter(rule=Rule.DISMISSIVE).first()
    if finding is not None:
        judge_finding(finding_id=finding.pk, verdict="right", actor=Actor.staff(reviewer), at=at + timedelta(hours=20))
    row = add_review(
        ticket_id=ticket.pk, rubric_id=None, reviewer_id=reviewer.pk, actor=Actor.staff(reviewer),
        at=at + timedelta(hours=20),
    )  # fmt: skip
    answers = {
        one["key"]: {"value": {"scale": 2, "yes_no": 1}[one["kind"]] if not one["may_skip"] else "na"}
        for one in row.rubric_version.criteria()
    }
    answers["tone"] = {"value": 0, "comment": BAD_ANSWER["comment"], "message": message.pk}
    answers["greeting"] = {"value": 0}
    return _submit(row, answers, at + timedelta(hours=21), COACHING_NOTES[0])


def _tell_what_followed(bad: QualityReview, rows: list[QualityReview], supervisor: Actor, now: datetime) -> None:
    appeal_review(
        review_id=bad.pk, reason=BAD_ANSWER["appeal"], actor=Actor("staff", bad.agent_id), at=now - timedelta(hours=20)
    )
    latest = sorted(rows, key=lambda row: row.assigned_at, reverse=True)
    done = next((row for row in latest if row.agent_id != bad.agent_id), None)
    if done is not None:
        done.refresh_from_db()
        at = min((done.submitted_at or now) + timedelta(hours=5), now)
        appeal = appeal_review(
            review_id=done.pk, reason=BAD_ANSWER["other_appeal"], actor=Actor("staff", done.agent_id), at=at
        )
        decide_appeal(
            appeal_id=appeal.pk, is_changed=False, decision=BAD_ANSWER["decision"], answers=None, actor=supervisor,
            at=min(at + timedelta(hours=3), now),
        )  # fmt: skip
    for talk in Coaching.objects.exclude(review=bad).filter(done_at__isnull=True)[:1]:
        finish_coaching(coaching_id=talk.pk, note=COACHING_NOTES[1], actor=supervisor, at=now - timedelta(hours=6))

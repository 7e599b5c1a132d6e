"""Reviews as lists, and what a review page shows beside the conversation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, Q, QuerySet

from accounts.models import Staff
from tickets.models import Commitment, Message, QualityReview, Rubric, ScreenFinding, Ticket
from tickets.quality_enums import Evidence, ReviewState, Rule, Verdict
from tickets.quality_permissions import appeals_visible_to, coachings_visible_to, own_reviews, reviews_visible_to
from tickets.quality_score import NOT_APPLICABLE
from tickets.selectors.standards import Step, checklist, standard_of
from tickets.work_enums import PromiseState

PAGE = 50
TABS = ("mine", "waiting", "appeals", "coaching", "done", "calibration")


class Mark(NamedTuple):
    """Where a page ended."""

    at: datetime
    pk: int


def queue_page(staff: Staff, tab: str, *, after: Mark | None = None) -> list[Any]:
    """Return one page of a tab, one row more when there is a next page: reviews, appeals or talks."""
    if tab == "appeals":
        appeals = appeals_visible_to(staff).filter(state="open")
        people = ("made_by", "against", "decider", "review__ticket", "review__agent")
        return list(_after(appeals.select_related(*people), "due_at", after))
    if tab == "coaching":
        talks = coachings_visible_to(staff).filter(done_at__isnull=True, withdrawn_at__isnull=True)
        return list(_after(talks.select_related("agent", "coach", "review__ticket"), "due_at", after))
    found = reviews_visible_to(staff).select_related("ticket", "agent", "reviewer", "plan")
    if tab == "done":
        return list(_before(found.filter(state=ReviewState.SUBMITTED, calibration__isnull=True), after))
    waiting = found.filter(state=ReviewState.WAITING)
    if tab == "mine":
        return list(_after(waiting.filter(reviewer_id=staff.pk), "due_at", after))
    if tab == "calibration":
        return list(_before(found.filter(calibration__isnull=False), after, "assigned_at"))
    return list(_after(waiting.filter(calibration__isnull=True), "due_at", after))


def _after(rows: QuerySet[Any], field: str, after: Mark | None) -> QuerySet[Any]:
    if after is not None:
        rows = rows.filter(Q(**{f"{field}__gt": after.at}) | Q(**{field: after.at, "pk__gt": after.pk}))
    return rows.order_by(field, "pk")[: PAGE + 1]


def _before(rows: QuerySet[Any], after: Mark | None, field: str = "submitted_at") -> QuerySet[Any]:
    if after is not None:
        rows = rows.filter(Q(**{f"{field}__lt": after.at}) | Q(**{field: after.at, "pk__lt": after.pk}))
    return rows.order_by(f"-{field}", "-pk")[: PAGE + 1]


def count_queue(staff: Staff) -> dict[str, int]:
    """Return how many wait in each tab."""
    waiting = reviews_visible_to(staff).filter(state=ReviewState.WAITING)
    counts = waiting.aggregate(
        mine=Count("pk", filter=Q(reviewer_id=staff.pk)),
        waiting=Count("pk", filter=Q(calibration__isnull=True)),
        calibration=Count("pk", filter=Q(calibration__isnull=False)),
    )
    counts["appeals"] = appeals_visible_to(staff).filter(state="open").count()
    counts["coaching"] = coachings_visible_to(staff).filter(done_at__isnull=True, withdrawn_at__isnull=True).count()
    return counts


def own_page(staff: Staff, *, after: Mark | None = None) -> list[QualityReview]:
    """Return a person's own reviews, newest first, one more when there is a next page."""
    return list(_before(own_reviews(staff).select_related("ticket", "reviewer", "appeal"), after))


@dataclass(frozen=True)
class Evident:
    """What the product knows for a criterion before anybody marks it; `value` 1, 0 or "na"."""

    value: Any
    source: str
    done: int = 0
    total: int = 0


def steps_of(ticket: Ticket) -> list[Step]:
    """Return the steps of the service standard a ticket follows, done and undone; none when it follows none."""
    standard = standard_of(ticket)
    return checklist(ticket, standard) if standard else []


def evidence_for(ticket: Ticket, agent_id: int, steps: list[Step]) -> dict[str, Evident]:
    """Return what is known by source: steps of the standard, promises, greeting. Two statements.

    Standard: 1 when every required step is done (of a standard without required steps, every step). Promises: 0 when
    one was broken, 1 when all due ones were kept. Nothing to go by: "na".
    """
    required = [step for step in steps if step.is_required] or steps
    done = sum(step.done is not None for step in required)
    found = {
        Evidence.STANDARD.value: Evident(
            NOT_APPLICABLE if not required else int(done == len(required)), Evidence.STANDARD, done, len(required)
        )
    }
    states = list(Commitment.objects.filter(ticket_id=ticket.pk).values_list("state", flat=True))
    settled = [state for state in states if state in {PromiseState.KEPT, PromiseState.BROKEN, PromiseState.OVERDUE}]
    kept = sum(state == PromiseState.KEPT for state in settled)
    found[Evidence.PROMISE.value] = Evident(
        NOT_APPLICABLE if not settled else int(kept == len(settled)), Evidence.PROMISE, kept, len(settled)
    )
    missing = ScreenFinding.objects.filter(ticket_id=ticket.pk, rule=Rule.GREETING).exclude(verdict=Verdict.WRONG)
    found[Evidence.GREETING.value] = Evident(int(not missing.filter(agent_id=agent_id).exists()), Evidence.GREETING)
    return found


def prefilled_answers(criteria: Iterable[dict[str, Any]], evidence: dict[str, Evident]) -> dict[str, Any]:
    """Return first marks for criteria with a source; what does not apply is left out where it must be marked."""
    answers = {}
    for criterion in criteria:
        known = evidence.get(criterion.get("source") or "")
        if known is None or (known.value == NOT_APPLICABLE and not criterion["may_skip"]):
            continue
        value = 5 if known.value == 1 and criterion["kind"] == "scale" else known.value
        answers[criterion["key"]] = {"value": value, "comment": "", "message": None}
    return answers


def findings_of(ticket_ids: Iterable[int]) -> list[ScreenFinding]:
    """Return what the pre-check found in a conversation, in its order, with the messages."""
    rows = ScreenFinding.objects.filter(ticket_id__in=list(ticket_ids)).select_related("message", "judged_by")
    return list(rows.order_by("message__at", "message_id", "start"))


def messages_to_quote(ticket_ids: Iterable[int]) -> list[tuple[int, int, str, str]]:
    """Return (id, seq, author type, first words) of the public messages, for the choice of evidence."""
    rows = Message.objects.filter(ticket_id__in=list(ticket_ids)).order_by("at", "pk")
    return [
        (pk, seq, by, text[:40]) for pk, seq, by, text in rows.values_list("pk", "seq", "author_type", "text")[:200]
    ]


def rubrics_in_use() -> list[Rubric]:
    """Return the rubrics with their current version, by name."""
    return list(Rubric.objects.select_related("current").order_by("name", "pk"))


def rule_precision() -> dict[str, dict[str, int]]:
    """Return per rule how many findings there are, how many were judged, how many of these were right."""
    rows = ScreenFinding.objects.values("rule").annotate(
        found=Count("pk"),
        right=Count("pk", filter=Q(verdict=Verdict.RIGHT)),
        wrong=Count("pk", filter=Q(verdict=Verdict.WRONG)),
    )
    return {row["rule"]: {name: row[name] for name in ("found", "right", "wrong")} for row in rows}

"""Draw a period's sample, hand it to reviewers, and hand it on when one of them is away."""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts.models import Staff
from accounts.services import notify
from core.actors import SYSTEM
from core.events import record
from tickets.models import QualityReview, SampleDraw, SamplingPlan
from tickets.quality_enums import SampleWay, Why
from tickets.quality_events import Drawn
from tickets.quality_periods import midnight, period_end
from tickets.selectors.quality_drawing import (
    Candidate,
    able_reviewers,
    authors_of,
    candidates_of,
    is_away,
    open_loads,
    reviewers,
    unseen_by,
    waiting_reviews,
)
from tickets.services.quality.facts import LOADED, fact_of, terms_now
from tickets.services.quality.plans import owe_draw

QUEUE_URL = "/desk/reviews/"
MOST_SIGNALS = 2


def choose(plan: SamplingPlan, period: date, candidates: Sequence[Candidate]) -> list[tuple[Candidate, list[str]]]:
    """Choose a sample with the reasons for each: the same plan, seed, period and candidates give the same one.

    Weighted without replacement (Efraimidis and Spirakis, 2006): each conversation draws u in (0, 1) from
    SHA-256(seed, period, ticket) and the smallest -ln(u) / weight win; weight = factor ^ (signals that fit, two at
    most). Per agent: the first `amount` of each; percent: that share of all, rounded up.
    """
    ranked: list[tuple[float, Candidate, list[str]]] = []
    for one in candidates:
        reasons = [code for code in one.signals if code in plan.boosts]
        weight = plan.factor ** min(len(reasons), MOST_SIGNALS)
        ranked.append((-math.log(_lot(plan.seed, period, one.ticket_id)) / weight, one, reasons or [Why.RANDOM.value]))
    ranked.sort(key=lambda row: (row[0], row[1].ticket_id))
    if plan.way == SampleWay.PERCENT:
        wanted = -(-len(ranked) * plan.amount // 100)
        return [(one, reasons) for _key, one, reasons in ranked[:wanted]]
    taken: Counter[int] = Counter()
    chosen = []
    for _key, one, reasons in ranked:
        if taken[one.agent_id] < plan.amount:
            taken[one.agent_id] += 1
            chosen.append((one, reasons))
    return chosen


def _lot(seed: str, period: date, ticket_id: int) -> float:
    digest = hashlib.sha256(f"{seed}:{period.isoformat()}:{ticket_id}".encode()).digest()
    return (int.from_bytes(digest[:7]) + 0.5) / 2**56


@transaction.atomic
def draw_sample(*, plan_id: int, period: date, at: datetime) -> SampleDraw | None:
    """Draw one period of a plan, once; a plan that rests, has moved on, or whose period still runs draws nothing.

    After it the next period is owed; one that is over already is due at once, so missed periods fill up in order.
    """
    plan = (
        SamplingPlan.objects.select_for_update(no_key=True, of=("self",))
        .select_related("rubric__current")
        .get(pk=plan_id)
    )
    end = period_end(plan.period, period)
    if not plan.is_active or plan.next_period != period or at < midnight(end):
        return SampleDraw.objects.filter(plan=plan, period_start=period).first()
    found = candidates_of(plan, midnight(period), midnight(end), new_agent_days=terms_now().new_agent_days)
    chosen = choose(plan, period, found)
    draw = SampleDraw.objects.create(
        plan=plan, period_start=period, period_end=end, candidate_count=len(found), drawn_count=len(chosen), at=at
    )
    reviews = _hand_out(plan, period, chosen, at)
    unassigned = sum(review.reviewer_id is None for review in reviews)
    record("quality.drawn", subject=plan, actor=SYSTEM, at=at, data=Drawn(period, len(found), len(chosen), unassigned))
    plan.next_period = end
    plan.save(update_fields=["next_period"])
    owe_draw(plan)
    return draw


def _hand_out(
    plan: SamplingPlan, period: date, chosen: Sequence[tuple[Candidate, list[str]]], at: datetime
) -> list[QualityReview]:
    people = reviewers(plan.reviewer_ids)
    table = Assignments(people, at=at)
    authors = authors_of(one.ticket_id for one, _why in chosen)
    for ticket_id, blind in _blind(plan, people, authors).items():
        authors[ticket_id] |= blind
    rows = [
        QualityReview(
            ticket_id=one.ticket_id, agent_id=one.agent_id, team_id=one.team_id, plan=plan, period_start=period,
            rubric_version=plan.rubric.current, why=why, assigned_at=at, due_at=at + timedelta(days=plan.due_days),
            reviewer_id=table.next_for(authors[one.ticket_id] | {one.agent_id}),
        )
        for one, why in sorted(chosen, key=lambda row: row[0].ticket_id)
    ]  # fmt: skip
    QualityReview.objects.bulk_create(rows)
    made = QualityReview.objects.select_related(*LOADED).filter(pk__in=[row.pk for row in rows]).order_by("pk")
    for review in made:
        record("quality.assigned", subject=review, actor=SYSTEM, at=at, data=fact_of(review))
    tell_reviewers((row.reviewer_id for row in rows), at=at)
    return rows


def _blind(plan: SamplingPlan | None, people: Sequence[Staff], ticket_ids: Iterable[int]) -> dict[int, set[int]]:
    """Return who may not see which conversation; to be named in a plan is to be shown what it draws."""
    named = set(plan.reviewer_ids) if plan else set()
    return unseen_by([one for one in people if one.pk not in named], ticket_ids)


def tell_reviewers(ids: Iterable[int | None], *, at: datetime) -> None:
    """Tell each reviewer once how many came to her."""
    for staff_id, count in sorted(Counter(pk for pk in ids if pk is not None).items()):
        notify(staff_id=staff_id, kind="quality.assigned", params={"count": count}, url=QUEUE_URL, at=at)


class Assignments:
    """Hands reviews round: to whoever has the fewest waiting, never somebody's own; people who are away come last."""

    def __init__(self, people: Sequence[Staff], *, at: datetime) -> None:
        hours = terms_now().away_hours
        here = [one for one in people if not is_away(one, at=at, hours=hours)]
        self.people = [one.pk for one in (here or people)]
        self.loads: dict[int, int] = defaultdict(int, open_loads())

    def next_for(self, not_these: set[int]) -> int | None:
        """Return who gets the next one; None when everybody is ruled out."""
        free = [pk for pk in self.people if pk not in not_these]
        if not free:
            return None
        taker = min(free, key=lambda pk: (self.loads[pk], pk))
        self.loads[taker] += 1
        return taker


@transaction.atomic
def rebalance_reviews(*, at: datetime) -> int:
    """Hand on what waits with nobody, with leavers, and untouched with people who are away; return how many moved."""
    hours = terms_now().away_hours
    able_list = able_reviewers()
    able = {one.pk: one for one in able_list}
    rows = QualityReview.objects.select_for_update(no_key=True, of=("self",)).filter(waiting_reviews())
    moved: list[QualityReview] = []
    for review in rows.select_related("plan", *LOADED).order_by("pk"):
        holder = able.get(review.reviewer_id or 0)
        stays = holder is not None and (review.begun_at is not None or not is_away(holder, at=at, hours=hours))
        if not stays:
            moved.append(review)
    if not moved:
        return 0
    authors = authors_of(review.ticket_id for review in moved)
    tables: dict[tuple[int, ...], Assignments] = {}
    changed = []
    for review in moved:
        named = tuple(review.plan.reviewer_ids) if review.plan else ()
        table = tables.setdefault(named, Assignments(reviewers(named), at=at))
        blind = _blind(review.plan, able_list, [review.ticket_id])[review.ticket_id]
        taker = table.next_for(authors[review.ticket_id] | {review.agent_id} | blind)
        if taker is not None and taker != review.reviewer_id:
            review.reviewer_id, review.assigned_at = taker, at
            review.version += 1
            review.save(update_fields=["reviewer", "assigned_at", "version"])
            record("quality.assigned", subject=review, actor=SYSTEM, at=at, data=fact_of(review), reason="rebalanced")
            changed.append(taker)
    tell_reviewers(changed, at=at)
    return len(changed)

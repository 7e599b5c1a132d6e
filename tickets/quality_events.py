"""Events of quality review. Scores are points from 0 to 100; words stay with the review."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core.events import Code, declare


@dataclass(frozen=True)
class ReviewFact:
    """A review was drawn, submitted, appealed against or decided; where it is counted and what it came to.

    `score` is what counts after this event, `before` the score it replaces. `agent_id` is who was reviewed,
    `version_id` the rubric's version.
    """

    agent_id: int
    version_id: int
    channel: Code
    category: Code | None = None
    stage: Code | None = None
    priority: int | None = None
    tier: Code | None = None
    team_id: int | None = None
    reviewer_id: int | None = None
    plan_id: int | None = None
    score: Decimal | None = None
    before: Decimal | None = None
    is_fatal: bool = False
    is_changed: bool = False


@dataclass(frozen=True)
class Drawn:
    """A plan drew a period's sample out of `candidates` conversations."""

    period_start: date
    candidates: int
    drawn: int
    unassigned: int = 0


@dataclass(frozen=True)
class RubricPublished:
    """A version of a rubric came into force."""

    number: int
    criteria: int


@dataclass(frozen=True)
class CoachingFact:
    """A talk about a review is due, or took place."""

    review_id: int
    agent_id: int
    coach_id: int | None
    due_at: datetime
    late: int = 0


@dataclass(frozen=True)
class RuleChanged:
    """A rule of the pre-check was switched or its words changed."""

    rule: Code
    is_on: bool


for _step in ("assigned", "reviewed", "appealed", "decided", "calibrated", "dropped"):
    declare(f"quality.{_step}", ReviewFact)
declare("quality.drawn", Drawn)
declare("rubric.published", RubricPublished)
declare("coaching.due", CoachingFact)
declare("coaching.done", CoachingFact)
declare("screen_rule.changed", RuleChanged)
declare("quality_terms.changed")
declare("sampling_plan.changed")

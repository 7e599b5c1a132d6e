"""Events of the feedback app; the satisfaction and follow-up figures are counted from them.

The dimensions stand as they were when the ticket was resolved or the order completed.
"""

from dataclasses import dataclass
from datetime import datetime

from core.events import Code, declare


@dataclass(frozen=True)
class SurveyDimensions:
    """Where an invitation and its answer are counted."""

    survey: Code
    channel: Code | None = None
    stage: Code | None = None
    team_id: int | None = None
    agent_id: int | None = None
    tier: Code | None = None


@dataclass(frozen=True)
class SurveyAnswered(SurveyDimensions):
    """A customer answered: csat 1–5, nps 0–10, ces 1–7 or none of them; seconds from the first look to the last."""

    csat: int | None = None
    nps: int | None = None
    ces: int | None = None
    is_valid: bool = True
    seconds: int = 0


@dataclass(frozen=True)
class SurveyJudged:
    """An answer was set aside or taken back; `reason` says why it does not count, empty when it does."""

    is_valid: bool
    reason: Code = Code("")


@dataclass(frozen=True)
class SurveyReminded(SurveyDimensions):
    """The one reminder went out."""


@dataclass(frozen=True)
class VisitDimensions:
    """Where a visit is counted."""

    channel: Code | None = None
    stage: Code | None = None
    team_id: int | None = None
    agent_id: int | None = None
    tier: Code | None = None


@dataclass(frozen=True)
class VisitPlanned(VisitDimensions):
    """A visit is owed between two moments."""

    due_at: datetime | None = None
    deadline_at: datetime | None = None


@dataclass(frozen=True)
class VisitAttempted(VisitDimensions):
    """Someone tried; the how-manieth time, what came of it, when to try again."""

    outcome: Code = Code("")
    attempt: int = 0
    next_try_at: datetime | None = None


@dataclass(frozen=True)
class VisitAnswered(VisitDimensions):
    """The customer talked; satisfaction 1–5 when it was given."""

    satisfaction: int | None = None
    attempt: int = 0


@dataclass(frozen=True)
class VisitSkipped(VisitDimensions):
    """The visit is not made; why."""

    why: Code = Code("")


@dataclass(frozen=True)
class VisitWindowClosed(VisitDimensions):
    """The time for a visit is over: was one attempted in time, and was any feedback collected about the order."""

    completed_at: datetime | None = None
    is_attempted: bool = False
    is_collected: bool = False


@dataclass(frozen=True)
class SurveySaved:
    """A survey's settings or questions changed; which (codes), and the version of its questions."""

    survey: Code
    number: int
    fields: tuple[Code, ...] = ()


@dataclass(frozen=True)
class PlanSaved:
    """A follow-up plan changed; which fields (codes)."""

    fields: tuple[Code, ...] = ()


declare("survey.invited", SurveyDimensions)
declare("survey.delivered", SurveyDimensions)
declare("survey.answered", SurveyAnswered)
declare("survey.judged", SurveyJudged)
declare("survey.expired", SurveyDimensions)
declare("survey.reminded", SurveyReminded)
declare("survey_form.changed", SurveySaved)
declare("follow_up_plan.changed", PlanSaved)
declare("visit.planned", VisitPlanned)
declare("visit.attempted", VisitAttempted)
declare("visit.answered", VisitAnswered)
declare("visit.skipped", VisitSkipped)
declare("visit.window_closed", VisitWindowClosed)

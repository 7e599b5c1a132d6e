"""Models of the core."""

from core.calendar.models import CalendarDefinition, CalendarException, HolidayDay
from core.models.house import Company, IdempotentReply, RateCounter
from core.models.spine import (
    Event,
    FoldCursor,
    Job,
    JobState,
    Origin,
    Period,
    RuleChain,
)

__all__ = [
    "CalendarDefinition",
    "CalendarException",
    "Company",
    "Event",
    "FoldCursor",
    "HolidayDay",
    "IdempotentReply",
    "Job",
    "JobState",
    "Origin",
    "Period",
    "RateCounter",
    "RuleChain",
]

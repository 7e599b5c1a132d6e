"""Models of the core."""

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
    "Company",
    "Event",
    "FoldCursor",
    "IdempotentReply",
    "Job",
    "JobState",
    "Origin",
    "Period",
    "RateCounter",
    "RuleChain",
]

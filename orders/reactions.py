"""What orders do about their own news. Imports and demo history cause nothing."""

from __future__ import annotations

from django.utils import timezone

from core.models import Event
from core.reactions import reacts_to
from orders.services.exceptions import judge_parcel


@reacts_to(
    "parcel.refused", "parcel.returning", "parcel.returned", "parcel.lost", "parcel.found", "parcel.problem_reported",
    "parcel.late_risk", name="orders.judge_parcel",
)  # fmt: skip
def judge(event: Event) -> None:
    """Open an exception for a parcel in trouble; what is over is found by the tick."""
    judge_parcel(parcel_id=event.subject_id, at=timezone.now())

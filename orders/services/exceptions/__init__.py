"""Parcel exceptions: found from what parcels are, owned, worked on, closed."""

from orders.services.exceptions.judging import judge_due, judge_parcel
from orders.services.exceptions.working import close_exception, hand_over_exception, take_exception

__all__ = ["close_exception", "hand_over_exception", "judge_due", "judge_parcel", "take_exception"]

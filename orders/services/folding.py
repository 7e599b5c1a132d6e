"""Where a parcel stands is a fold of all that was told of it, in any order and as often as one likes.

Every field is a maximum or a minimum over the news, so that a parcel can take news in one by one, in batches, or all
at once, and ends up the same:

- How far it came (`rank`) only rises. Delivered is passed by a way back that is later than the delivery; a delivery
  later than the way back says that it turned round after all; returned is the end, whatever is told of later.
- Lost holds while nothing that is later moved the parcel. A parcel that was delivered or returned is not lost.
- A problem moves nothing and hinders nothing.

services.ingesting.applying says the same in SQL for many parcels at once; a property test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from orders.enums import PARCEL_RANK, RANK_SENT_BACK, ParcelStatus, ScanStatus

CREATED, DELIVERED, RETURNING, RETURNED = (
    PARCEL_RANK[status]
    for status in (ParcelStatus.CREATED, ParcelStatus.DELIVERED, ParcelStatus.RETURNING, ParcelStatus.RETURNED)
)
NOT_LOST = (DELIVERED, RETURNED)
STATUS_OF_RANK = {**{rank: status for status, rank in PARCEL_RANK.items()}, RANK_SENT_BACK: ParcelStatus.RETURNING}
type News = tuple[datetime, str, str]
"""When, which status (or a problem), and the carrier's code for it."""


def take_news(parcel: Any, news: Iterable[News], *, moves: bool = True) -> None:
    """Take in what was told of a parcel (row or draft). With `moves` off nobody saw it move: a loss stays a loss."""
    for at, status, code in news:
        if status == ScanStatus.PROBLEM:
            parcel.problem_at, parcel.problem_code = max(
                (at, code), (parcel.problem_at or at, parcel.problem_code if parcel.problem_at else "")
            )
            continue
        if status != ScanStatus.CREATED:
            parcel.shipped_at = _earliest(parcel.shipped_at, at)
            if status != ScanStatus.LOST and moves:
                parcel.moved_at = _latest(parcel.moved_at, at)
        if status == ScanStatus.LOST:
            parcel.lost_at = _latest(parcel.lost_at, at)
        elif status == ScanStatus.RETURNED:
            _come(parcel, RETURNED, at)
        elif status == ScanStatus.DELIVERED:
            parcel.delivered_at = _earliest(parcel.delivered_at, at)
        else:
            if status == ScanStatus.RETURNING:
                parcel.returning_at = _latest(parcel.returning_at, at)
            _come(parcel, PARCEL_RANK[ParcelStatus(status)], at)
    _settle(parcel)


def _come(parcel: Any, rank: int, at: datetime) -> None:
    if rank > parcel.rank:
        parcel.rank, parcel.rank_at = rank, at
    elif rank == parcel.rank:
        parcel.rank_at = _earliest(parcel.rank_at, at)


def _settle(parcel: Any) -> None:
    """Bring rank and status in line with what is known by now."""
    if parcel.rank == RETURNED:
        if parcel.delivered_at is not None and parcel.delivered_at >= parcel.rank_at:
            parcel.delivered_at = None  # whoever signed for it then was the sender
    elif parcel.delivered_at is not None:
        if parcel.returning_at is not None and parcel.returning_at > parcel.delivered_at:
            parcel.rank, parcel.rank_at = RANK_SENT_BACK, parcel.returning_at
        else:
            parcel.rank, parcel.rank_at = DELIVERED, parcel.delivered_at
    parcel.status = ParcelStatus.LOST if is_lost(parcel) else STATUS_OF_RANK[parcel.rank]


def is_lost(parcel: Any) -> bool:
    """Say whether the last that was told of a parcel is its loss."""
    return (
        parcel.lost_at is not None
        and parcel.rank not in NOT_LOST
        and (parcel.moved_at is None or parcel.lost_at >= parcel.moved_at)
    )


def step_of(before: str, after: str, *, rank_before: int, rank: int) -> str:
    """Return the event a move from one status to another is, "" for none.

    Found: no longer lost, and no further than it was; further is told by the step itself.
    """
    if before == ParcelStatus.LOST and after != ParcelStatus.LOST and rank == rank_before:
        return "found"
    return after if before != after else ""


def step_at(parcel: Any, step: str) -> datetime | None:
    """Return when the step that a parcel has just taken was."""
    if step == ParcelStatus.LOST:
        return parcel.lost_at
    return parcel.moved_at if step == "found" else parcel.rank_at


def _earliest(have: datetime | None, at: datetime) -> datetime:
    return at if have is None or at < have else have


def _latest(have: datetime | None, at: datetime) -> datetime:
    return at if have is None or at > have else have

"""What is wrong with a parcel now, as a function of its row and its last news."""

from __future__ import annotations

import re
from datetime import datetime

from orders.enums import OrderStatus, ParcelStatus
from orders.estimate_enums import COMING, LateLevel
from orders.exception_enums import ExceptionKind as K
from orders.models import Order, Parcel

_OF_STATUS = {
    ParcelStatus.REFUSED: K.REFUSED,
    ParcelStatus.RETURNING: K.RETURNED,
    ParcelStatus.RETURNED: K.RETURNED,
    ParcelStatus.LOST: K.LOST,
}
_SILENT_AS = {ParcelStatus.CREATED: K.NO_PICKUP, ParcelStatus.READY_FOR_PICKUP: K.UNCLAIMED}
_ADDRESS = re.compile(
    r"地址|无法联系|联系不上|电话.{0,4}(?:无人|不通|停机|空号|错误)|超区|无此人|address|unreachable|no such person",
    re.I,
)
_DAMAGED = re.compile(r"破损|损坏|破碎|受潮|内件.{0,3}(?:短少|缺失)|damaged|broken|leak", re.I)


def exceptions_of(parcel: Parcel, order: Order, *, is_silent: bool, words: str) -> dict[str, datetime | None]:
    """Return {kind: since when} of what is wrong with a parcel; None = from now on.

    `is_silent` is the lane's judgement (orders.selectors.silence), `words` the text of the scan that told of its
    problem. A general finding gives way to a special one: a parcel that will be late because it stands still is
    stalled.
    """
    if order.status == OrderStatus.CANCELLED or parcel.status == ParcelStatus.DELIVERED:
        return {}
    held: dict[str, datetime | None] = {}
    status = ParcelStatus(parcel.status)
    if status in _OF_STATUS:
        return {_OF_STATUS[status]: parcel.lost_at if status == ParcelStatus.LOST else parcel.rank_at}
    if parcel.is_in_trouble:
        held[kind_of_problem(words)] = parcel.problem_at
    elif is_silent:
        held[_SILENT_AS.get(status, K.STALLED)] = parcel.last_scan_at or parcel.shipped_at
    if not held and status in COMING and parcel.late_level >= LateLevel.LIKELY:
        held[K.DELAY] = None
    return held


def kind_of_problem(words: str) -> str:
    """Return what kind of problem a carrier's words tell of."""
    if _DAMAGED.search(words):
        return K.DAMAGED
    return K.ADDRESS if _ADDRESS.search(words) else K.PROBLEM

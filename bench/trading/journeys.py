"""The way of one parcel: most arrive after a few hubs, some wander, a few fall silent or come back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from random import Random

from orders.enums import PARCEL_RANK, ParcelStatus

HUBS = ("杭州转运中心", "上海浦东集散中心", "武汉分拨中心", "广州白云分拨中心", "成都双流转运中心", "北京顺义集散中心",
        "西安转运中心", "沈阳分拨中心")  # fmt: skip
HUB_WEIGHTS = (32, 22, 14, 12, 8, 6, 4, 2)
STOPS, STOP_WEIGHTS = (2, 3, 4, 6, 9, 16, 40), (22, 30, 24, 15, 6, 2.5, 0.5)
ENDS, END_WEIGHTS = ("delivered", "silent", "refused", "returned"), (96.5, 1.9, 0.8, 0.8)
END_WORDS = {"delivered": "已签收，签收人：本人", "refused": "收件人拒收", "returned": "退回件已签收"}
Scan = tuple[datetime, str, str, str, bytes, str]
"""(at, code, status, text, hash of the text, place)."""


@dataclass(frozen=True)
class Journey:
    """The scans told so far, oldest first, and what they make of the parcel."""

    scans: tuple[Scan, ...]
    status: str
    rank_at: datetime
    delivered_at: datetime | None

    def parcel_columns(self) -> tuple[object, ...]:
        """Return status, rank, rank_at, place, shipped_at, delivered_at and last_scan_at of the parcel."""
        first, last = self.scans[0], self.scans[-1]
        rank = PARCEL_RANK[ParcelStatus(self.status)]
        return self.status, rank, self.rank_at, last[5], first[0], self.delivered_at, last[0]


@cache
def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def journey(handed: datetime, at: datetime, pick: Random) -> Journey:
    """Return what was scanned until now of a parcel handed over at a moment."""
    stops = pick.choices(STOPS, STOP_WEIGHTS)[0]
    end = pick.choices(ENDS, END_WEIGHTS)[0]
    hubs = pick.choices(HUBS, HUB_WEIGHTS, k=stops)
    planned = [("GOT", "picked_up", "快件已揽收", "杭州")]
    planned += [("MOVE", "in_transit", f"快件已到达【{hub}】，准备发往下一站", hub) for hub in hubs]
    if end == "silent":  # scanned on its way and never again
        planned = planned[: max(2, stops // 2)]
    else:
        planned.append(("OUT", "out_for_delivery", "快递员正在派送，请保持电话畅通", "收件城市"))
        planned.append((end.upper(), end, END_WORDS[end], "收件城市"))
    pace = timedelta(hours=pick.uniform(4, 14)) * (4 / max(4, stops))
    told: list[Scan] = []
    top, rank_at, when = "created", handed, handed
    for code, status, text, place in planned:
        if when >= at:
            break
        told.append((when, code, status, text, _hash(text), place))
        if PARCEL_RANK[ParcelStatus(status)] > PARCEL_RANK[ParcelStatus(top)]:
            top, rank_at = status, when
        when += pace + timedelta(minutes=pick.randrange(1, 90))
    return Journey(tuple(told), top, rank_at, rank_at if top == "delivered" else None)

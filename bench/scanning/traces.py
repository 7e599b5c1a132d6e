"""Traces of parcels and the pushes that tell them, the same every time: skewed, repeated, late and out of order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")
BEGIN = datetime(2026, 9, 1, tzinfo=UTC)
SALT = "bench-salt"
HUBS = [
    ("浙江,杭州市", "杭州转运中心"), ("上海,上海市", "上海浦东集散点"), ("广东,深圳市", "深圳龙华分拨中心"),
    ("四川,成都市", "成都双流中转场"), ("北京,北京市", "北京通州集散中心"), ("湖北,武汉市", "武汉东西湖转运中心"),
    ("陕西,西安市", "西安咸阳分拨中心"), ("山东,济南市", "济南长清中转站"),
]  # fmt: skip
# how a parcel ends, how often, and the codes of its last scans (Kuaidi100's advanced ones)
ENDS = [
    ("delivered", 62, ["501", "304"]), ("delivered", 18, ["5", "301"]), ("in_transit", 6, []),
    ("out_for_delivery", 3, ["5"]), ("ready_for_pickup", 3, ["5", "501"]), ("refused", 2, ["5", "14"]),
    ("returned", 3, ["5", "14", "6", "4"]), ("returning", 1, ["5", "14", "6"]), ("in_transit", 2, ["2"]),
]  # fmt: skip
WORDS = {
    "501": "快件已到达【{to}】丰巢智能柜,请凭取件码取件",
    "304": "快件已从智能柜取出,签收人:本人",
    "301": "快件已签收,签收人:本人,感谢使用",
    "5": "快件已到达【{to}】,派送员正在为您派送,请保持电话畅通",
    "14": "收件人拒收,快件将退回",
    "6": "快件已从【{to}】退回,正在返回途中",
    "4": "退件已签收,签收人:发件人",
    "2": "快件派送异常,收件地址不详,正在联系收件人",
    "103": "【{here}】快件已揽收,揽收员已核对",
    "1002": "快件离开【{here}】,已发往【{to}】", "1001": "快件到达【{to}】,等待分拣",
}  # fmt: skip


@dataclass(slots=True)
class Push:
    """A push on its way: when it arrives, which parcel it tells of, and how much of the trace."""

    arrives: datetime
    parcel: int
    rows: list[dict[str, Any]]
    state: str
    note: str


def number_of(parcel: int) -> str:
    """Return a parcel's tracking number."""
    return f"SF{14_000_000_000_000 + parcel}"


def trace_of(parcel: int) -> tuple[str, list[dict[str, Any]]]:
    """Return how a parcel ends and its whole trace, oldest first."""
    rng = Random(parcel * 7919 + 11)
    end, _weight, codes = rng.choices(ENDS, [weight for _end, weight, _codes in ENDS])[0]
    middle = min(70, max(1, round(rng.lognormvariate(1.75, 0.55))))
    at = BEGIN + timedelta(seconds=rng.randrange(60 * 86400))
    rows, here = [], rng.choice(HUBS)
    for code in ["103", *("1002" if n % 2 == 0 else "1001" for n in range(middle)), *codes]:
        to = rng.choice(HUBS)
        time = at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
        rows.append(
            {
                "time": time, "ftime": time, "context": WORDS[code].format(here=here[1], to=to[1]),
                "areaName": here[0], "areaCode": "CN330100000000", "status": "在途", "statusCode": code,
            }
        )  # fmt: skip
        here = to
        at += timedelta(0) if rng.random() < 0.03 else timedelta(seconds=rng.randrange(600, 40_000))
    return end, rows


def pushes_of(parcel: int) -> Iterator[Push]:
    """Yield a parcel's pushes: each tells the whole trace so far, some twice, some late, some in another order."""
    rng = Random(parcel * 104_729 + 5)
    _end, rows = trace_of(parcel)
    cuts = sorted({len(rows), *(rng.randint(1, len(rows)) for _ in range(max(1, len(rows) // 4)))})
    for cut in cuts:
        last = datetime.strptime(rows[cut - 1]["time"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
        arrives = last + timedelta(seconds=rng.randrange(60, 3600))
        if rng.random() < 0.05:  # late: the newer ones were there before
            arrives += timedelta(hours=rng.randrange(6, 72))
        told = rows[:cut][::-1]
        if rng.random() < 0.1:
            rng.shuffle(told)
        state = rows[cut - 1]["statusCode"][:1]
        yield Push(arrives, parcel, told, state, "")
        if rng.random() < 0.06:  # told again in other words
            yield Push(arrives + timedelta(minutes=30), parcel, told, state, "重推")


def body_of(push: Push) -> str:
    """Return a push as Kuaidi100 posts it."""
    told = {
        "status": "polling", "billstatus": "got", "message": push.note, "autoCheck": "0", "comOld": "", "comNew": "",
        "lastResult": {
            "message": "ok", "state": push.state, "status": "200", "condition": "F00", "ischeck": "0",
            "com": "shunfeng", "nu": number_of(push.parcel), "data": push.rows,
        },
    }  # fmt: skip
    param = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    sign = hashlib.md5((param + SALT).encode(), usedforsecurity=False).hexdigest().upper()  # the provider's form
    return urlencode({"sign": sign, "param": param})


def parcels_for(scans: int) -> tuple[int, int]:
    """Return how many parcels it takes for so many distinct scans, and how many those really are.

    One parcel in fifty goes in one box with the next order's: its scans are two orders' scans.
    """
    parcels = total = 0
    while total < scans:
        total += distinct(trace_of(parcels)[1]) * bearers(parcels)
        parcels += 1
    return parcels, total


def bearers(parcel: int) -> int:
    """Return how many orders bear a parcel's number."""
    return 2 if parcel % 50 == 7 else 1


def distinct(rows: list[dict[str, Any]]) -> int:
    """Count the scans of a trace: alike in time, code and words is one."""
    return len({(row["time"], row["statusCode"], row["context"]) for row in rows})

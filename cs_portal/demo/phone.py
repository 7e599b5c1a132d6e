"""The demo's telephone: a line with a menu, phones on desks, and the calls of the last two days."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from typing import Any

from core.actors import SYSTEM, Actor
from core.crypto import decrypt
from cs_portal.demo.people import PLAYER, Cast
from orders.models import Order
from tickets.models import Call, PhoneLine, PhoneSeat
from tickets.services.calls.applying import apply_message
from tickets.services.calls.lines import LineTerms, renew_secret, save_line
from tickets.services.calls.plans import save_plan
from tickets.services.calls.reading import read_message
from tickets.services.calls.receiving import store_message
from tickets.services.calls.seats import save_seats
from tickets.services.calls.wrapping import WrapUp, wrap_up_call

EXTENSIONS = {
    "agent@demo.example": "8001", "agent2@demo.example": "8002", "agent3@demo.example": "8003", PLAYER: "8009",
}  # fmt: skip
NOTES = [
    ("solved", "客户问快递到哪了，已告知今天下午派送，客户满意。"),
    ("follow_up", "杯子碰出缺口，客户发照片后补寄，已请仓库核库存。"),
    ("passed_on", "想改收货地址，包裹还没出库，已转仓储部处理。"),
    ("solved", "咨询四件套尺寸，建议选 1.8 米，客户自己下单。"),
    ("solved", "退货运费问题，说明由我们承担，客户表示理解。"),
    ("cut_off", "讲到一半断线，回拨无人接听。"),
]


def set_phone_up(cast: Cast, orders: list[Order], dice: random.Random, now: datetime) -> dict[str, Any]:
    """Add a line, its menu, phones and past calls; return what the demo's PBX needs."""
    terms = LineTerms(
        name="暖阳服务热线", number="400-800-1234", shop_id=None, team_id=cast.team.pk, calendar_id=None,
        is_recorded=True, recording_host="", control_url="", call_back_minutes=60,
    )  # fmt: skip
    line = save_line(line_id=None, version=0, terms=terms, actor=SYSTEM, at=now)
    secret = renew_secret(line_id=line.pk, actor=SYSTEM, at=now)
    save_seats(extensions={cast.staff[email].pk: extension for email, extension in EXTENSIONS.items()})
    save_plan(line_id=line.pk, version=0, tree=_tree(cast.team.pk), actor=SYSTEM, at=now - timedelta(days=3))
    _tell_past(line, [order for order in orders if order.phone_enc], dice, now)
    return {"key": line.key, "secret": secret, "extensions": EXTENSIONS}


def _tree(team: int) -> dict[str, Any]:
    to_team = {"kind": "team", "team": team}
    options = [
        {"key": "1", "zh": "购买咨询", "en": "Buying advice", **to_team},
        {"key": "2", "zh": "订单和售后", "en": "Orders and after-sales", "kind": "menu", "menu": "m2"},
        {"key": "0", "zh": "登记回电", "en": "Ask for a call back", "kind": "call_back"},
    ]
    after = [
        {"key": "1", "zh": "查询物流", "en": "Where is my parcel", **to_team},
        {"key": "2", "zh": "退换货", "en": "Returns and exchanges", **to_team},
        {
            "key": "3", "zh": "退货地址", "en": "Return address", "kind": "message",
            "say_zh": "退货请先在订单页申请，地址会以短信发给您。",
            "say_en": "Please ask for a return on your order's page first; we text you the address.",
        },
    ]  # fmt: skip
    return {
        "menus": [
            {"id": "m1", "zh": "您好，这里是暖阳家居。", "en": "Hello, this is Sunny Home.", "options": options},
            {"id": "m2", "zh": "订单和售后服务", "en": "Orders and after-sales", "options": after},
        ],
        "queues": [{"team": team, "strategy": "longest_idle", "overflow": "call_back", "overflow_after": 90}],
        "closed": {"zh": "现在不是服务时间，您可以登记回电。", "en": "We are closed now. You may ask for a call back.",
                   "call_back": True},
    }  # fmt: skip


def _tell_past(line: PhoneLine, orders: list[Order], dice: random.Random, now: datetime) -> None:
    """Tell a dozen and a half calls of today and yesterday: most answered and wrapped up, some missed."""
    seats = list(PhoneSeat.objects.order_by("extension").values_list("extension", flat=True))
    moments = sorted(now - timedelta(minutes=dice.randrange(25, 60 * 30)) for _call in range(18))
    for n, start in enumerate(moments):
        phone = decrypt(dice.choice(orders[-60:]).phone_enc or b"")
        wait, talk, is_missed = dice.randrange(4, 40), dice.randrange(50, 420), n % 5 == 3
        keys = dice.choice([["1"], ["2", "1"], ["2", "2"]])
        who = {"call": f"past-{n}", "number": phone}
        extension = dice.choice(seats)
        _tell(line, "ivr", start, keys=keys, plan=1, **who)
        _tell(line, "ringing", start + timedelta(seconds=3), extensions=[extension], **who)
        answered = start + timedelta(seconds=3 + wait)
        if is_missed:
            _tell(line, "ended", answered, result=dice.choice(["abandoned", "missed"]), **who)
            continue
        _tell(line, "answered", answered, extension=extension, **who)
        ended = answered + timedelta(seconds=talk)
        _tell(line, "ended", ended, result="answered", **who)
        call = Call.objects.get(line=line, ref=who["call"])
        disposition, note = dice.choice(NOTES)
        status = "resolved" if disposition == "solved" else ""
        wrap_up_call(
            call_id=call.pk, wrap_up=WrapUp(disposition=disposition, note=note, status=status),
            actor=Actor.staff(call.agent_id), at=ended + timedelta(seconds=dice.randrange(15, 120)),
        )  # fmt: skip


def _tell(line: PhoneLine, kind: str, at: datetime, **fields: Any) -> None:
    told = {"type": kind, "id": f"{fields['call']}-{kind}", "at": at.isoformat(), "direction": "in", **fields}
    body = json.dumps(told).encode()
    store_message(line_id=line.pk, body=body, told=read_message(body), at=at)
    apply_message(event_id=line.events.latest("pk").pk, at=at)

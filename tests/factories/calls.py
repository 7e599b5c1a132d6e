"""Lines, seats and a PBX for tests: messages go through the signed door, as in life."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from accounts.models import Staff, Team
from accounts.services import set_presence
from core.actors import SYSTEM
from core.jobs import drain
from tests.factories.accounts import make_staff, make_team
from tickets.models import Call, CallBack, PhoneLine, PhoneSeat
from tickets.services.calls.lines import LineTerms, renew_secret, save_line
from tickets.services.calls.signing import SIGNATURE, TIMESTAMP, signed_headers

_number = itertools.count(1)


def make_line(team: Team | None = None, *, shop_id: int | None = None, **terms: Any) -> tuple[PhoneLine, str]:
    """Make a line; returns (row, secret)."""
    n = next(_number)
    told = {
        "name": f"售后热线 {n}", "number": f"400800{n:04d}", "shop_id": shop_id, "team_id": (team or make_team()).pk,
        "calendar_id": None, "is_recorded": False, "recording_host": "tapes.example.com", "control_url": "",
        "call_back_minutes": 60, **terms,
    }  # fmt: skip
    at = timezone.now()
    line = save_line(line_id=None, version=0, terms=LineTerms(**told), actor=SYSTEM, at=at)
    secret = renew_secret(line_id=line.pk, actor=SYSTEM, at=at)
    line.refresh_from_db()
    return line, secret


def make_seat(staff: Staff, extension: str) -> PhoneSeat:
    """Put a phone on somebody's desk."""
    return PhoneSeat.objects.create(staff=staff, extension=extension)


def told(kind: str, *, at: datetime, call: str = "c1", **fields: Any) -> dict[str, Any]:
    """Return a message as a PBX sends it."""
    body = {"type": kind, "id": f"{call}-{kind}-{next(_number)}", "call": call, "at": at.astimezone(UTC).isoformat()}
    return {**body, "direction": "in", "number": "13800138000", **fields}


def deliver(
    line: PhoneLine, secret: str, body: Any, *, at: datetime | None = None, client: Client | None = None
) -> Any:
    """Sign a message and post it; `body` may be raw bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = signed_headers(secret, raw, at or timezone.now())
    return (client or Client()).post(f"/hooks/phone/{line.key}/", raw, content_type="application/json", headers=headers)


class Office:
    """A team with a line and an agent at her phone."""

    def __init__(self) -> None:
        self.team = make_team()
        self.line, self.secret = make_line(self.team)
        self.agent = make_staff(teams=[self.team])
        make_seat(self.agent, "8001")
        set_presence(staff_id=self.agent.pk, status="online", at=timezone.now())
        self.start = timezone.now() - timedelta(seconds=90)

    def after(self, seconds: int) -> datetime:
        return self.start + timedelta(seconds=seconds)

    def tell(self, kind: str, when: int, **fields: Any) -> Any:
        answer = deliver(self.line, self.secret, told(kind, at=self.after(when), **fields))
        assert answer.status_code == 200, answer.content
        drain(seconds=5)
        return answer

    def ring(self, **fields: Any) -> Call:
        self.tell("ringing", 0, extensions=["8001"], **fields)
        return Call.objects.latest("pk")

    def whole_call(self, **fields: Any) -> Call:
        call = self.ring(**fields)
        self.tell("answered", 10, extension="8001", **fields)
        self.tell("ended", 70, result="answered", **fields)
        call.refresh_from_db()
        return call

    def missed(self, **fields: Any) -> CallBack:
        self.tell("ringing", 0, extensions=["8001"], **fields)
        self.tell("ended", 30, result="abandoned", **fields)
        return CallBack.objects.latest("pk")


def make_tree(team: int, **changes: Any) -> dict[str, Any]:
    """Return a menu with a submenu; every kind of choice stands in it."""
    menu = {"id": "m1", "zh": "您好，请选择", "en": "Hello, please choose", "options": [
        {"key": "1", "zh": "售前咨询", "en": "Before buying", "kind": "team", "team": team},
        {"key": "2", "zh": "售后", "en": "After buying", "kind": "menu", "menu": "m2"},
        {"key": "0", "zh": "回电", "en": "Call me back", "kind": "call_back"},
    ]}  # fmt: skip
    sub = {"id": "m2", "zh": "售后服务", "en": "After-sales", "options": [
        {"key": "1", "zh": "退货", "en": "Returns", "kind": "team", "team": team},
        {"key": "2", "zh": "地址", "en": "Address", "kind": "message", "say_zh": "杭州市", "say_en": "Hangzhou"},
    ]}  # fmt: skip
    return {"menus": [menu, sub], "queues": [], "closed": {"zh": "关", "en": "closed"}, **changes}


__all__ = ["SIGNATURE", "TIMESTAMP", "Office", "deliver", "make_line", "make_seat", "make_tree", "told"]

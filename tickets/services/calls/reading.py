"""Understand a PBX's message, and tell a call from all of its messages; pure, the same in whatever order they came."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.utils.dateparse import parse_datetime

from core.text import normalise_phone
from tickets.calls_enums import CALL_RANK, CallDirection, CallResult, CallState, PhoneEventType
from tickets.calls_errors import BadCallMessage

MAX_BYTES = 64 * 1024
_ID = re.compile(r"[A-Za-z0-9._:@\-]{1,80}")
_EXTENSION = re.compile(r"[0-9*#]{1,16}")
_KEY = re.compile(r"[0-9*#]")
_QUEUE = re.compile(r"team-([0-9]{1,18})")
MOST_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Told:
    """One message of a PBX, checked. `number` is as `full_number` gives it, "" when withheld."""

    id: str
    kind: str
    call: str
    at: datetime
    direction: str
    number: str
    extensions: tuple[str, ...] = ()
    team_id: int | None = None
    result: str = ""
    url: str = ""
    seconds: int | None = None
    keys: tuple[str, ...] = ()
    plan: int | None = None
    wants_call_back: bool = False

    @property
    def place(self) -> tuple[datetime, int, str]:
        """Return where it stands among its call's messages: by the PBX's clock, in one second by rank."""
        return self.at, CALL_RANK.get(self.kind, 0), self.id


@dataclass(frozen=True)
class Facts:
    """A call as its messages tell it."""

    direction: str
    number: str
    state: str
    result: str
    started_at: datetime
    rang_at: datetime | None = None
    ringing_to: tuple[str, ...] = ()
    team_id: int | None = None
    answered_at: datetime | None = None
    extension: str = ""
    ended_at: datetime | None = None
    keys: tuple[str, ...] = ()
    plan: int | None = None
    wants_call_back: bool = False
    recording: str = ""
    recording_seconds: int | None = None


def parse_json(body: bytes) -> dict[str, Any]:
    """Return the object a body holds. Raises BadCallMessage."""
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadCallMessage(code="not_json") from None
    if not isinstance(value, dict):
        raise BadCallMessage(code="not_an_object")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(name)


def read_message(body: bytes, *, recording_host: str = "") -> Told:
    """Check a message's fields and their types. Raises BadCallMessage with a code that names the fault."""
    told = parse_json(body)
    kind = told.get("type")
    if kind not in PhoneEventType.values:
        raise BadCallMessage(code="unknown_type")
    direction = told.get("direction", CallDirection.IN.value)
    if direction not in CallDirection.values:
        raise BadCallMessage(code="bad_direction")
    more: dict[str, Any] = {}
    if kind == PhoneEventType.RINGING:
        more = {"extensions": _extensions(told.get("extensions", [])), "team_id": _team(told.get("queue"))}
    elif kind == PhoneEventType.ANSWERED:
        more = {"extensions": _extensions([told.get("extension")])}
    elif kind == PhoneEventType.ENDED:
        if told.get("result") not in CallResult.values or not told.get("result"):
            raise BadCallMessage(code="bad_result")
        more = {"result": told["result"]}
    elif kind == PhoneEventType.RECORDING:
        more = {"url": recording_link(told.get("url"), recording_host), "seconds": _seconds(told.get("seconds"))}
    else:
        more = _menu(told)
    return Told(
        id=_text(told, "id"), kind=kind, call=_text(told, "call"), at=_moment(told.get("at")), direction=direction,
        number=_number(told.get("number")), **more,
    )  # fmt: skip


def _text(told: dict[str, Any], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise BadCallMessage(code=f"bad_{name}")
    return value


def _moment(value: Any) -> datetime:
    try:
        found = parse_datetime(value) if isinstance(value, str) and len(value) <= 40 else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not 2000 <= found.year <= 2200:
        raise BadCallMessage(code="bad_at")
    return found


def _number(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 40:
        raise BadCallMessage(code="bad_number")
    return full_number(value)


def full_number(text: str) -> str:
    """Return a number in E.164; one no public telephone can have (a service number, an extension) as its digits."""
    digits = re.sub(r"\D", "", text) if text.isascii() else ""
    return normalise_phone(text) or (digits if 3 <= len(digits) <= 20 else "")


def _extensions(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > 50:
        raise BadCallMessage(code="bad_extension")
    if not all(isinstance(one, str) and _EXTENSION.fullmatch(one) for one in value):
        raise BadCallMessage(code="bad_extension")
    return tuple(dict.fromkeys(value))


def _team(value: Any) -> int | None:
    if value is None:
        return None
    match = _QUEUE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise BadCallMessage(code="bad_queue")
    return int(match[1])


def _seconds(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_SECONDS:
        raise BadCallMessage(code="bad_seconds")
    return value


def _menu(told: dict[str, Any]) -> dict[str, Any]:
    keys, plan, wants = told.get("keys"), told.get("plan"), told.get("call_back", False)
    if not isinstance(keys, list) or len(keys) > 20 or not all(isinstance(k, str) and _KEY.fullmatch(k) for k in keys):
        raise BadCallMessage(code="bad_keys")
    if plan is not None and (isinstance(plan, bool) or not isinstance(plan, int) or not 0 < plan < 10**6):
        raise BadCallMessage(code="bad_plan")
    if not isinstance(wants, bool):
        raise BadCallMessage(code="bad_call_back")
    return {"keys": tuple(keys), "plan": plan, "wants_call_back": wants}


def recording_link(value: Any, host: str) -> str:
    """Return a recording's address when it is plain https on the line's own host. Raises BadCallMessage."""
    if not isinstance(value, str) or len(value) > 1000 or not value.isascii() or any(c.isspace() for c in value):
        raise BadCallMessage(code="bad_recording")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise BadCallMessage(code="bad_recording") from None
    is_plain = parts.scheme == "https" and port in {None, 443} and "@" not in parts.netloc and "\\" not in value
    if not is_plain or not host or (parts.hostname or "") != host.lower():
        raise BadCallMessage(code="recording_host")
    return value


def tell_call(messages: Iterable[Told]) -> Facts:
    """Fold a call's messages, each once, in the order of the PBX's clock: whatever order they came in, one call.

    The state is the highest told; a ring told late changes nothing of an answered call. Raises ValueError for none.
    """
    rows = sorted({one.id: one for one in messages}.values(), key=lambda one: one.place)
    if not rows:
        raise ValueError("a call has messages")
    rings = [one for one in rows if one.kind == PhoneEventType.RINGING]
    answers = [one for one in rows if one.kind == PhoneEventType.ANSWERED]
    ends = [one for one in rows if one.kind == PhoneEventType.ENDED]
    menus = [one for one in rows if one.kind == PhoneEventType.IVR]
    tapes = [one for one in rows if one.kind == PhoneEventType.RECORDING]
    state = CallState.ENDED if ends else CallState.ANSWERED if answers else CallState.RINGING
    result = ""
    if ends:
        result = CallResult.ANSWERED.value if answers else ends[-1].result
    path = max(menus, key=lambda one: (len(one.keys), one.place), default=None)
    return Facts(
        direction=rows[0].direction,
        number=next((one.number for one in rows if one.number), ""),
        state=state.value,
        result=result,
        started_at=rows[0].at,
        rang_at=rings[0].at if rings else None,
        ringing_to=rings[-1].extensions if rings and state == CallState.RINGING else (),
        team_id=next((one.team_id for one in reversed(rings) if one.team_id is not None), None),
        answered_at=answers[0].at if answers else None,
        extension=answers[-1].extensions[0] if answers else "",
        ended_at=ends[-1].at if ends else None,
        keys=path.keys if path else (),
        plan=path.plan if path else None,
        wants_call_back=any(one.wants_call_back for one in menus),
        recording=tapes[-1].url if tapes else "",
        recording_seconds=tapes[-1].seconds if tapes else None,
    )

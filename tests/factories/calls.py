"""Lines, seats and a PBX for tests: messages go through the signed door, as in life."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from typing import Any

from django.test import Client
from django.utils import timezone

from accounts.models import Staff, Team
from core.actors import SYSTEM
from tests.factories.accounts import make_team
from tickets.models import PhoneLine, PhoneSeat
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


__all__ = ["SIGNATURE", "TIMESTAMP", "deliver", "make_line", "make_seat", "told"]

"""Talk to a provider: one request, its JSON back, and every way it can go wrong as one of the errors of base."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from core import posting
from orders.carriers.base import AccountStopped, Transient

SECONDS = 8.0
MAX_BYTES = 1024 * 1024
LONGEST_WAIT = timedelta(hours=1)


def ask_json(
    method: str, url: str, body: bytes | None, headers: dict[str, str], *, seconds: float = SECONDS
) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the JSON object that came back. Never inside a transaction.

    Raises Transient (nobody there, too slow, their fault, too many requests, no JSON) and AccountStopped (an address we
    may not ask).
    """
    try:
        reply = posting.ask(method, url, body, headers, seconds=seconds, max_bytes=MAX_BYTES)
    except posting.EncryptionNeeded:
        raise AccountStopped("needs_https") from None
    except posting.AddressRefused:
        raise AccountStopped("address_refused") from None
    except posting.NotReached:
        raise Transient("unreachable") from None
    if reply.status == 429:
        raise Transient("too_many_requests", _wait(reply.headers.get("retry-after", "")))
    if reply.status >= 500 or 300 <= reply.status < 400:
        raise Transient(f"http_{reply.status}")
    try:
        told = json.loads(reply.body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Transient("not_json") from None
    if not isinstance(told, dict):
        raise Transient("not_json")
    return reply.status, told


def _wait(text: str) -> timedelta | None:
    return min(timedelta(seconds=int(text)), LONGEST_WAIT) if text.isdigit() and len(text) < 8 else None

"""What every platform's messages are brought to: news of one order, each part with the source's own time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from core.errors import InvalidInput

MAX_DEPTH = 20
TOP = Decimal("9999999999.99")


@dataclass(frozen=True, slots=True)
class Shipment:
    """News of one shipment: which lines, which numbers, how far. `at` is the source's time of this version."""

    source_id: str
    at: datetime
    created_at: datetime
    is_void: bool
    company: str
    numbers: tuple[str, ...]
    lines: Mapping[str, int]
    status: str
    delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Repayment:
    """One refund; it never changes."""

    source_id: str
    at: datetime
    amount: Decimal
    currency: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class OrderNews:
    """What one message says of one order. `facts` (JSON-able) are the order itself, None when only parts are told."""

    kind: str
    source_id: str
    at: datetime | None = None
    facts: dict[str, Any] | None = None
    shipments: tuple[Shipment, ...] = ()
    repayments: tuple[Repayment, ...] = ()
    cancelled_at: datetime | None = None
    moments: Mapping[str, datetime] = field(default_factory=dict)


class Unreadable(InvalidInput):
    """A message that cannot be understood; the code says why."""

    code = "hook_invalid"


def fits(body: bytes, given: str, secret: str) -> bool:
    """Say whether `given` is the base64 of the body's HMAC-SHA256 under the secret."""
    made = base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256))
    return hmac.compare_digest(made, given.strip().encode("utf-8", "replace"))


def parse(body: str) -> dict[str, Any]:
    """Return the JSON object of a body. Raises Unreadable: no JSON, no object, nested too deeply, odd numbers."""
    try:
        told = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Unreadable(code="hook_not_json") from None
    if not isinstance(told, dict):
        raise Unreadable(code="hook_not_object")
    _check(told)
    return told


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _check(told: Any) -> None:
    """Look at every level without climbing: neither depth nor length can hurt."""
    level, depth = [told], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise Unreadable(code="hook_too_deep")
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += [item for item in value.values() if isinstance(item, dict | list)]
            else:
                below += [item for item in value if isinstance(item, dict | list)]
        level = below


def part(told: Any, key: str) -> dict[str, Any]:
    """Return an object inside another, empty when it is missing or null."""
    value = told.get(key) if isinstance(told, dict) else None
    if value is None or value == [] or value == "":  # PHP writes an empty object as a list
        return {}
    if not isinstance(value, dict):
        raise Unreadable(code="hook_wrong_shape", field=key)
    return value


def parts(told: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Return a list of objects, empty when it is missing or null."""
    value = told.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Unreadable(code="hook_wrong_shape", field=key)
    return value


def text(told: Mapping[str, Any], *keys: str) -> str:
    """Return the first of these that is told, as text without characters that cannot be stored."""
    for key in keys:
        value = told.get(key)
        if value is None or value == "" or isinstance(value, bool):
            continue
        if not isinstance(value, str | int | float):
            raise Unreadable(code="hook_wrong_shape", field=key)
        clean = str(value).replace("\x00", "").encode("utf-8", "ignore").decode().strip()
        if clean:
            return clean
    return ""


def identity(told: Mapping[str, Any], key: str) -> str:
    """Return a number the source names something by. Raises Unreadable without one."""
    value = text(told, key)
    if not value or len(value) > 64 or not value.isprintable():
        raise Unreadable(code="hook_without_id", field=key)
    return value


def money(told: Mapping[str, Any], *keys: str) -> Decimal | None:
    """Return the first amount told, in cents; None when none is."""
    value = text(told, *keys)
    if not value:
        return None
    try:
        amount = Decimal(value)
        if not amount.is_finite() or abs(amount) > TOP:
            raise Unreadable(code="hook_not_amount", field=keys[0])
        return amount.quantize(Decimal("0.01"))
    except InvalidOperation:
        raise Unreadable(code="hook_not_amount", field=keys[0]) from None


def whole(told: Mapping[str, Any], *keys: str) -> int:
    """Return a whole number that is not negative, 0 when none is told."""
    amount = money(told, *keys)
    if amount is None:
        return 0
    if amount < 0 or amount != int(amount) or amount > 100_000:
        raise Unreadable(code="hook_not_amount", field=keys[0])
    return int(amount)


def moment(told: Mapping[str, Any], *keys: str) -> datetime | None:
    """Return the first moment told; one without an offset is UTC."""
    value = text(told, *keys)
    if not value:
        return None
    try:
        found = datetime.fromisoformat(value)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable(code="hook_not_date", field=keys[0]) from None
    return found


def needed(value: datetime | None, key: str) -> datetime:
    """Return a moment that has to be told. Raises Unreadable."""
    if value is None:
        raise Unreadable(code="hook_not_date", field=key)
    return value


def place(*words: str) -> str:
    """Join province, city and district as people of that country write them."""
    told = list(dict.fromkeys(word for word in words if word))
    return ("" if all(not word.isascii() for word in told) else ", ").join(told)

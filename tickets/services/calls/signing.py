"""Sign and check what goes between a PBX and us; the form stands in docs/phone-webhook.md."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import datetime

from core.crypto import decrypt, same
from tickets.models import PhoneLine

TIMESTAMP, SIGNATURE = "X-Phone-Timestamp", "X-Phone-Signature"
TOLERANCE = 300
_STAMP = re.compile(r"[0-9]{1,11}")
_MOST_SIGNATURES = 4


def new_secret() -> str:
    """Return a fresh secret of 256 bits."""
    return "pbx_" + secrets.token_urlsafe(32)


def signature_of(secret: str, timestamp: str, body: bytes) -> str:
    """Return `v1=` and the hex HMAC-SHA256 of the timestamp, a full stop and the raw body."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"v1={digest}"


def signed_headers(secret: str, body: bytes, at: datetime) -> dict[str, str]:
    """Return the two headers that prove a body is ours."""
    stamp = str(int(at.timestamp()))
    return {TIMESTAMP: stamp, SIGNATURE: signature_of(secret, stamp, body)}


def is_genuine(*, keys: Iterable[str], timestamp: str, signature: str, body: bytes, at: datetime) -> bool:
    """Tell whether one of the secrets signed this body, within five minutes of now on either side.

    Every secret is tried against every signature given, in constant time each.
    """
    if not _STAMP.fullmatch(timestamp) or abs(int(timestamp) - at.timestamp()) > TOLERANCE:
        return False
    given = [part.strip() for part in signature.split(",")[:_MOST_SIGNATURES]]
    found = False
    for secret in keys:
        expected = signature_of(secret, timestamp, body)
        for one in given:
            found |= one.isascii() and same(one, expected)
    return found


def secrets_of(line: PhoneLine, at: datetime) -> list[str]:
    """Return what may sign for a line now: its secret, and the one before while that still works."""
    found = [line.secret_enc] if line.secret_enc else []
    if line.old_secret_enc and line.old_secret_until and line.old_secret_until > at:
        found.append(line.old_secret_enc)
    return [decrypt(one) for one in found]

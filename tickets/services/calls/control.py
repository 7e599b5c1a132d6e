"""Ask a PBX to do something: one signed JSON message to the control address of its line."""

from __future__ import annotations

import json
from datetime import datetime

from core.crypto import decrypt
from core.posting import AddressRefused, EncryptionNeeded, NotReached, post
from tickets.models import PhoneLine
from tickets.services.calls.signing import signed_headers

REFUSED_STATUS = range(400, 500)


class PbxRefused(Exception):
    """The PBX will not do it; `code` says why, asking again will not help."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class PbxAway(Exception):
    """The PBX did not answer, or not now: asking again may help."""


def ask_to_dial(*, line: PhoneLine, ref: str, extension: str, number: str, at: datetime) -> None:
    """Have the PBX ring an extension and then connect it with a number; `ref` names the call and makes it once.

    For outside jobs only. Raises PbxRefused, PbxAway.
    """
    if not line.control_url or line.secret_enc is None:
        raise PbxRefused("no_control")
    order = {"do": "dial", "call": ref, "extension": extension, "number": number, "line": line.number}
    body = json.dumps(order, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json", "User-Agent": "cs-portal-phone",
        **signed_headers(decrypt(line.secret_enc), body, at),
    }  # fmt: skip
    try:
        reply = post(line.control_url, body, headers)
    except EncryptionNeeded:
        raise PbxRefused("needs_https") from None
    except AddressRefused:
        raise PbxRefused("address_refused") from None
    except NotReached:
        raise PbxAway from None
    if reply.status in REFUSED_STATUS:
        raise PbxRefused(_code_in(reply.body) or "pbx_refused")
    if not 200 <= reply.status < 300:
        raise PbxAway


def _code_in(body: bytes) -> str:
    """Return the PBX's own word for its refusal when it is one of those we have words for."""
    try:
        told = json.loads(body)
    except ValueError:
        return ""
    code = told.get("code") if isinstance(told, dict) else None
    return code if code in {"extension_busy", "extension_offline", "number_not_allowed"} else ""

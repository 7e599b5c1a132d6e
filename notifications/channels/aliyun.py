"""Ask Aliyun's text message service: signed requests in its form V3 (ACS3-HMAC-SHA256), version 2017-05-25.

The signature covers method, path, sorted query, the signed headers and the digest of the (empty) body; see
https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from core import posting
from core.crypto import random_token

VERSION = "2017-05-25"
ENDPOINT = "https://dysmsapi.aliyuncs.com/"
_EMPTY = hashlib.sha256(b"").hexdigest()
_SECONDS = 8.0


@dataclass(frozen=True)
class SmsAccount:
    """What one needs to send: key, secret, the approved signature (SignName); `hook_key` is in our receipt address."""

    access_key_id: str
    access_key_secret: str
    sign_name: str
    endpoint: str = ENDPOINT
    hook_key: str = ""


def signed_headers(
    account: SmsAccount,
    action: str,
    query: str,
    *,
    host: str,
    path: str,
    now: datetime,
    nonce: str,
    version: str,
    stamp: str = "",
) -> dict[str, str]:
    """Return the headers of a signed POST without a body; `query` is sorted and encoded already.

    `stamp` is the time as it was written, where somebody else's signature is checked.
    """
    headers = {
        "host": host,
        "x-acs-action": action,
        "x-acs-content-sha256": _EMPTY,
        "x-acs-date": stamp or now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
        "x-acs-version": version,
    }
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = "\n".join(["POST", path, query, lines, names, _EMPTY])
    to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
    signature = hmac.digest(account.access_key_secret.encode(), to_sign.encode(), "sha256").hex()
    headers["Authorization"] = (
        f"ACS3-HMAC-SHA256 Credential={account.access_key_id},SignedHeaders={names},Signature={signature}"
    )
    return headers


def encoded(params: dict[str, str]) -> str:
    """Return parameters sorted and encoded as the signature wants them (RFC 3986)."""
    return "&".join(f"{quote(name, safe='~')}={quote(params[name], safe='~')}" for name in sorted(params))


def ask(account: SmsAccount, action: str, params: dict[str, str], *, now: datetime) -> tuple[int, dict[str, Any]]:
    """Call one action and return (HTTP status, JSON answer). Raises posting.AddressRefused, posting.NotReached."""
    parts, query = urlsplit(account.endpoint), encoded(params)
    path = parts.path or "/"
    headers = signed_headers(
        account, action, query, host=parts.netloc, path=path, now=now, nonce=random_token(), version=VERSION
    )
    headers = {name: value for name, value in headers.items() if name != "host"} | {"Accept": "application/json"}
    reply = posting.post(f"{parts.scheme}://{parts.netloc}{path}?{query}", b"", headers, seconds=_SECONDS)
    try:
        told = json.loads(reply.body)
    except ValueError:
        told = {}
    return reply.status, told if isinstance(told, dict) else {}

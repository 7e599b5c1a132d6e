"""Post to an address somebody typed into a settings page: checked, no redirect followed, cut off in time and size."""

from __future__ import annotations

import http.client
import ssl
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from core import outgoing

SECONDS = 5.0
MAX_BYTES = 64 * 1024


class AddressRefused(ValueError):
    """The address is none we ask: another scheme, a password in it, or a place inside."""


class NotReached(OSError):
    """Nobody answered in time, or not in a way we understand."""


@dataclass(frozen=True)
class Reply:
    """What came back; `body` is cut at 64 KB."""

    status: int
    body: bytes


def check_address(url: str) -> SplitResult:
    """Return the parts of an address that may be asked, without looking it up. Raises AddressRefused."""
    if len(url) > 2000 or not url.isascii() or any(char.isspace() or ord(char) < 33 for char in url) or "\\" in url:
        raise AddressRefused("characters")
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise AddressRefused("form") from None
    if not is_whole or "@" in parts.netloc or parts.fragment:
        raise AddressRefused("scheme")
    return parts


def post(url: str, body: bytes, headers: dict[str, str], *, seconds: float = SECONDS) -> Reply:
    """Send a body and return what came back. Never call it inside a transaction. Raises AddressRefused, NotReached."""
    parts = check_address(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        plain = outgoing.connect(host, port, timeout=seconds)
        connection.sock = plain
        if parts.scheme == "https":
            connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body=body, headers={"Host": parts.netloc, **headers})
        answer = connection.getresponse()
        return Reply(answer.status, answer.read(MAX_BYTES))
    except outgoing.PlaceForbidden:
        raise AddressRefused("inside") from None
    except (OSError, http.client.HTTPException) as error:
        raise NotReached(type(error).__name__) from error
    finally:
        connection.close()

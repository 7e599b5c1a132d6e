"""Ask an address somebody typed into a settings page: checked, no redirect followed, cut off in time and size."""

from __future__ import annotations

import http.client
import ipaddress
import ssl
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from core import outgoing

SECONDS = 5.0
MAX_BYTES = 64 * 1024


class AddressRefused(ValueError):
    """The address is none we ask: another scheme, a password in it, or a place inside."""


class EncryptionNeeded(AddressRefused):
    """An address outside one's own network that is not https."""


class NotReached(OSError):
    """Nobody answered in time, or not in a way we understand."""


@dataclass(frozen=True)
class Reply:
    """What came back; `body` is cut at 64 KB, or at what the asker allowed. Names of `headers` are in lower case."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


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


def may_go_in_the_clear(parts: SplitResult) -> bool:
    """Tell, without looking a name up, whether an http address can ever be asked; what it leads to is seen then."""
    if parts.scheme == "https" or settings.TRIAL:
        return True
    try:
        return not outgoing.is_public(ipaddress.ip_address(parts.hostname or ""))
    except ValueError:
        return bool(settings.OUTGOING_ALLOW)


def post(url: str, body: bytes, headers: dict[str, str], *, seconds: float = SECONDS) -> Reply:
    """Send a body and return what came back, all within `seconds` from the connect on.

    In the clear (http) only to one's own network, or in the trial. Never call it inside a transaction. Raises
    AddressRefused, EncryptionNeeded, NotReached.
    """
    return ask("POST", url, body, headers, seconds=seconds)


def ask(
    method: str, url: str, body: bytes | None, headers: dict[str, str], *, seconds: float = SECONDS,
    max_bytes: int = MAX_BYTES,
) -> Reply:  # fmt: skip
    """Do what post() does with any method. Raises AddressRefused, EncryptionNeeded, NotReached."""
    parts = check_address(url)
    with outgoing.Deadline(seconds) as until:
        try:
            reply = _exchange(method, parts, body, headers, until, max_bytes)
        except outgoing.PlaceForbidden:
            raise AddressRefused("inside") from None
        except outgoing.ClearForbidden:
            raise EncryptionNeeded("scheme") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NotReached(type(error).__name__) from error
        if until.is_over:  # what was cut off may look whole
            raise NotReached("too slow")
    return reply


def _exchange(
    method: str, parts: SplitResult, body: bytes | None, headers: dict[str, str], until: outgoing.Deadline, top: int
) -> Reply:
    is_safe = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if is_safe else 80)
    connection = http.client.HTTPConnection(host, port, timeout=until.left)
    try:
        connection.sock = outgoing.connect(
            host, port, timeout=until.left, until=until, inside_only=not is_safe and not settings.TRIAL
        )
        if is_safe:
            connection.sock = ssl.create_default_context().wrap_socket(connection.sock, server_hostname=host)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, body=body, headers={"Host": parts.netloc, **headers})
        answer = connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, answer.read(top), told)
    finally:
        connection.close()

"""Raw header values of a part, without letting the library interpret them."""

from __future__ import annotations

import re
from email.message import Message

from notifications.inbound.words import raw_text

MAX_HEAD = 512 * 1024
_LINE = re.compile(rb"[!-9;-~]{1,200}[ \t]*:|[ \t]")
_KNOWN = re.compile(
    rb"(?:from|to|subject|date|message-id|received|return-path|mime-version|content-type)[ \t]*:", re.IGNORECASE
)


def mended(raw: bytes) -> bytes:
    """Return a mail whose header lines are all header lines: rubbish that stands before a known one is left out.

    The library takes the first line that is none for the beginning of the body and would lose sender and subject.
    """
    head = re.split(rb"\r?\n\r?\n", raw[:MAX_HEAD], maxsplit=1)[0]
    lines = head.split(b"\n")
    good = [bool(_LINE.match(line)) for line in lines]
    last = max((index for index, line in enumerate(lines) if _KNOWN.match(line)), default=-1)
    if all(good[: last + 1]):
        return raw
    kept, is_kept = [], False
    for index, line in enumerate(lines):
        is_kept = is_kept if line[:1] in b" \t" and line else good[index] or index > last
        if is_kept:
            kept.append(line)
    return b"\n".join(kept) + raw[len(head) :]


def headers_of(message: Message, name: str) -> list[str]:
    """Return the raw values of a header."""
    wanted = name.lower()
    return [str(value) for key, value in message.raw_items() if key.lower() == wanted]  # type: ignore[attr-defined]


def header_of(message: Message, name: str) -> str:
    """Return the first raw value of a header, empty without one."""
    return next(iter(headers_of(message, name)), "")


def param_of(part: Message, name: str) -> str:
    """Return a parameter of the content type, empty without a readable one."""
    try:
        value = part.get_param(name)
    except (ValueError, TypeError, IndexError, UnicodeError, LookupError, AttributeError):
        return ""
    if isinstance(value, tuple):
        value = value[2]
    return raw_text(str(value or "")).strip()

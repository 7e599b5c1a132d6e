"""Raw header values of a part, without letting the library interpret them."""

from __future__ import annotations

from email.message import Message

from notifications.inbound.words import raw_text


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

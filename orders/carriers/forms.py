"""Forms as providers post them. A trace in Chinese is thousands of escapes: urllib's reader takes longer over them than
all the rest of taking a push in, so they are read by one that stands in C."""

from __future__ import annotations

import binascii
from urllib.parse import parse_qs

MOST_FIELDS = 20


def read_form(body: bytes) -> dict[str, str]:
    """Return the first value of each field, as parse_qs reads it; {} for what is no form."""
    if not body.isascii() or b"\n" in body or b"\r" in body or body.count(b"&") >= MOST_FIELDS:
        return _read_slowly(body)
    fields: dict[str, str] = {}
    for pair in body.split(b"&"):
        if pair:
            name, _equals, value = pair.partition(b"=")
            told, meant = _unescaped(name), _unescaped(value)
            if told is None or meant is None:
                return _read_slowly(body)
            fields.setdefault(told, meant)
    return fields


def _unescaped(text: bytes) -> str | None:
    """Return text with its escapes read, None where one of them is none.

    `%E5` is `=E5` of quoted-printable. Only a whole escape becomes shorter by two bytes, so the length tells.
    """
    text = text.replace(b"+", b" ")
    if b"%" in text:
        raw = binascii.a2b_qp(text.replace(b"=", b"=3D").replace(b"%", b"="))
        if len(text) - len(raw) != 2 * text.count(b"%"):
            return None
        text = raw
    return text.decode("utf-8", "replace")


def _read_slowly(body: bytes) -> dict[str, str]:
    try:
        fields = parse_qs(body.decode("utf-8", "surrogatepass"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}

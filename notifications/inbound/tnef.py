"""winmail.dat: what Outlook puts around files and words (MS-OXTNEF), taken apart.

Nothing here trusts a length: what does not fit ends the reading, and what was read until then counts.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from notifications.inbound.rtf import rtf_to_text, unpack_rtf
from notifications.inbound.words import decode_text

SIGNATURE = 0x223E9F78
MAX_FILES = 200
MAX_DEPTH = 3
MAX_PROPERTIES = 4000
_RENDERING, _FILE_TITLE, _FILE_DATA, _FILE_PROPS, _TRANSPORT_NAME = 0x9002, 0x8010, 0x800F, 0x9005, 0x9001
_BODY, _MESSAGE_PROPS, _CODEPAGE = 0x800C, 0x9003, 0x9007
_SIZES = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_STRING, _UNICODE, _BINARY, _OBJECT = 0x1E, 0x1F, 0x102, 0x0D
_CHARSETS = {936: "gb18030", 950: "big5", 932: "cp932", 949: "cp949", 65001: "utf-8", 54936: "gb18030"}


class TnefFile(NamedTuple):
    """A file in a winmail.dat; `content_id` without brackets, empty when the words do not show it."""

    name: str
    mime: str
    content: bytes
    content_id: str


@dataclass
class TnefMail:
    """What was in it."""

    text: str = ""
    html: str = ""
    files: list[TnefFile] = field(default_factory=list)


class _Broken(ValueError):
    """A length leads out of the data."""


@dataclass
class _Open:
    """A file whose attributes are being gathered."""

    title: str = ""
    long_name: str = ""
    mime: str = ""
    content_id: str = ""
    content: bytes = b""
    inner: bytes = b""


def unpack_tnef(data: bytes, *, depth: int = 0) -> TnefMail | None:
    """Return what a winmail.dat holds, None when it is none or nothing in it can be read. Never raises."""
    if len(data) < 6 or struct.unpack_from("<I", data)[0] != SIGNATURE or depth > MAX_DEPTH:
        return None
    mail = TnefMail()
    charset = "utf-8"
    rtf = b""
    current: _Open | None = None
    for level, number, value in _attributes(data):
        if number == _CODEPAGE and len(value) >= 4:
            charset = _charset(struct.unpack_from("<I", value)[0])
        elif number == _RENDERING:
            _close(mail, current, depth)
            current = _Open()
        elif level == 2 and current is not None:
            _read_file(current, number, value, charset)
        elif number == _BODY:
            mail.text = mail.text or _words(value, charset)
        elif number == _MESSAGE_PROPS:
            rtf = _read_message(mail, value, charset) or rtf
        if len(mail.files) >= MAX_FILES:
            break
    _close(mail, current, depth)
    if not mail.text.strip() and not mail.html.strip() and rtf:
        mail.text = rtf_to_text(unpack_rtf(rtf))
    return mail


def _attributes(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    place = 6
    while place + 9 <= len(data):
        level, number, size = struct.unpack_from("<BII", data, place)
        start = place + 9
        if level not in {1, 2} or start + size > len(data):
            return
        yield level, number & 0xFFFF, data[start : start + size]
        place = start + size + 2


def _read_file(current: _Open, number: int, value: bytes, charset: str) -> None:
    if number == _FILE_TITLE or (number == _TRANSPORT_NAME and not current.title):
        current.title = _words(value, charset)
    elif number == _FILE_DATA:
        current.content = value
    elif number == _FILE_PROPS:
        for key, kind, data in _properties(value):
            if key in {0x3707, 0x3704, 0x3001} and (key == 0x3707 or not current.long_name):
                current.long_name = _string(kind, data, charset) or current.long_name
            elif key == 0x370E:
                current.mime = _string(kind, data, charset)
            elif key == 0x3712:
                current.content_id = _string(kind, data, charset).strip("<> ")
            elif key == 0x3701 and kind == _OBJECT:
                current.inner = data[16:]
            elif key == 0x3701 and kind == _BINARY:
                current.content = current.content or data


def _close(mail: TnefMail, current: _Open | None, depth: int) -> None:
    if current is None:
        return
    inner = unpack_tnef(current.inner, depth=depth + 1) if current.inner else None
    name = current.long_name or current.title or "attachment"
    if inner is not None:  # a mail within the mail: its words as a text file, its files beside it
        if inner.text or inner.html:
            kind = ("text/plain", ".txt") if inner.text else ("text/html", ".html")
            mail.files.append(TnefFile(name + kind[1], kind[0], (inner.text or inner.html).encode(), ""))
        mail.files += inner.files
        return
    content = current.content or current.inner
    mail.files.append(TnefFile(name, current.mime.lower() or "application/octet-stream", content, current.content_id))


def _read_message(mail: TnefMail, value: bytes, charset: str) -> bytes:
    """Take the words out of a message's properties; returns its compressed RTF."""
    rtf = b""
    page = charset
    found = list(_properties(value))
    for key, _kind, data in found:
        if key == 0x3FDE and len(data) >= 4:
            page = _charset(struct.unpack_from("<I", data)[0])
    for key, kind, data in found:
        if key == 0x1000:
            mail.text = _string(kind, data, charset) or mail.text
        elif key == 0x1013:
            mail.html = (_string(kind, data, page) if kind != _BINARY else _words(data, page)) or mail.html
        elif key == 0x1009 and kind == _BINARY:
            rtf = data
    return rtf


def _properties(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield (id, type, bytes) of the properties of one block, the first value of those with several.

    Further values are passed over, never kept: a property of a million small ones costs no memory. A number of values
    the block cannot hold ends the reading before any of them is looked at.
    """
    reader = _Reader(data)
    try:
        for _ in range(min(reader.number(), MAX_PROPERTIES)):
            kind, key = reader.pair()
            if key >= 0x8000:
                reader.skip_name()
            is_many, kind = bool(kind & 0x1000), kind & 0xEFFF
            if kind in _SIZES:
                value = reader.first(_SIZES[kind], reader.count(_SIZES[kind]) if is_many else 1)
            elif kind in {_STRING, _UNICODE, _BINARY, _OBJECT}:
                value = reader.first_block(reader.count(4))
            else:
                return
            if value is not None:
                yield key, kind, value
    except _Broken:
        return


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    def take(self, size: int) -> bytes:
        if size < 0 or self.place + size > len(self.data):
            raise _Broken
        self.place += size
        return self.data[self.place - size : self.place]

    def number(self) -> int:
        return int(struct.unpack("<I", self.take(4))[0])

    def pair(self) -> tuple[int, int]:
        kind, key = struct.unpack("<HH", self.take(4))
        return int(kind), int(key)

    def block(self) -> bytes:
        """Take bytes with their length before them, filled up to four."""
        size = self.number()
        value = self.take(size)
        self.place = min(self.place + -size % 4, len(self.data))
        return value

    def count(self, least: int) -> int:
        """Take how many values follow, of at least so many bytes each."""
        count = self.number()
        if count * least > len(self.data) - self.place:
            raise _Broken
        return count

    def first(self, size: int, count: int) -> bytes | None:
        """Take the first of some values of one size, and pass the others."""
        if count == 0:
            return None
        value = self.take(size)
        self.skip(size * (count - 1))
        return value

    def first_block(self, count: int) -> bytes | None:
        """Take the first of some values with a length each, and pass the others."""
        value = self.block() if count else None
        for _ in range(count - 1):
            size = self.number()
            self.skip(min(size + -size % 4, max(size, len(self.data) - self.place)))
        return value

    def skip(self, size: int) -> None:
        """Pass bytes without copying them."""
        if self.place + size > len(self.data):
            raise _Broken
        self.place += size

    def skip_name(self) -> None:
        self.take(16)
        if self.number() == 0:
            self.take(4)
        else:
            self.block()


def _string(kind: int, data: bytes, charset: str) -> str:
    if kind == _UNICODE:
        return data.decode("utf-16-le", "replace").rstrip("\x00")
    return _words(data, charset) if kind == _STRING else ""


def _words(data: bytes, charset: str) -> str:
    return decode_text(data.rstrip(b"\x00"), charset)


def _charset(codepage: int) -> str:
    return _CHARSETS.get(codepage, f"cp{codepage}")

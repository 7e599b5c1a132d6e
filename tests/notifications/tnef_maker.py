"""Makes winmail.dat as Outlook does (MS-OXTNEF), written apart from the product's reader."""

from __future__ import annotations

import struct

GB = 936


def stream(*attributes: bytes) -> bytes:
    return struct.pack("<IH", 0x223E9F78, 0x0001) + b"".join(attributes)


def attribute(level: int, kind: int, number: int, data: bytes) -> bytes:
    head = struct.pack("<BHHI", level, number, kind, len(data))
    return head + data + struct.pack("<H", sum(data) & 0xFFFF)


def codepage(number: int = GB) -> bytes:
    return attribute(1, 6, 0x9007, struct.pack("<II", number, 0))


def body(text: str, charset: str = "gbk") -> bytes:
    return attribute(1, 2, 0x800C, text.encode(charset) + b"\x00")


def message(*properties: bytes) -> bytes:
    return attribute(1, 6, 0x9003, struct.pack("<I", len(properties)) + b"".join(properties))


def file(
    name: str,
    content: bytes,
    *,
    long_name: str = "",
    mime: str = "",
    content_id: str = "",
    inner: bytes = b"",
    charset: str = "gbk",
) -> bytes:
    properties = [number(0x3705, 5 if inner else 1)]
    if long_name:
        properties.append(unicode(0x3707, long_name))
    if mime:
        properties.append(string(0x370E, mime))
    if content_id:
        properties.append(unicode(0x3712, content_id))
    if inner:
        properties.append(block(0x0D, 0x3701, b"\x07\x03\x02\x00" + bytes(12) + inner))
    parts = attribute(2, 6, 0x9002, struct.pack("<HIHHI", 1, 0xFFFFFFFF, 0, 0, 0))
    parts += attribute(2, 1, 0x8010, name.encode(charset) + b"\x00")
    if not inner:
        parts += attribute(2, 6, 0x800F, content)
    return parts + attribute(2, 6, 0x9005, struct.pack("<I", len(properties)) + b"".join(properties))


def number(key: int, value: int) -> bytes:
    return struct.pack("<HHI", 3, key, value)


def unicode(key: int, text: str) -> bytes:
    return block(0x1F, key, text.encode("utf-16-le") + b"\x00\x00")


def string(key: int, text: str) -> bytes:
    return block(0x1E, key, text.encode("ascii") + b"\x00")


def binary(key: int, data: bytes) -> bytes:
    return block(0x102, key, data)


def block(kind: int, key: int, data: bytes) -> bytes:
    return struct.pack("<HHII", kind, key, 1, len(data)) + data + bytes(-len(data) % 4)


def named(text: str) -> bytes:
    """A property with a name of its own, as Outlook's calendar has hundreds of."""
    name = "Keywords".encode("utf-16-le") + b"\x00\x00"
    return (
        struct.pack("<HH", 0x1F, 0x8001) + bytes(16) + struct.pack("<II", 1, len(name)) + name + bytes(-len(name) % 4)
        + unicode(0, text)[4:]
    )  # fmt: skip


def many(key: int, values: list[int]) -> bytes:
    return struct.pack("<HHI", 0x1003, key, len(values)) + b"".join(struct.pack("<I", value) for value in values)


def rtf(words: str) -> bytes:
    """Return packed RTF made of literals alone."""
    escaped = "".join(f"\\u{ord(letter)}?" if ord(letter) > 126 else letter for letter in words)
    raw = b"{\\rtf1\\ansi\\ansicpg936{\\fonttbl{\\f0 SimSun;}}\\pard " + escaped.encode() + b"\\par}"
    packed, write = b"", 207
    pieces = [bytes([value]) for value in raw]
    pieces.append(b"")  # the end: a reference to the place of writing itself
    for start in range(0, len(pieces), 8):
        eight = pieces[start : start + 8]
        control, words_ = 0, b""
        for bit, piece in enumerate(eight):
            if piece:
                words_ += piece
                write = (write + 1) % 4096
            else:
                control |= 1 << bit
                words_ += struct.pack(">H", write << 4)
        packed += bytes([control]) + words_
    return struct.pack("<IIII", len(packed) + 12, len(raw), 0x75465A4C, 0) + packed

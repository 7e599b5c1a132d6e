"""Folder names as IMAP writes them: modified UTF-7 (RFC 3501, 5.1.3), quoted."""

from __future__ import annotations

import binascii
import re

_LIST = re.compile(rb'^\(([^)]*)\) (?:NIL|"(?:[^"\\]|\\.)*") (.+)$', re.S)


def encode_folder(name: str) -> bytes:
    """Return a folder's name as bytes on the wire, quoted."""
    words = b""
    for plain, other in re.findall(r"([ -~]+)|([^ -~]+)", name):
        if plain:
            words += plain.replace("&", "&-").encode("ascii")
        else:
            data = binascii.b2a_base64(other.encode("utf-16-be"), newline=False).rstrip(b"=")
            words += b"&" + data.replace(b"/", b",") + b"-"
    return b'"' + words.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def decode_folder(words: bytes) -> str:
    """Return a folder's name as people read it; what cannot be decoded stays as it is."""

    def letters(found: re.Match[str]) -> str:
        data = found[1].replace(",", "/")
        if not data:
            return "&"
        try:
            return binascii.a2b_base64(data + "=" * (-len(data) % 4)).decode("utf-16-be")
        except (binascii.Error, UnicodeError):
            return found[0]

    return re.sub(r"&([A-Za-z0-9+,]*)-", letters, words.decode("utf-8", "replace"))


def folders_in(lines: list[object]) -> list[str]:
    """Return the names in the answers to LIST, those that can hold mail."""
    names = []
    for line in lines:
        flags_and_name = _entry(line)
        if flags_and_name is None:
            continue
        flags, name = flags_and_name
        if b"\\noselect" not in flags.lower() and b"\\nonexistent" not in flags.lower():
            names.append(decode_folder(name))
    return names[:200]


def _entry(line: object) -> tuple[bytes, bytes] | None:
    if isinstance(line, tuple) and len(line) == 2:  # the name came as a literal
        found = _LIST.match(line[0])
        return (found[1], line[1]) if found else None
    if not isinstance(line, bytes) or not (found := _LIST.match(line)):
        return None
    name = found[2].strip()
    if name.startswith(b'"') and name.endswith(b'"') and len(name) > 1:
        name = re.sub(rb"\\(.)", rb"\1", name[1:-1])
    return found[1], name

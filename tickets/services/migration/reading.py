"""Read another desk's export piece by piece, whatever its shape, never holding more than one piece.

Known shapes: a line of JSON for each ticket or user; one JSON document, be it a list or a page of an incremental export
with lists `tickets`, `users`, `comments`; lines that are such pages; a table (CSV) with a heading row.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from django.utils.translation import gettext_lazy as _

from orders.services.imports.reading import MAX_LINE, detect_encoding, sniff_delimiter
from tickets.migration_errors import MigrationRefused

MOST_BYTES = 8 * 1024 * 1024
BLOCK = 256 * 1024
WHITESPACE = re.compile(r"[ \t\n\r]*")
LISTS = {"tickets": "ticket", "users": "user", "requests": "ticket"}


@dataclass(frozen=True, slots=True)
class Piece:
    """One ticket or user as it stands in the file, or what is wrong with it (`fault`); `line` counts from 1."""

    line: int
    kind: str = ""
    data: Any = None
    fault: str = ""
    excerpt: str = ""


def _refuse_constant(text: str) -> Any:
    raise ValueError(text)


DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def kind_of_file(source: IO[bytes]) -> str:
    """Return "json" or "csv". Raises MigrationRefused for packed files, workbooks, pictures and empty files."""
    head = source.read(4096)
    source.seek(0)
    bare = head.lstrip(codecs.BOM_UTF8 + b" \r\n\t")
    if not bare:
        raise MigrationRefused(_("The file is empty."), code="file_empty")
    if head.startswith((b"PK\x03\x04", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"BZh")):
        raise MigrationRefused(_("Unpack this file first and choose the files within."), code="packed")
    if bare[:1] in {b"{", b"["}:
        return "json"
    if b"\x00" in head and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise MigrationRefused(_("This is not an export we can read. Choose JSON or CSV files."), code="wrong_type")
    if bare[:1] == b"<" or bare.startswith(b"%PDF"):
        raise MigrationRefused(_("This is not an export we can read. Choose JSON or CSV files."), code="wrong_type")
    return "csv"


def pieces(path: Path, name: str) -> Iterator[Piece]:
    """Yield every ticket and user of a file in its order, faults among them."""
    with open(path, "rb") as source:
        if kind_of_file(source) == "csv":
            yield from _table(path, source)
        elif _is_lines(source):
            yield from _lines(source, name)
        else:
            yield from _document(source, name)


def _is_lines(source: IO[bytes]) -> bool:
    """Tell whether each line is a whole of its own; one broken first line does not hide that."""
    found = False
    for _n in range(2):
        line = source.readline(MOST_BYTES + 1)
        if line.endswith(b"\n") or len(line) <= MOST_BYTES:
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                continue
            found = found or (isinstance(value, dict) and bool(line.strip()))
    source.seek(0)
    return found


def _lines(source: IO[bytes], name: str) -> Iterator[Piece]:
    number = 0
    while line := source.readline(MOST_BYTES + 1):
        number += 1
        if len(line) > MOST_BYTES and not line.endswith(b"\n"):
            excerpt = _text(line[:200])
            while line and not line.endswith(b"\n"):  # let the rest of it go by
                line = source.readline(BLOCK)
            yield Piece(number, fault="too_large", excerpt=excerpt)
            continue
        if not line.strip():
            continue
        yield from _parsed(line, number, name)


def _parsed(line: bytes, number: int, name: str) -> Iterator[Piece]:
    try:
        value = DECODER.decode(line.decode("utf-8-sig").strip())
    except UnicodeDecodeError:
        yield Piece(number, fault="encoding", excerpt=_text(line[:500]))
        return
    except RecursionError:
        yield Piece(number, fault="too_deep", excerpt=_text(line[:200]))
        return
    except ValueError:
        yield Piece(number, fault="not_json", excerpt=_text(line[:500]))
        return
    yield from _told(value, number, name)


def _told(value: Any, number: int, name: str) -> Iterator[Piece]:
    if isinstance(value, dict) and (lists := [key for key in LISTS if isinstance(value.get(key), list)]):
        for key in sorted(lists, reverse=True):  # users before tickets
            for one in value[key]:
                yield from _one(one, number, LISTS[key])
        return
    yield from _one(value, number, _guess(value, name))


def _one(value: Any, number: int, kind: str) -> Iterator[Piece]:
    if isinstance(value, dict) and isinstance(value.get(kind), dict):
        value = value[kind]
    if not isinstance(value, dict) or not kind:
        yield Piece(number, fault="unknown_shape", excerpt=str(value)[:500])
        return
    yield Piece(number, kind, value)


def _guess(value: Any, name: str) -> str:
    """Return what a lone object is: by its own keys, else by the file's name."""
    if not isinstance(value, dict):
        return ""
    if {"ticket", "comments", "subject", "requester_id", "requester", "ticket_form_id"} & value.keys():
        return "ticket"
    if {"user", "role", "email"} & value.keys():
        return "user"
    return "user" if "user" in name.lower() else "ticket" if "ticket" in name.lower() and "id" in value else ""


def _document(source: IO[bytes], name: str) -> Iterator[Piece]:
    """Walk one large JSON document: the elements of its lists one by one, everything else passed over."""
    walk = _Walk(source)
    try:
        if walk.next_sign() == "[":
            walk.step()
            for value, line in walk.elements():
                yield from _told(value, line, name)
            return
        walk.step()
        while walk.next_sign() == '"':
            key = walk.value()
            walk.expect(":")
            if key in LISTS and walk.next_sign() == "[":
                walk.step()
                for value, line in walk.elements():
                    yield from _one(value, line, LISTS[key])
            else:
                walk.value()
            if walk.next_sign() != ",":
                break
            walk.step()
    except _Broken as broken:
        yield Piece(walk.line, fault=broken.args[0], excerpt=walk.buffer[walk.at : walk.at + 500])


class _Broken(Exception):
    """The document cannot be read further."""


class _Walk:
    """A place in a JSON text that is read block by block."""

    def __init__(self, source: IO[bytes]) -> None:
        self.source, self.decoder = source, codecs.getincrementaldecoder("utf-8-sig")()
        self.buffer, self.at, self.line, self.is_over = "", 0, 1, False

    def more(self) -> None:
        if self.is_over:
            raise _Broken("cut_off")
        block = self.source.read(BLOCK)
        self.is_over = not block
        try:
            text = self.decoder.decode(block, final=self.is_over)
        except UnicodeDecodeError:
            raise _Broken("encoding") from None
        self.line += self.buffer.count("\n", 0, self.at)
        self.buffer, self.at = self.buffer[self.at :] + text, 0

    def next_sign(self) -> str:
        while True:
            match = WHITESPACE.match(self.buffer, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.buffer):
                return self.buffer[self.at]
            if self.is_over:
                return ""
            self.more()

    def step(self) -> None:
        self.at += 1

    def expect(self, sign: str) -> None:
        if self.next_sign() != sign:
            raise _Broken("not_json")
        self.step()

    def value(self) -> Any:
        """Return the value that begins here and go behind it."""
        self.next_sign()
        while True:
            try:
                value, end = DECODER.raw_decode(self.buffer, self.at)
            except RecursionError:
                raise _Broken("too_deep") from None
            except ValueError:
                if self.is_over:
                    raise _Broken("not_json") from None
                if len(self.buffer) - self.at > MOST_BYTES:
                    raise _Broken("too_large") from None
                wanted = max(BLOCK, len(self.buffer) - self.at)  # twice as much each time
                while wanted > 0 and not self.is_over:
                    before = len(self.buffer) - self.at
                    self.more()
                    wanted -= len(self.buffer) - before
                continue
            if end == len(self.buffer) and not self.is_over:  # a number may go on in the next block
                self.more()
                continue
            self.at = end
            return value

    def elements(self) -> Iterator[tuple[Any, int]]:
        """Yield the values of the list we stand in, each with its line, and leave the list."""
        while (sign := self.next_sign()) != "]":
            if sign == ",":
                self.step()
                continue
            line = self.line + self.buffer.count("\n", 0, self.at)
            yield self.value(), line
            if self.next_sign() not in {",", "]"}:
                raise _Broken("cut_off" if self.is_over else "not_json")
        self.step()


def _table(path: Path, source: IO[bytes]) -> Iterator[Piece]:
    """Yield the rows of a table as tickets, or as users when no column names a subject; headings in plain letters."""
    encoding = detect_encoding(source)
    csv.field_size_limit(MAX_LINE)
    with io.TextIOWrapper(open(path, "rb"), encoding=encoding, newline="") as text:
        head = text.readline(MAX_LINE)
        text.seek(0)
        rows = csv.reader(_capped(text), delimiter=sniff_delimiter(head))
        try:
            headings = [heading.strip().lower().replace("_", " ") for heading in next(rows, [])]
            kind = "ticket" if {"subject", "主题", "标题"} & set(headings) else "user"
            while True:
                line = rows.line_num + 1
                try:
                    cells = next(rows, None)
                except csv.Error:
                    yield Piece(line, fault="damaged_row")
                    continue
                if cells is None:
                    return
                if any(cells):
                    yield Piece(line, kind, dict(zip(headings, cells, strict=False)) | {"_table": True})
        except _Broken as broken:
            yield Piece(rows.line_num + 1, fault=broken.args[0])


def _capped(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(MAX_LINE):
        if len(line) >= MAX_LINE:
            raise _Broken("too_large")
        yield line


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")

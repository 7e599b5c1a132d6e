"""From stored pushes to clean traces: deciphered, read by their adapter, checked; a bad one is refused alone."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from unicodedata import is_normalized

from core.crypto import CannotDecrypt, decrypt
from core.errors import DomainError
from orders.carriers import Trace, adapter_for
from orders.scan_data import ScanData
from orders.services.data import clean_line, clean_tracking
from orders.services.scans import check_scans

logger = logging.getLogger(__name__)


class Push(NamedTuple):
    """One stored push as it is claimed."""

    id: int
    account_id: int
    provider: str
    body_enc: bytes
    received_at: datetime


@dataclass(slots=True)
class Told:
    """A trace of a push, its number in the form we compare."""

    push: Push
    trace: Trace
    number: str


@dataclass(slots=True)
class Read:
    """What pushes say: traces to be applied together, pushes without any, those that change a number's carrier, and
    what is refused with why."""

    told: list[Told] = field(default_factory=list)
    silent: list[int] = field(default_factory=list)
    single: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)


def read_pushes(pushes: Iterable[Push]) -> Read:
    """Read pushes; what one of them is stumbled over for is that one's code."""
    read = Read()
    for push in pushes:
        try:
            traces = adapter_for(push.provider).read_push(decrypt(push.body_enc))
            for trace in traces:
                check_scans(trace.scans, push.received_at)
        except DomainError as refused:
            read.refused[push.id] = refused.code[:40]
        except CannotDecrypt:
            read.refused[push.id] = "key_missing"
        except Exception:  # a body an adapter breaks over must not keep the others out; it is kept, a person may look
            logger.exception("push.not_read id=%s", push.id)
            read.refused[push.id] = "not_read"
        else:
            if any(trace.corrected_company for trace in traces):
                read.single.append(push.id)
            elif not traces:
                read.silent.append(push.id)
            else:
                read.told += [Told(push, trace, clean_tracking(trace.tracking_number)[:64]) for trace in traces]
    return read


class Line(NamedTuple):
    """A scan without its parcel, ready for COPY: its columns from `at` on, and the digest of its words."""

    scan: ScanData
    digest: str
    columns: str


def _clean(text: str, limit: int) -> str:
    """Return a line as clean_line does; nearly every one is clean already."""
    if text and (
        not text.isprintable() or "  " in text or text[0] == " " or text[-1] == " "
        or not (text.isascii() or is_normalized("NFC", text))
    ):  # fmt: skip
        text = clean_line(text)
    return text[:limit]


@lru_cache(maxsize=8192)
def _words(text: str) -> tuple[str, str]:
    """Return the digest of a scan's words, and their columns; a hub says the same to every parcel."""
    text = _clean(text, 400)
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return digest, f"{_escaped(text)}\t\\\\x{digest}"


@lru_cache(maxsize=4096)
def _place(text: str) -> str:
    return _escaped(_clean(text, 120))


def line_of(scan: ScanData) -> Line:
    """Return a scan as the table holds it."""
    digest, words = _words(scan.text)
    return Line(scan, digest, f"{scan.at.isoformat()}\t{scan.code}\t{scan.status}\t{words}\t{_place(scan.place)}")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\") if "\\" in text else text

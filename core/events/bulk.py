"""History in bulk: many facts of an import in one COPY.

Causes no reaction, like record_many with its default origin.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from core.actors import Actor
from core.events import kinds
from core.events.log import AHEAD
from core.models import Origin

_COLUMNS = (
    "schema_v, kind, at, origin, actor_type, actor_id, subject_type, subject_id, shop_id, customer_id, order_id,"
    " ticket_id, reason, depth, data"
)


_encode = json.JSONEncoder(separators=(",", ":")).encode
NULL = "\\N"


@lru_cache(maxsize=512)
def _written(name: str, payload: Any) -> tuple[str, str]:
    """Return how the line of a fact begins, and its payload; most facts of a file are alike but for their time."""
    kind = kinds.get_kind(name)
    return f"{kind.schema}\t{name}\t", _encode(kinds.dump(kind, payload))


type Note = str
"""A checked fact as a line for COPY, `_ABOUT` where it will say whom it is about; made without the database."""

_ABOUT = "\0"  # no text that PostgreSQL keeps may hold it


def note(kind: str, at: datetime, payload: Any, *, latest: datetime) -> Note:
    """Check and write down a fact; a time behind `latest` is cut to it and kept beside. Raises like record()."""
    head, data = _written(kind, payload)
    if at > latest:
        data = _encode({**json.loads(data), "claimed_at": at.isoformat()})
        at = latest
    return f"{head}{iso(at)}\t{_ABOUT}{data}\n"


@lru_cache(maxsize=4096)
def iso(moment: datetime) -> str:
    """Return a moment as COPY takes it; the same few come again and again in one order."""
    return moment.isoformat()


def latest_time() -> datetime:
    """Return how far ahead of now a fact's time may be."""
    return timezone.now() + AHEAD


class History:
    """Collects facts of one transaction and writes them together. Payloads are typed and checked as in record()."""

    def __init__(self, *, actor: Actor, origin: str = Origin.IMPORT) -> None:
        if origin == Origin.LIVE:
            raise ValueError("live facts go through record(), which owes their reactions")
        self._who = f"{origin}\t{actor.type}\t{actor.id if actor.id is not None else NULL}"
        self._latest = latest_time()
        self._lines: list[str] = []

    def add(
        self,
        kind: str,
        at: datetime,
        payload: Any,
        *,
        subject: tuple[str, int],
        shop_id: int | None,
        customer_id: int | None,
        order_id: int | None = None,
        ticket_id: int | None = None,
    ) -> None:
        """Note one fact about (event_type, id). A time further than five minutes ahead is cut and kept beside."""
        self.put(
            [note(kind, at, payload, latest=self._latest)],
            subject=subject, shop_id=shop_id, customer_id=customer_id, order_id=order_id, ticket_id=ticket_id,
        )  # fmt: skip

    def put(
        self,
        notes: Iterable[Note],
        *,
        subject: tuple[str, int],
        shop_id: int | None,
        customer_id: int | None,
        order_id: int | None = None,
        ticket_id: int | None = None,
    ) -> None:
        """Take notes made ahead, all about (event_type, id)."""
        about = (
            f"{self._who}\t{subject[0]}\t{subject[1]}\t{NULL if shop_id is None else shop_id}\t"
            f"{NULL if customer_id is None else customer_id}\t{NULL if order_id is None else order_id}\t"
            f"{NULL if ticket_id is None else ticket_id}\t\t0\t"
        )
        self._lines += [one.replace(_ABOUT, about) for one in notes]

    def write(self) -> int:
        """Write what was noted; return how many facts. Raises TransactionManagementError outside a transaction."""
        if not connection.in_atomic_block:
            raise transaction.TransactionManagementError("History.write() outside a transaction")
        lines, self._lines = self._lines, []
        if lines:
            with (
                connection.wrap_database_errors,
                connection.cursor() as cursor,
                cursor.copy(f"COPY core_event ({_COLUMNS}) FROM STDIN") as copy,  # allowed: our own column names
            ):
                copy.write("".join(lines))
        return len(lines)

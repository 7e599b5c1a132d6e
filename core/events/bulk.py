"""History in bulk: many facts of an import in one COPY.

Causes no reaction, like record_many with its default origin.
"""

from __future__ import annotations

import json
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
    " reason, depth, data"
)


@lru_cache(maxsize=512)
def _dump(name: str, payload: Any) -> str:
    return json.dumps(kinds.dump(kinds.get_kind(name), payload), separators=(",", ":"))


@lru_cache(maxsize=256)
def _schema(name: str) -> int:
    return kinds.get_kind(name).schema


class History:
    """Collects facts of one transaction and writes them together. Payloads are typed and checked as in record()."""

    def __init__(self, *, actor: Actor, origin: str = Origin.IMPORT) -> None:
        if origin == Origin.LIVE:
            raise ValueError("live facts go through record(), which owes their reactions")
        self._who = f"{origin}\t{actor.type}\t{actor.id if actor.id is not None else chr(92) + 'N'}"
        self._limit = timezone.now() + AHEAD
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
    ) -> None:
        """Note one fact about (event_type, id). A time further than five minutes ahead is cut and kept beside."""
        data = _dump(kind, payload)
        if at > self._limit:
            data = json.dumps({**json.loads(data), "claimed_at": at.isoformat()}, separators=(",", ":"))
            at = self._limit
        null = "\\N"
        self._lines.append(
            f"{_schema(kind)}\t{kind}\t{at.isoformat()}\t{self._who}\t{subject[0]}\t{subject[1]}\t"
            f"{null if shop_id is None else shop_id}\t{null if customer_id is None else customer_id}\t"
            f"{null if order_id is None else order_id}\t\t0\t{data}\n"
        )

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

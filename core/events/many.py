"""Many facts at once with what they owe: the same rows as record_many, by COPY, ids taken from the sequence beforehand.

For services that work set-based and know the streams of their subjects; everybody else uses record or record_many.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from core.actors import Actor
from core.events.bulk import NULL, iso, latest_time, note
from core.events.log import MAX_DEPTH, TooDeep, current_cause
from core.models import Event, Origin

_EVENT = (
    "id, cause_id, schema_v, kind, at, origin, actor_type, actor_id, subject_type, subject_id, shop_id, customer_id,"
    " order_id, ticket_id, reason, depth, data"
)
_JOB = "name, key, shard, payload, due_at, state, fence, attempts, last_error, event_id, cause_depth"
_ABOUT = "\0"


@dataclass(frozen=True, slots=True)
class Stream:
    """Whose streams a fact belongs to, and what it is about."""

    subject_type: str
    subject_id: int
    shop_id: int | None = None
    customer_id: int | None = None
    order_id: int | None = None


@dataclass(slots=True)
class _Noted:
    kind: str
    at: datetime
    origin: str
    actor: Actor
    about: Stream
    line: str


class Facts:
    """Collects facts of one transaction and writes them together, in the order they were added."""

    def __init__(self) -> None:
        self._latest = latest_time()
        self._noted: list[_Noted] = []

    def add(self, kind: str, at: datetime, payload: Any, *, actor: Actor, about: Stream, origin: str) -> None:
        """Note one fact; a time further than five minutes ahead is cut and kept beside. Raises like record()."""
        line = note(kind, at, payload, latest=self._latest)
        self._noted.append(_Noted(kind, min(at, self._latest), origin, actor, about, line))

    def write(self) -> tuple[int, int]:
        """Write what was noted and the jobs of those who react; return how many of each.

        Raises TooDeep, and TransactionManagementError outside a transaction.
        """
        if not connection.in_atomic_block:
            raise transaction.TransactionManagementError("Facts.write() outside a transaction")
        noted, self._noted = self._noted, []
        if not noted:
            return 0, 0
        cause = current_cause()
        depth = cause.depth + 1 if cause else 0
        if depth > MAX_DEPTH:
            raise TooDeep(f"{noted[0].kind} would be step {depth} of a chain")
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval('core_event_id_seq') FROM generate_series(1, %s)", [len(noted)])
            ids = sorted(row[0] for row in cursor.fetchall())
        head = f"{cause.event_id if cause else NULL}"
        lines = [
            f"{pk}\t{head}\t{one.line.replace(_ABOUT, _about(one, depth))}" for pk, one in zip(ids, noted, strict=True)
        ]
        _copy(f"core_event ({_EVENT})", lines)
        return len(lines), _owe(list(zip(ids, noted, strict=True)), depth)


def _about(one: _Noted, depth: int) -> str:
    who, about = one.actor, one.about
    return (
        f"{one.origin}\t{who.type}\t{NULL if who.id is None else who.id}\t{about.subject_type}\t{about.subject_id}\t"
        f"{_or_null(about.shop_id)}\t{_or_null(about.customer_id)}\t{_or_null(about.order_id)}\t{NULL}\t\t{depth}\t"
    )


def _owe(facts: list[tuple[int, _Noted]], depth: int) -> int:
    """Owe the reactions; a job named by an event that is new cannot be there yet, so COPY never meets another."""
    from core.jobs.wake import wake_workers
    from core.reactions import REACTIONS  # reactions need the job table, which needs the log

    due, lines = iso(timezone.now()), []
    for pk, one in facts:
        for rule in REACTIONS.get(one.kind, ()):
            if one.origin != Origin.LIVE and not rule.on_import:
                continue
            if rule.when is not None and not rule.when(_event(pk, one, depth)):
                continue
            shard = f"{one.about.subject_type}:{one.about.subject_id}"
            lines.append(f'{rule.name}\t{pk}\t{shard}\t{{"event_id":{pk}}}\t{due}\tready\t0\t0\t\t{pk}\t{depth}\n')
    if lines:
        _copy(f"core_job ({_JOB})", lines)
        wake_workers()
    return len(lines)


def _event(pk: int, one: _Noted, depth: int) -> Event:
    """Return the event as a predicate sees it."""
    about = one.about
    schema, _kind, _at, _rest = one.line.split("\t", 3)
    return Event(
        id=pk, kind=one.kind, at=one.at, origin=one.origin, actor_type=one.actor.type, actor_id=one.actor.id,
        subject_type=about.subject_type, subject_id=about.subject_id, shop_id=about.shop_id,
        customer_id=about.customer_id, order_id=about.order_id, schema_v=int(schema), depth=depth,
        data=json.loads(one.line.partition(_ABOUT)[2]),
    )  # fmt: skip


def _or_null(value: int | None) -> str:
    return NULL if value is None else str(value)


def _copy(target: str, lines: list[str]) -> None:
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"COPY {target} FROM STDIN") as copy,  # allowed: our own table and column names
    ):
        copy.write("".join(lines))

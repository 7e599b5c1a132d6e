"""Write to the event log: one row for one business fact, in the transaction that made it true."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.db import connection, transaction
from django.utils import timezone

from core.actors import Actor
from core.events import kinds
from core.live.announce import announce
from core.models import Event, Origin, RuleChain

AHEAD = timedelta(minutes=5)
MAX_DEPTH = 8


class Subject(Protocol):
    """What an event can be about: a saved row that knows its type and the streams it belongs to."""

    pk: Any
    event_type: str

    def event_streams(self) -> dict[str, int | None]:
        """Return any of shop_id, customer_id, order_id, ticket_id."""
        ...


class TooDeep(RuntimeError):
    """A chain of causes is longer than eight steps, or a rule met the same subject twice in it."""


@dataclass(frozen=True)
class Cause:
    """The event whose consequences are being worked on in this context."""

    event_id: int
    depth: int
    root_id: int


@dataclass(frozen=True)
class Fact:
    """One event to be written by record_many; fields as in record()."""

    kind: str
    subject: Subject
    actor: Actor
    at: datetime
    data: Any = None
    reason: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


_cause: ContextVar[Cause | None] = ContextVar("core_event_cause", default=None)
_origin: ContextVar[str] = ContextVar("core_event_origin", default=Origin.LIVE)


@contextmanager
def recording_as(origin: str) -> Iterator[None]:
    """Let everything recorded inside carry this origin (the demo seed tells history through the ordinary services)."""
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)


def current_origin() -> str:
    """Return how facts recorded now came about: live, or told from an import or the demo's past."""
    return _origin.get()


@contextmanager
def caused_by(event_id: int, depth: int, root_id: int | None = None) -> Iterator[None]:
    """Mark everything recorded inside as a consequence of an event."""
    token = _cause.set(Cause(event_id, depth, root_id or event_id))
    try:
        yield
    finally:
        _cause.reset(token)


def current_cause() -> Cause | None:
    """Return the event whose consequences are being worked on, None outside a reaction."""
    return _cause.get()


def record(
    kind: str,
    *,
    subject: Subject,
    actor: Actor,
    at: datetime,
    data: Any = None,
    reason: str = "",
    origin: str = "",
    untrusted: bool = False,
) -> Event:
    """Append one event and the jobs of those who react to it; call inside the service's transaction.

    `at` is when it happened; `origin` is live unless recording_as() says otherwise. With `untrusted` (a carrier's or
    shop's clock) a time further than five minutes ahead is cut to that and kept in `data["claimed_at"]`. `reason` is a
    code, not a sentence.
    Raises UndeclaredKind, BadPayload, TooDeep, and TransactionManagementError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(f"record({kind!r}) outside a transaction")
    event = _build(Fact(kind, subject, actor, at, data, reason), origin or _origin.get(), untrusted)
    event.save(force_insert=True)
    from core.reactions import (
        enqueue_reactions,  # reactions need the job table, which needs this module
    )

    enqueue_reactions([event])
    if event.order_id is not None and event.origin == Origin.LIVE:
        announce(f"order.{event.order_id}", "story", event.order_id)  # whatever happens belongs to the order's story
    return event


def record_many(facts: Iterable[Fact], *, origin: str = Origin.IMPORT, untrusted: bool = True) -> list[Event]:
    """Append many events in one statement; by default history from outside, which causes no reaction."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("record_many() outside a transaction")
    events = [_build(fact, origin, untrusted) for fact in facts]
    Event.objects.bulk_create(events, batch_size=2000)
    from core.reactions import enqueue_reactions

    enqueue_reactions(events)
    return events


def refuse_second_act(rule: str, subject: Subject) -> None:
    """Let a rule act once on a subject within one chain of causes. Raises TooDeep the second time."""
    cause = _cause.get()
    if cause is None:
        return
    _, created = RuleChain.objects.get_or_create(
        root_event_id=cause.root_id,
        rule=rule,
        subject_type=subject.event_type,
        subject_id=subject.pk,
    )
    if not created:
        raise TooDeep(f"{rule} acted on {subject.event_type}:{subject.pk} already in this chain")


def _build(fact: Fact, origin: str, untrusted: bool) -> Event:
    kind = kinds.get_kind(fact.kind)
    if fact.at.tzinfo is None:
        raise kinds.BadPayload(f"{fact.kind}: `at` has no time zone")
    if len(fact.reason) > 64 or (fact.reason and not kinds._CODE.fullmatch(fact.reason)):
        raise kinds.BadPayload(f"{fact.kind}: `reason` is a code, not a sentence")
    data = kinds.dump(kind, fact.data)
    at = fact.at
    if untrusted:
        limit = timezone.now() + AHEAD
        if at > limit:
            data["claimed_at"] = at.isoformat()
            at = limit
    cause = _cause.get()
    depth = cause.depth + 1 if cause else 0
    if depth > MAX_DEPTH:
        raise TooDeep(f"{fact.kind} would be step {depth} of a chain that began with event {cause and cause.root_id}")
    streams = fact.subject.event_streams()
    return Event(
        schema_v=kind.schema,
        kind=fact.kind,
        at=at,
        origin=origin,
        actor_type=fact.actor.type,
        actor_id=fact.actor.id,
        subject_type=fact.subject.event_type,
        subject_id=fact.subject.pk,
        shop_id=streams.get("shop_id"),
        customer_id=streams.get("customer_id"),
        order_id=streams.get("order_id"),
        ticket_id=streams.get("ticket_id"),
        reason=fact.reason,
        cause_id=cause.event_id if cause else None,
        depth=depth,
        data=data,
    )


def payload_of(event: Event) -> Any:
    """Return the typed payload of a stored event in today's schema."""
    return kinds.load(
        event.kind,
        event.schema_v,
        {k: v for k, v in event.data.items() if k != "claimed_at"},
    )

"""Promises to customers: made, moved, kept, broken, withdrawn. The clock is two due jobs, never a scan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff, Team
from accounts.services import notify
from core.actors import SYSTEM, Actor
from core.calendar import BusinessCalendar
from core.calendar.selectors import default_calendar, load_calendar
from core.errors import InvalidInput, NotFound, StaleEdit, TransitionNotAllowed
from core.events import Code, record
from core.jobs import cancel, schedule
from core.live import announce
from tickets.enums import MessageKind
from tickets.models import Commitment, Message, Ticket
from tickets.permissions import desk_url
from tickets.selectors.supervising import supervisors_of
from tickets.services.conversation import reply_to_ticket
from tickets.services.locking import announce_ticket, lock_ticket
from tickets.work_enums import PROMISE_TRANSITIONS, PromiseKind, PromiseState
from tickets.work_events import PromiseFact

WARN_JOB = "tickets.promise_warn"
DUE_JOB = "tickets.promise_due"
FURTHEST = timedelta(days=366)
WARNING = timedelta(hours=4)
MAX_WORDS = 200


@dataclass(frozen=True)
class NewPromise:
    """What is promised: `message_id` is where it was said, `owner_id` None means who says it."""

    kind: str
    words: str
    due_at: datetime
    message_id: int | None = None
    owner_id: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what is kept with an answer that has not gone: it has no message yet."""
        return {"kind": self.kind, "words": self.words, "due_at": self.due_at.isoformat()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> NewPromise:
        """Return what was kept with an answer."""
        return cls(data["kind"], data["words"], datetime.fromisoformat(data["due_at"]))


@dataclass(frozen=True)
class Telling:
    """What the customer is told when a promise is settled; `client_id` makes it idempotent."""

    text: str
    client_id: UUID


def working_calendar(ticket: Ticket) -> BusinessCalendar:
    """Return the hours of the ticket's team, the company's without one."""
    calendar_id = Team.objects.filter(pk=ticket.team_id or 0).values_list("calendar_id", flat=True).first()
    return load_calendar(calendar_id) if calendar_id else default_calendar()


def warning_time(made_at: datetime, due_at: datetime) -> datetime:
    """Return when its owner is reminded: four hours before, or when a quarter of a shorter time is left."""
    return due_at - min(WARNING, (due_at - made_at) / 4)


def move_promise(promise: Commitment, to: str) -> None:
    """Put a locked promise into another state. Raises TransitionNotAllowed."""
    if to not in PROMISE_TRANSITIONS[promise.state]:
        raise TransitionNotAllowed(before=promise.state, after=to)
    promise.state = to


@transaction.atomic
def make_promise(*, ticket_id: int, promise: NewPromise, actor: Actor, at: datetime) -> Commitment:
    """Write down what a customer was promised; the same kind from the same message is one promise.

    Raises InvalidInput, NotFound. After commit: lists look again; due jobs warn its owner and note a breach.
    """
    ticket = lock_ticket(ticket_id)
    check_new_promise(promise, at)
    message = _message_of(ticket, promise.message_id)
    owner_id = promise.owner_id or (actor.id if actor.is_person else ticket.assignee_id)
    if owner_id is not None and not Staff.objects.filter(pk=owner_id, is_active=True).exists():
        raise InvalidInput(fields={"owner": [_("Choose somebody who works here.")]})
    row = Commitment(
        ticket=ticket,
        customer_id=ticket.customer_id,
        message=message,
        made_by_id=actor.id if actor.is_person else None,
        owner_id=owner_id,
        kind=promise.kind,
        words=_tidy(promise.words),
        made_at=at,
        due_at=promise.due_at,
        warn_at=warning_time(at, promise.due_at),
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:  # one click twice: the promise of this message is there
        return Commitment.objects.exclude(state=PromiseState.WITHDRAWN).get(message=message, kind=promise.kind)
    _owe_clock(row)
    _record(row, "made", actor, at)
    _announce(row)
    if owner_id is not None and not (actor.is_person and actor.id == owner_id):
        _notify(owner_id, row, "promise.yours", at)
    return row


def _tidy(words: str) -> str:
    return " ".join(words.split())[:MAX_WORDS]


def check_new_promise(promise: NewPromise, at: datetime) -> None:
    """Refuse a promise that says nothing or is due before it is made. Raises InvalidInput."""
    fields: dict[str, list[object]] = {}
    if promise.kind not in PromiseKind.values:
        fields["kind"] = [_("Say what was promised.")]
    if not _tidy(promise.words):
        fields["words"] = [_("Say in a few words what was promised.")]
    if not at < promise.due_at <= at + FURTHEST:
        fields["due_at"] = [_("Choose a time ahead, within a year.")]
    if fields:
        raise InvalidInput(fields=fields)  # type: ignore[arg-type]


def _message_of(ticket: Ticket, message_id: int | None) -> Message | None:
    if message_id is None:
        return None
    message = Message.objects.filter(pk=message_id, ticket=ticket).exclude(kind=MessageKind.NOTE).first()
    if message is None:
        raise InvalidInput(fields={"message": [_("This message is not part of the ticket.")]})
    return message


def _owe_clock(promise: Commitment) -> None:
    payload = {"promise_id": promise.pk, "round": promise.round}
    key = f"{promise.pk}:{promise.round}"
    schedule(WARN_JOB, key=key, due_at=promise.warn_at, payload=payload)
    schedule(DUE_JOB, key=key, due_at=promise.due_at, payload=payload)


def _stop_clock(promise: Commitment) -> None:
    key = f"{promise.pk}:{promise.round}"
    cancel(WARN_JOB, key)
    cancel(DUE_JOB, key)


def _lock(promise_id: int, version: int | None = None) -> Commitment:
    """Lock the ticket, then the promise. Raises NotFound, StaleEdit."""
    ticket_id = Commitment.objects.filter(pk=promise_id).values_list("ticket_id", flat=True).first()
    if ticket_id is None:
        raise NotFound
    ticket = lock_ticket(ticket_id)
    promise = Commitment.objects.select_for_update(no_key=True).get(pk=promise_id)
    promise.ticket = ticket
    if version is not None and promise.version != version:
        raise StaleEdit(changes=[{"field": "state", "yours": "", "theirs": promise.get_state_display()}])
    return promise


@transaction.atomic
def move_due_time(
    *, promise_id: int, due_at: datetime, actor: Actor, at: datetime, version: int | None = None
) -> Commitment:
    """Give an open promise another due time, as agreed with the customer; one that is overdue stays broken.

    Raises TransitionNotAllowed, InvalidInput, StaleEdit.
    """
    promise = _lock(promise_id, version)
    _break_if_late(promise, at)
    if promise.state != PromiseState.OPEN:
        raise TransitionNotAllowed(before=promise.state, after=PromiseState.OPEN)
    if not at < due_at <= at + FURTHEST:
        raise InvalidInput(fields={"due_at": [_("Choose a time ahead, within a year.")]})
    _stop_clock(promise)
    promise.round += 1
    promise.due_at, promise.warn_at, promise.warned_at = due_at, warning_time(at, due_at), None
    _save(promise, "due_at", "warn_at", "warned_at", "round")
    _owe_clock(promise)
    _record(promise, "moved", actor, at)
    return promise


@transaction.atomic
def settle_promise(
    *, promise_id: int, actor: Actor, at: datetime, telling: Telling | None = None, version: int | None = None
) -> Commitment:
    """Tick a promise off: kept in time, or late and so broken. With `telling` the customer hears it in a normal answer.

    Raises TransitionNotAllowed for one settled before, StaleEdit, InvalidInput.
    """
    promise = _lock(promise_id, version)
    _break_if_late(promise, at)
    is_late = promise.state == PromiseState.OVERDUE
    move_promise(promise, PromiseState.BROKEN if is_late else PromiseState.KEPT)
    if telling is not None:
        promise.told = reply_to_ticket(
            ticket_id=promise.ticket_id, text=telling.text, actor=actor, at=at, client_id=telling.client_id
        )
    promise.settled_at = at
    _stop_clock(promise)
    _save(promise, "state", "settled_at", "told")
    _record(promise, "settled" if is_late else "kept", actor, at)
    return promise


@transaction.atomic
def withdraw_promise(
    *, promise_id: int, actor: Actor, at: datetime, version: int | None = None, reason: str = "withdrawn"
) -> Commitment:
    """Take an open promise back, as when it was written down by mistake; a broken one stays broken."""
    promise = _lock(promise_id, version)
    _break_if_late(promise, at)
    move_promise(promise, PromiseState.WITHDRAWN)
    promise.settled_at = at
    _stop_clock(promise)
    _save(promise, "state", "settled_at")
    _record(promise, "withdrawn", actor, at, reason=reason)
    return promise


@transaction.atomic
def warn_of_promise(*, promise_id: int, round_: int, at: datetime) -> bool:
    """Remind its owner that a promise is due soon; return whether it was still to be said."""
    promise = _locked_round(promise_id, round_)
    if promise is None or promise.state != PromiseState.OPEN or promise.warned_at is not None:
        return False
    promise.warned_at = at
    _save(promise, "warned_at")
    _record(promise, "warned", SYSTEM, at)
    whom = promise.owner_id or promise.ticket.assignee_id
    if whom is not None:
        _notify(whom, promise, "promise.due_soon", at)
    return True


@transaction.atomic
def break_promise(*, promise_id: int, round_: int, at: datetime) -> bool:
    """Note that a promise's time has passed and tell its owner, the ticket's agent and the supervisors, once."""
    promise = _locked_round(promise_id, round_)
    if promise is None or promise.state != PromiseState.OPEN or at < promise.due_at:
        return False
    _break_if_late(promise, at, is_due=True)
    return True


def _locked_round(promise_id: int, round_: int) -> Commitment | None:
    """Lock a promise for its clock, None when another due time was agreed or it is gone."""
    try:
        promise = _lock(promise_id)
    except NotFound:
        return None
    return promise if promise.round == round_ else None


def _break_if_late(promise: Commitment, at: datetime, *, is_due: bool = False) -> None:
    """Break an open promise whose time has passed, whoever notices first: the clock or a person."""
    if promise.state != PromiseState.OPEN or at < promise.due_at or (at == promise.due_at and not is_due):
        return
    move_promise(promise, PromiseState.OVERDUE)
    promise.broken_at = promise.due_at
    _save(promise, "state", "broken_at")
    _record(promise, "broken", SYSTEM, at)
    people = {promise.owner_id, promise.ticket.assignee_id, *supervisors_of(promise.ticket)} - {None}
    for staff_id in sorted(pk for pk in people if pk is not None):
        _notify(staff_id, promise, "promise.broken", at)


def _save(promise: Commitment, *fields: str) -> None:
    promise.version += 1
    promise.save(update_fields=[*fields, "version"])
    _announce(promise)


def _announce(promise: Commitment) -> None:
    announce("promises", "promise", promise.pk, promise.version)
    announce_ticket(promise.ticket)


def _record(promise: Commitment, step: str, actor: Actor, at: datetime, *, reason: str = "") -> None:
    ticket = promise.ticket
    data = PromiseFact(
        kind=Code(promise.kind),
        due_at=promise.due_at,
        agent_id=promise.owner_id,
        team_id=ticket.team_id,
        channel=Code(ticket.channel),
        category=Code(ticket.category.key) if ticket.category else None,
        seconds=int((at - promise.made_at).total_seconds()),
        late=int((at - promise.due_at).total_seconds()),
        is_told=promise.told_id is not None,
        version=ticket.version,
    )
    record(f"promise.{step}", subject=promise, actor=actor, at=at, reason=reason, data=data)


def _notify(staff_id: int, promise: Commitment, kind: str, at: datetime) -> None:
    params = {"ticket_id": promise.ticket_id, "number": promise.ticket.number, "promise": promise.kind}
    url = f"{desk_url(promise.ticket_id)}?tab=promises"
    notify(staff_id=staff_id, kind=kind, params=params, url=url, at=at)

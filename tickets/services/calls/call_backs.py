"""Who must be called back: owed once a number, in one colleague's hands at a time, done when they are spoken to."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from core.actors import SYSTEM, Actor
from core.calendar import BusinessCalendar, DeadlineUnreachable, due
from core.errors import InvalidInput, NotFound, TransitionNotAllowed
from core.events import record
from core.live import announce
from tickets.calls_enums import TO_CALL_BACK, CallBackEnd, CallBackReason, CallBackState, CallDirection, CallResult
from tickets.calls_errors import CallBackTaken
from tickets.calls_events import CallBackFact
from tickets.models import Call, CallBack, PhoneLine

LAPSES_AFTER = timedelta(minutes=30)
"""A claim without a try for this long is nobody's any more."""
OWED = (CallBackState.OPEN, CallBackState.CLAIMED)
FURTHEST = timedelta(days=90)


def due_time(calendar: BusinessCalendar, start: datetime, minutes: int) -> datetime:
    """Return when a call-back is due by a line's hours; around the clock when those never open."""
    try:
        return due(calendar, start, timedelta(minutes=minutes))
    except DeadlineUnreachable:
        return start + timedelta(minutes=minutes)


def owe_for_call(call: Call, line: PhoneLine, calendar: BusinessCalendar, *, at: datetime) -> CallBack | None:
    """Owe a call-back for an incoming call nobody answered, unless they were spoken to since. Call under its lock.

    A withheld number cannot be called back. A number that is owed one already keeps its first due time.
    """
    if call.direction != CallDirection.IN or call.result not in TO_CALL_BACK or call.number_index is None:
        return None
    assert call.ended_at is not None
    later = Call.objects.filter(number_index=call.number_index, answered_at__gte=call.started_at).exclude(pk=call.pk)
    if later.exists():
        return None
    reason = (
        CallBackReason.MENU if call.wants_call_back
        else CallBackReason.ABANDONED if call.result == CallResult.ABANDONED
        else CallBackReason.MISSED
    )  # fmt: skip
    due_at = due_time(calendar, call.ended_at, line.call_back_minutes)
    return _owe(call, line, reason=reason, owed_at=call.ended_at, due_at=due_at, at=at)


def owe_as_agreed(*, call: Call, line: PhoneLine, due_at: datetime, actor: Actor, at: datetime) -> CallBack:
    """Owe a call-back agreed with the customer. Raises InvalidInput for a time that cannot be."""
    if call.number_index is None:
        raise InvalidInput(fields={"call_back_at": [_("The number was withheld: nobody can call back.")]})
    if not at < due_at <= at + FURTHEST:
        raise InvalidInput(fields={"call_back_at": [_("Choose a time within the next three months.")]})
    entry = _owe(call, line, reason=CallBackReason.ASKED, owed_at=at, due_at=due_at, at=at)
    if entry.due_at != due_at:
        entry.due_at, entry.owed_at, entry.reason = due_at, min(entry.owed_at, due_at), CallBackReason.ASKED
    if actor.is_person:
        entry.ticket_id = call.ticket_id
    _save(entry)
    return entry


def _owe(call: Call, line: PhoneLine, *, reason: str, owed_at: datetime, due_at: datetime, at: datetime) -> CallBack:
    waited = call.waited or 0 if call.answered_at is None else 0
    new = CallBack(
        line=line, call=call, number_index=call.number_index, team_id=call.team_id, customer_id=call.customer_id,
        ticket_id=call.ticket_id, reason=reason, waited_seconds=waited, owed_at=owed_at, due_at=due_at,
    )  # fmt: skip
    try:
        with transaction.atomic():
            new.save(force_insert=True)
    except IntegrityError:  # this number is owed one already
        entry = CallBack.objects.select_for_update(no_key=True, of=("self",)).select_related("line").filter(
            line=line, number_index=call.number_index, state__in=OWED
        ).first()  # fmt: skip
        if entry is None:  # done this very moment: then this is a new one
            new.pk = None
            new.save(force_insert=True)
        else:
            entry.missed_count += call.answered_at is None
            entry.waited_seconds = max(entry.waited_seconds, waited)
            entry.customer_id = entry.customer_id or call.customer_id
            _save(entry)
            return entry
    record("call_back.owed", subject=new, actor=SYSTEM, at=at, data=_fact(new))
    announce("calls", "call_back", new.pk, new.version)
    return new


def _fact(entry: CallBack, agent_id: int | None = None) -> CallBackFact:
    seconds = int((entry.solved_at - entry.owed_at).total_seconds()) if entry.solved_at else None
    return CallBackFact(
        line_id=entry.line_id, team_id=entry.team_id, agent_id=agent_id, tries=entry.tries, seconds=seconds
    )


def _save(entry: CallBack) -> None:
    entry.version += 1
    entry.save()
    announce("calls", "call_back", entry.pk, entry.version)


def _lock(call_back_id: int) -> CallBack:
    rows = CallBack.objects.select_for_update(no_key=True, of=("self",)).select_related("line")
    entry = rows.filter(pk=call_back_id).first()
    if entry is None:
        raise NotFound
    return entry


def solve_by_call(call: Call, *, at: datetime) -> int:
    """Tick off what is owed to a number that was just spoken to, in either direction; return how many entries."""
    if call.number_index is None or call.answered_at is None:
        return 0
    rows = CallBack.objects.select_for_update(no_key=True, of=("self",)).select_related("line").order_by("pk")
    owed = rows.filter(number_index=call.number_index, state__in=OWED, call__started_at__lte=call.answered_at)
    solved = 0
    for entry in owed.exclude(call=call):
        entry.solving_call = call
        _solve(entry, CallBackEnd.REACHED, call.agent_id, at)
        solved += 1
    return solved


def _solve(entry: CallBack, end: str, staff_id: int | None, at: datetime) -> None:
    entry.state, entry.end, entry.solved_at, entry.solved_by_id = CallBackState.SOLVED, end, at, staff_id
    _save(entry)
    actor = Actor.staff(staff_id) if staff_id else SYSTEM
    record("call_back.solved", subject=entry, actor=actor, at=at, reason=str(end), data=_fact(entry, staff_id))


def has_lapsed(entry: CallBack, at: datetime) -> bool:
    """Say whether a claim has stood so long without a try that anybody may take it."""
    since = max(one for one in (entry.claimed_at, entry.tried_at) if one) if entry.claimed_at else None
    return since is not None and at - since >= LAPSES_AFTER


@transaction.atomic
def claim_call_back(*, call_back_id: int, staff_id: int, at: datetime) -> CallBack:
    """Take an entry in hand; of any number who try at once one gets it. One's own again changes nothing.

    Raises CallBackTaken, TransitionNotAllowed for one that is done.
    """
    entry = _lock(call_back_id)
    if entry.state == CallBackState.SOLVED:
        raise TransitionNotAllowed
    if entry.state == CallBackState.CLAIMED and entry.claimed_by_id == staff_id:
        return entry
    if entry.state == CallBackState.CLAIMED and entry.claimed_by_id is not None and not has_lapsed(entry, at):
        raise CallBackTaken
    entry.state, entry.claimed_by_id, entry.claimed_at = CallBackState.CLAIMED, staff_id, at
    _save(entry)
    return entry


@transaction.atomic
def release_call_back(*, call_back_id: int, staff_id: int, at: datetime) -> CallBack:
    """Put one's entry back for others. Raises CallBackTaken, TransitionNotAllowed."""
    entry = _own(call_back_id, staff_id, at)
    entry.state, entry.claimed_by_id, entry.claimed_at = CallBackState.OPEN, None, None
    _save(entry)
    return entry


@transaction.atomic
def note_try(*, call_back_id: int, staff_id: int, at: datetime) -> CallBack:
    """Count a try that reached nobody. Raises CallBackTaken, TransitionNotAllowed."""
    entry = _own(call_back_id, staff_id, at)
    entry.tries, entry.tried_at = entry.tries + 1, at
    _save(entry)
    return entry


@transaction.atomic
def solve_call_back(*, call_back_id: int, end: str, staff_id: int, at: datetime) -> CallBack:
    """Say that an entry is done, and why. Raises InvalidInput, CallBackTaken, TransitionNotAllowed."""
    if end not in CallBackEnd.values:
        raise InvalidInput(fields={"end": [_("Choose why nobody needs to call any more.")]})
    entry = _own(call_back_id, staff_id, at)
    _solve(entry, end, staff_id, at)
    return entry


def _own(call_back_id: int, staff_id: int, at: datetime) -> CallBack:
    """Lock an entry one has in hand; one nobody has is taken on the way."""
    entry = _lock(call_back_id)
    if entry.state == CallBackState.SOLVED:
        raise TransitionNotAllowed
    others = entry.state == CallBackState.CLAIMED and entry.claimed_by_id not in {staff_id, None}
    if others and not has_lapsed(entry, at):
        raise CallBackTaken
    entry.state, entry.claimed_by_id = CallBackState.CLAIMED, staff_id
    entry.claimed_at = at if others or entry.claimed_at is None else entry.claimed_at
    return entry

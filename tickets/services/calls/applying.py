"""Apply what a PBX told: fold the call anew from all its messages, then do what its new state asks for, once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Team
from core.actors import SYSTEM, Actor
from core.calendar import BusinessCalendar
from core.calendar.selectors import default_calendar, load_calendar
from core.crypto import decrypt, encrypt
from core.events import Code, record
from core.live import announce
from customers.selectors import find_customer_by_phone, last4_index, phone_index
from orders.models import Order
from tickets.calls_enums import CallDirection, CallResult, CallState, PhoneEventState
from tickets.calls_errors import BadCallMessage
from tickets.calls_events import CallFact
from tickets.models import Call, PhoneEvent, PhoneLine, PhoneSeat
from tickets.services.calls.attaching import answer_ticket
from tickets.services.calls.call_backs import owe_for_call, solve_by_call
from tickets.services.calls.reading import Facts, Told, read_message, tell_call
from tickets.services.calls.seats import hold_agent, release_agent

KEPT = timedelta(days=30)  # for so long raw messages stay
STILL_NOW = timedelta(minutes=10)
"""A message that came later than this after the fact tells history: nobody is put on the phone by it."""


@transaction.atomic
def apply_message(*, event_id: int, at: datetime) -> Call | None:
    """Apply one stored message to its call; applied before, it changes nothing. Return the call.

    After commit: the desks it rings at, its agent's and the calls' page look again.
    """
    event = PhoneEvent.objects.select_for_update(no_key=True).filter(pk=event_id).first()
    if event is None or event.state != PhoneEventState.STORED or event.body_enc is None:
        return None
    line = PhoneLine.objects.select_related("team").get(pk=event.line_id)
    call = lock_call(line, event)
    event.state, event.applied_at = PhoneEventState.APPLIED, at
    if _is_gone(call, event):
        event.body_enc = None
        event.save(update_fields=["state", "applied_at", "body_enc"])
        return call
    event.save(update_fields=["state", "applied_at"])
    told = [one for one in _messages(line, event.call_ref) if one is not None]
    if told:
        _take(call, tell_call(told), line, at)
    return call


def lock_call(line: PhoneLine, event: PhoneEvent) -> Call:
    """Lock the call a message is about, made when this is the first word of it."""
    new = Call(
        line=line, ref=event.call_ref, direction=CallDirection.IN, state=CallState.ASKED, shop_id=line.shop_id,
        team_id=line.team_id, started_at=event.received_at, version=0,
    )  # fmt: skip
    Call.objects.bulk_create([new], ignore_conflicts=True)
    return Call.objects.select_for_update(no_key=True, of=("self",)).get(line=line, ref=event.call_ref)


def _is_gone(call: Call, event: PhoneEvent) -> bool:
    """Say whether what the call was told before has been blanked (its customer was erased) or swept away.

    A later word (the recording follows the end) would bring a number back, and alone it would tell another call.
    """
    others = PhoneEvent.objects.filter(line_id=event.line_id, call_ref=event.call_ref, state=PhoneEventState.APPLIED)
    is_swept = call.ended_at is not None and call.ended_at < event.received_at - KEPT
    return is_swept or others.filter(body_enc__isnull=True).exists()


def _messages(line: PhoneLine, ref: str) -> Iterable[Told | None]:
    rows = PhoneEvent.objects.filter(line=line, call_ref=ref, state=PhoneEventState.APPLIED, body_enc__isnull=False)
    for row in rows.order_by("pk"):
        try:
            told = read_message(decrypt(row.body_enc or b"").encode(), recording_host=line.recording_host)
            yield replace(told, at=min(told.at, row.received_at))  # a clock that goes ahead tells no future
        except BadCallMessage:  # understood then, refused by today's settings (another host of recordings)
            yield None


def _take(call: Call, facts: Facts, line: PhoneLine, at: datetime) -> None:
    """Write the facts into the locked call and act on what is new."""
    before = (call.state, call.answered_at, call.ended_at, call.rang_at, call.agent_id)
    was_ringing = set(call.ringing_to)
    _write_facts(call, facts, at)
    if facts.team_id and facts.team_id != call.team_id and Team.objects.filter(pk=facts.team_id).exists():
        call.team_id = facts.team_id
    if call.number_index is not None and call.customer_id is None:
        _recognise(call)
    agent_id = _agent_at(call.extension)
    if call.answered_at is not None and agent_id is not None:
        call.agent_id = agent_id
    call.version += 1
    call.save()
    is_open = calendar_of(line).is_open(call.started_at)
    if call.rang_at is not None and before[3] is None:
        _record("call.rang", call, call.rang_at, is_open=is_open)
    if call.answered_at is not None and before[1] is None:
        _begin(call, line, at, is_open=is_open)
    if call.ended_at is not None and before[2] is None:
        _finish(call, line, at, is_open=is_open)
    if before[4] is not None and before[4] != call.agent_id:
        release_agent(staff_id=before[4], at=at)
    announce_call(call, was_ringing | set(call.ringing_to), before[4])


def _write_facts(call: Call, facts: Facts, at: datetime) -> None:
    call.direction = CallDirection.OUT if call.asked_by_id else facts.direction
    call.state, call.result = facts.state, facts.result
    call.started_at = min(facts.started_at, at)
    call.rang_at, call.ringing_to = facts.rang_at, list(facts.ringing_to)
    call.answered_at, call.extension, call.ended_at = facts.answered_at, facts.extension, facts.ended_at
    call.menu_keys, call.plan_version = list(facts.keys), facts.plan
    call.wants_call_back = facts.wants_call_back
    if facts.number and call.number_index is None:
        call.number_enc = encrypt(facts.number)
        call.number_index, call.last4_index = phone_index(facts.number), last4_index(facts.number)
    if facts.recording:
        call.recording_enc, call.recording_seconds = encrypt(facts.recording), facts.recording_seconds


def _recognise(call: Call) -> None:
    """Find who calls: the customer with the number, else the customer of the newest order that names it."""
    customer = find_customer_by_phone(call.number)
    if customer is None:
        orders = Order.objects.filter(phone_index=call.number_index).select_related("customer")
        order = orders.order_by("-placed_at", "-pk").first()
        customer = order.customer if order else None
    if customer is not None and customer.erased_at is None:
        call.customer = customer


def _agent_at(extension: str) -> int | None:
    if not extension:
        return None
    seats = PhoneSeat.objects.filter(extension=extension, staff__is_active=True)
    return seats.values_list("pk", flat=True).first()


def _begin(call: Call, line: PhoneLine, at: datetime, *, is_open: bool) -> None:
    """Do what an answer asks for: the call gets its ticket, the agent is busy, nobody needs to be called back."""
    assert call.answered_at is not None
    answer_ticket(call, line, at=at)
    call.save(update_fields=["ticket", "customer", "order_id"])
    _record("call.answered", call, call.answered_at, is_open=is_open)
    solve_by_call(call, at=at)
    if call.state == CallState.ANSWERED and call.agent_id is not None and at - call.answered_at < STILL_NOW:
        hold_agent(staff_id=call.agent_id, at=at)


def _finish(call: Call, line: PhoneLine, at: datetime, *, is_open: bool) -> None:
    assert call.ended_at is not None
    if call.result == CallResult.ANSWERED:
        _record("call.ended", call, call.ended_at, is_open=is_open)
        if call.wrapped_at is not None and call.agent_id is not None:  # she was quicker than the PBX
            release_agent(staff_id=call.agent_id, at=at)
        return
    _record("call.missed", call, call.ended_at, is_open=is_open)
    owe_for_call(call, line, calendar_of(line), at=at)


def calendar_of(line: PhoneLine) -> BusinessCalendar:
    """Return the hours of a line: its own, its team's, the company's."""
    calendar_id = line.calendar_id or line.team.calendar_id
    return load_calendar(calendar_id) if calendar_id else default_calendar()


def fact_of(call: Call, *, is_open: bool = True, wrapped: int | None = None, category: str | None = None) -> CallFact:
    """Return how a call is counted: codes, ids and seconds."""
    return CallFact(
        direction=Code(call.direction), line_id=call.line_id, team_id=call.team_id, agent_id=call.agent_id,
        result=Code(call.result), waited=call.waited, talked=call.talked, wrapped=wrapped,
        disposition=Code(call.disposition), category=Code(category) if category else None, is_open_hours=is_open,
    )  # fmt: skip


def _record(kind: str, call: Call, moment: datetime, *, is_open: bool) -> None:
    by_agent = kind in {"call.answered", "call.ended"} and call.agent_id is not None
    actor = Actor.staff(call.agent_id) if by_agent else SYSTEM
    record(kind, subject=call, actor=actor, at=moment, data=fact_of(call, is_open=is_open))


def announce_call(call: Call, extensions: Iterable[str], *also_staff: int | None) -> None:
    """After commit, have the desks a call rings or rang at, its agent's and the calls' page look again."""
    seats = PhoneSeat.objects.filter(extension__in=list(extensions)).values_list("pk", flat=True)
    people = {*seats, call.agent_id, call.asked_by_id, *also_staff} - {None}
    for staff_id in people:
        announce(f"staff.{staff_id}", "call", call.pk, call.version)
    announce("calls", "call", call.pk, call.version)
    if call.ticket_id is not None:
        announce(f"ticket.{call.ticket_id}", "ticket", call.ticket_id, 0)

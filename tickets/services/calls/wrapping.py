"""Wrap a call up: what came of it, the note, the ticket's status, what is owed now."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.errors import InvalidInput, NotAllowed, Text
from core.events import record
from tickets.calls_enums import CallState, Disposition
from tickets.calls_errors import CallMovedOn
from tickets.enums import TicketStatus
from tickets.models import Call, PhoneLine, Ticket
from tickets.services.calls.applying import announce_call, fact_of
from tickets.services.calls.call_backs import owe_as_agreed
from tickets.services.calls.seats import release_agent
from tickets.services.conversation import add_note
from tickets.services.promises import NewPromise, make_promise
from tickets.services.status import change_status, resolve_ticket
from tickets.services.work import categorise_ticket

AFTER_CALL = (
    TicketStatus.OPEN, TicketStatus.WAITING_CUSTOMER, TicketStatus.WAITING_DEPARTMENT, TicketStatus.RESOLVED,
)  # fmt: skip
_NAMES = uuid.UUID("9c1b1c0e-1f63-4c55-8a52-8d0c7c3f6a02")


@dataclass(frozen=True)
class WrapUp:
    """What an agent says after a call; None or "" leaves things as they are."""

    disposition: str
    note: str = ""
    category_id: int | None = None
    status: str = ""
    call_back_at: datetime | None = None
    promise_kind: str = ""
    promise_words: str = ""
    promise_due_at: datetime | None = None


@transaction.atomic
def wrap_up_call(*, call_id: int, wrap_up: WrapUp, actor: Actor, at: datetime) -> Call:
    """Write down what came of a call; pressed twice it happens once. The agent is free for routing again.

    The note becomes an internal note of the ticket. Raises InvalidInput, NotAllowed for a colleague's call,
    CallMovedOn, and what the ticket's own services refuse (FieldsMissing, StepsLeft, DepartmentsOwe).
    """
    call = Call.objects.select_for_update(no_key=True, of=("self",)).select_related("line").get(pk=call_id)
    if call.agent_id != actor.id:
        raise NotAllowed
    if call.answered_at is None:
        raise CallMovedOn
    if call.wrapped_at is not None:
        return call
    _check(wrap_up, call)
    if call.ticket_id is not None:
        _write_to_ticket(call, wrap_up, actor, at)
    if wrap_up.call_back_at is not None:
        line = PhoneLine.objects.select_related("team").get(pk=call.line_id)
        owe_as_agreed(call=call, line=line, due_at=wrap_up.call_back_at, actor=actor, at=at)
    call.disposition, call.wrapped_at = wrap_up.disposition, at
    call.version += 1
    call.save(update_fields=["disposition", "wrapped_at", "version"])
    seconds = max(0, int((at - call.ended_at).total_seconds())) if call.ended_at else 0
    category = Ticket.objects.filter(pk=call.ticket_id or 0).values_list("category__key", flat=True).first()
    record("call.wrapped_up", subject=call, actor=actor, at=at, data=fact_of(call, wrapped=seconds, category=category))
    if call.state == CallState.ENDED and call.agent_id is not None:
        release_agent(staff_id=call.agent_id, at=at)
    announce_call(call, [])
    return call


def _check(wrap_up: WrapUp, call: Call) -> None:
    faults: dict[str, list[Text]] = {}
    if wrap_up.disposition not in Disposition.values:
        faults["disposition"] = [_("Say what came of the call.")]
    if wrap_up.status and wrap_up.status not in AFTER_CALL:
        faults["status"] = [_("This status cannot follow a call.")]
    if bool(wrap_up.promise_words.strip()) != bool(wrap_up.promise_due_at):
        faults["promise_due_at"] = [_("A promise needs both: what, and by when.")]
    if call.ticket_id is None and (wrap_up.note.strip() or wrap_up.promise_words.strip()):
        faults["note"] = [_("This call has no ticket to keep the note in.")]
    if faults:
        raise InvalidInput(fields=faults)


def _write_to_ticket(call: Call, wrap_up: WrapUp, actor: Actor, at: datetime) -> None:
    ticket_id = call.ticket_id
    assert ticket_id is not None
    ticket = Ticket.objects.filter(pk=ticket_id).values_list("category_id", "status", "merged_into_id").get()
    category_id, status, merged_into_id = ticket
    if merged_into_id is not None:
        ticket_id = merged_into_id
    if wrap_up.category_id is not None and wrap_up.category_id != category_id:
        categorise_ticket(ticket_id=ticket_id, category_id=wrap_up.category_id, actor=actor, at=at)
    if wrap_up.note.strip():
        add_note(
            ticket_id=ticket_id, text=wrap_up.note, actor=actor, at=at,
            client_id=uuid.uuid5(_NAMES, f"note:{call.pk}"),
        )  # fmt: skip
    if wrap_up.promise_words.strip() and wrap_up.promise_due_at is not None:
        promise = NewPromise(
            kind=wrap_up.promise_kind or "other", words=wrap_up.promise_words, due_at=wrap_up.promise_due_at
        )
        make_promise(ticket_id=ticket_id, promise=promise, actor=actor, at=at)
    if not wrap_up.status or wrap_up.status == status:
        return
    if wrap_up.status == TicketStatus.RESOLVED:
        resolve_ticket(ticket_id=ticket_id, actor=actor, at=at)
    else:
        change_status(ticket_id=ticket_id, status=wrap_up.status, actor=actor, at=at)

"""Give an answered call its ticket: the one its agent chose, the same matter when it is open, else a new one."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext

from core.actors import SYSTEM, Actor
from core.errors import NotAllowed
from core.events import record
from core.live import announce
from customers.services import find_or_add_customer
from tickets.calls_enums import CallDirection, CallState
from tickets.calls_errors import CallMovedOn
from tickets.enums import ACTIVE_STATUSES, Channel, MessageKind, TicketStatus
from tickets.events import MessageSent
from tickets.models import Call, Message, PhoneLine, Ticket
from tickets.services.conversation import write_note
from tickets.services.locking import dimensions, lock_canonical, save_ticket, touch_clocks
from tickets.services.moving import DONE, move_and_record
from tickets.services.opening import NewTicket, open_ticket
from tickets.services.writing import Words

SAME_MATTER_WITHIN = timedelta(days=3)
_NAMES = uuid.UUID("5f0f5a1e-6d0e-4c7e-9f6e-0d2f6f3b7a11")


def answer_ticket(call: Call, line: PhoneLine, *, at: datetime) -> None:
    """Put the locked, answered call onto a ticket; the answer counts as an answer to the customer."""
    if call.customer_id is None and call.number.startswith("+"):
        call.customer = find_or_add_customer(
            phone=call.number, shop_id=line.shop_id, source="phone", actor=SYSTEM, at=at
        )
    if call.ticket_id is None:
        same = find_same_matter(call)
        call.ticket_id = same.pk if same else _open(call, line, at).pk
    else:
        _say_again(call, line, at)
        return
    if same is not None:
        _say_again(call, line, at)


def find_same_matter(call: Call) -> Ticket | None:
    """Return the customer's open ticket about an earlier call of these days, the newest, None when there is none.

    What came by mail or form may be about something else: the desk offers those to the agent, who decides.
    """
    if call.customer_id is None:
        return None
    rows = Ticket.objects.filter(
        customer_id=call.customer_id, channel=Channel.PHONE, status__in=ACTIVE_STATUSES, is_spam=False,
        merged_into__isnull=True, opened_at__gte=call.started_at - SAME_MATTER_WITHIN,
    )  # fmt: skip
    return rows.order_by("-opened_at", "-pk").first()


def _actor(call: Call) -> Actor:
    return Actor.staff(call.agent_id) if call.agent_id is not None else SYSTEM


def _language(call: Call) -> str:
    return call.customer.language if call.customer else "zh-hans"


def _words(call: Call, line: PhoneLine) -> str:
    with translation.override(_language(call)):
        if call.direction == CallDirection.OUT:
            return gettext("We called from %(line)s") % {"line": line.name}
        return gettext("Call to %(line)s") % {"line": line.name}


def _client_id(call: Call, what: str) -> uuid.UUID:
    return uuid.uuid5(_NAMES, f"{what}:{call.pk}")


def _open(call: Call, line: PhoneLine, at: datetime, what: str = "open") -> Ticket:
    words = _words(call, line)
    data = NewTicket(
        channel=Channel.PHONE, text=words, subject=words, shop_id=line.shop_id, customer_id=call.customer_id,
        order_id=call.order_id, language=_language(call), team_id=call.team_id, assignee_id=call.agent_id,
        acknowledge=False, client_id=_client_id(call, what),
    )  # fmt: skip
    ticket = open_ticket(data=data, actor=_actor(call), at=call.started_at)
    ticket = lock_canonical(ticket.pk)
    message = Message.objects.filter(ticket=ticket).order_by("seq").first()
    if message is not None:
        _note_answer(ticket, message, call)
    return ticket


def _say_again(call: Call, line: PhoneLine, at: datetime) -> None:
    """Note the call in a ticket that was there before; one that waited or was done opens again."""
    assert call.ticket_id is not None
    ticket = lock_canonical(call.ticket_id)
    call.ticket_id = ticket.pk
    call.order_id = call.order_id or ticket.order_id
    words = Words(
        text=_words(call, line), channel=Channel.PHONE, kind=MessageKind.NOTE, client_id=_client_id(call, "again")
    )
    if Message.objects.filter(ticket=ticket, client_id=words.client_id).exists():
        return
    if ticket.assignee_id is None and call.agent_id is not None:
        ticket.assignee_id = call.agent_id
    message = write_note(ticket, words, actor=_actor(call), at=call.answered_at or at)
    _note_answer(ticket, message, call)


def _note_answer(ticket: Ticket, message: Message, call: Call) -> None:
    """Count the spoken answer like a written one: clocks stop, the turn ends, the ticket is open."""
    message.ticket = ticket
    moment = max(call.answered_at or message.at, message.at, ticket.last_message_at or message.at)
    if call.agent_id is not None:
        ticket.version += 1
        _record_spoken(ticket, message, _actor(call), moment)
    if ticket.status == TicketStatus.NEW or ticket.status in DONE or ticket.status == TicketStatus.WAITING_CUSTOMER:
        move_and_record(ticket, to=TicketStatus.OPEN, actor=_actor(call), at=moment, reason="by_phone")
    save_ticket(ticket)


def _record_spoken(ticket: Ticket, message: Message, actor: Actor, at: datetime) -> None:
    """Write the spoken answer down as one: with the length of the customer's turn, and whether it was the first."""
    is_first = ticket.first_response_at is None
    turn = int((at - ticket.customer_turn_at).total_seconds()) if ticket.customer_turn_at is not None else None
    ticket.customer_turn_at = None
    if is_first:
        ticket.first_response_at = at
    touch_clocks(ticket, actor=actor, at=at)
    fact = MessageSent(
        **dimensions(ticket, agent_id=actor.id), seq=message.seq, is_first=is_first,
        turn_seconds=max(0, turn) if turn is not None else None,
    )  # fmt: skip
    record("message.sent", subject=message, actor=actor, at=at, data=fact)


@transaction.atomic
def join_ticket(*, call_id: int, ticket_id: int | None, actor: Actor, at: datetime) -> Call:
    """Put a call that rings or is under way onto an open ticket, or with None onto one of its own.

    Raises CallMovedOn once it is wrapped up, NotAllowed for another customer's ticket.
    """
    call = Call.objects.select_for_update(no_key=True, of=("self",)).get(pk=call_id)
    if call.wrapped_at is not None or (call.state == CallState.ENDED and call.answered_at is None):
        raise CallMovedOn
    line = PhoneLine.objects.select_related("team").get(pk=call.line_id)
    if ticket_id is not None:
        ticket = Ticket.objects.filter(pk=ticket_id).first()
        if ticket is None or (call.customer_id and ticket.customer_id and ticket.customer_id != call.customer_id):
            raise NotAllowed
        if call.ticket_id == ticket_id:
            return call
        call.ticket_id = ticket_id
        call.customer_id = call.customer_id or ticket.customer_id
        call.order_id = ticket.order_id
        if call.answered_at is not None:
            _say_again(call, line, at)
    elif call.answered_at is not None:
        call.order_id = None
        call.ticket_id = _open(call, line, at, what="own").pk
    else:
        call.ticket_id = None
    call.version += 1
    call.save(update_fields=["ticket", "customer", "order_id", "version"])
    for group in (f"staff.{call.agent_id or actor.id}", "calls"):
        announce(group, "call", call.pk, call.version)
    return call

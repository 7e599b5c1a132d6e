"""Click-to-call: have the PBX ring one's own phone and then the customer's."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from core import ratelimit
from core.crypto import encrypt
from core.errors import NotFound
from core.jobs import schedule
from core.live import announce
from customers.selectors import last4_index, phone_index, primary_address
from tickets.calls_enums import CallDirection, CallResult, CallState
from tickets.calls_errors import AlreadyDialling, CannotDial
from tickets.models import Call, CallBack, PhoneLine, PhoneSeat, Ticket
from tickets.services.calls.call_backs import note_try
from tickets.services.calls.control import PbxAway, PbxRefused, ask_to_dial
from tickets.services.calls.reading import full_number

DIAL_JOB = "tickets.dial"
PER_HOUR = 60
GIVEN_UP_AFTER = timedelta(minutes=2)


@dataclass(frozen=True)
class Target:
    """Whom to call: one of these; the number is looked up here and never travels through a page."""

    customer_id: int | None = None
    ticket_id: int | None = None
    call_id: int | None = None
    call_back_id: int | None = None


def line_to_dial(shop_id: int | None) -> PhoneLine | None:
    """Return the line a call goes out by: of the shop, else of none; None when no line takes orders."""
    rows = PhoneLine.objects.filter(is_active=True, secret_enc__isnull=False).exclude(control_url="")
    rows = rows.order_by("pk")
    own = rows.filter(shop_id=shop_id).first() if shop_id is not None else None
    return own or rows.filter(shop__isnull=True).first()


def dial(*, target: Target, staff_id: int, at: datetime) -> Call:
    """Owe the PBX's order to call; it is sent after commit and the page hears what came of it.

    One call at a time is set up for a person, however often and fast the button is pressed. Raises AlreadyDialling,
    CannotDial without a seat, a line or a number, RateLimited past 60 an hour.
    """
    ratelimit.check("phone.dial", str(staff_id), limit=PER_HOUR, period=timedelta(hours=1))
    try:
        return _dial(target=target, staff_id=staff_id, at=at)
    except IntegrityError as error:  # whoever writes past the seat's lock meets the constraint
        if "call_one_asked" not in str(error):
            raise
        raise AlreadyDialling from error


@transaction.atomic
def _dial(*, target: Target, staff_id: int, at: datetime) -> Call:
    seat = PhoneSeat.objects.select_for_update(no_key=True).filter(pk=staff_id).first()
    if seat is None:
        raise CannotDial(code="no_seat")
    number, customer_id, ticket, shop_id = _whom(target)
    full = full_number(number)
    line = line_to_dial(shop_id)
    if not full or line is None:
        raise CannotDial(code="no_line" if full else "no_number")
    _refuse_second(staff_id, at)
    if target.call_back_id is not None:
        note_try(call_back_id=target.call_back_id, staff_id=staff_id, at=at)
    call = Call.objects.create(
        line=line, ref=f"out-{uuid.uuid4().hex}", direction=CallDirection.OUT, state=CallState.ASKED,
        shop_id=line.shop_id, team_id=line.team_id, started_at=at, number_enc=encrypt(full),
        number_index=phone_index(full), last4_index=last4_index(full), customer_id=customer_id,
        ticket_id=ticket.pk if ticket else None, order_id=ticket.order_id if ticket else None,
        asked_by_id=staff_id, extension="",
    )  # fmt: skip
    schedule(DIAL_JOB, key=str(call.pk), due_at=at, payload={"call_id": call.pk, "extension": seat.extension})
    _announce(call)
    return call


def _refuse_second(staff_id: int, at: datetime) -> None:
    """Refuse while a call of hers is asked for, or rings since a moment ago. Her seat must be locked.

    One that rings for longer may be one whose end the PBX never told: it holds nobody up.
    """
    being_set_up = Q(state=CallState.ASKED) | Q(state=CallState.RINGING, started_at__gt=at - GIVEN_UP_AFTER)
    if Call.objects.filter(being_set_up, asked_by_id=staff_id).exists():
        raise AlreadyDialling


def _whom(target: Target) -> tuple[str, int | None, Ticket | None, int | None]:
    """Return (number, customer, ticket, shop) of a target."""
    if target.call_back_id is not None:
        entry = CallBack.objects.select_related("call", "ticket", "line").filter(pk=target.call_back_id).first()
        if entry is None:
            raise NotFound
        return entry.call.number, entry.customer_id, entry.ticket, entry.line.shop_id
    if target.call_id is not None:
        call = Call.objects.select_related("ticket").filter(pk=target.call_id).first()
        if call is None:
            raise NotFound
        return call.number, call.customer_id, call.ticket, call.shop_id
    if target.ticket_id is not None:
        ticket = Ticket.objects.filter(pk=target.ticket_id).first()
        if ticket is None or ticket.customer_id is None:
            raise CannotDial(code="no_number")
        return primary_address(ticket.customer_id, "phone") or "", ticket.customer_id, ticket, ticket.shop_id
    if target.customer_id is not None:
        return primary_address(target.customer_id, "phone") or "", target.customer_id, None, None
    raise CannotDial(code="no_number")


def send_order(*, call_id: int, extension: str, at: datetime) -> bool:
    """Send the order of a call that was not sent yet; return whether the PBX should be asked again.

    Outside a transaction: the call's id at the PBX makes a second asking harmless.
    """
    call = Call.objects.select_related("line").filter(pk=call_id).first()
    if call is None or call.state != CallState.ASKED:
        return False
    if at - call.started_at > GIVEN_UP_AFTER:
        fail_call(call_id=call_id, code="pbx_away", at=at)
        return False
    try:
        ask_to_dial(line=call.line, ref=call.ref, extension=extension, number=call.number, at=at)
    except PbxRefused as refused:
        fail_call(call_id=call_id, code=refused.code, at=at)
    except PbxAway:
        return True
    else:
        announce(f"staff.{call.asked_by_id}", "call", call.pk, call.version)
    return False


@transaction.atomic
def fail_call(*, call_id: int, code: str, at: datetime) -> None:
    """End a call the PBX never made."""
    call = Call.objects.select_for_update(no_key=True).filter(pk=call_id).first()
    if call is None or call.state != CallState.ASKED:
        return
    call.state, call.result, call.ended_at, call.failure = CallState.ENDED, CallResult.FAILED, at, code[:40]
    call.version += 1
    call.save(update_fields=["state", "result", "ended_at", "failure", "version"])
    _announce(call)


def _announce(call: Call) -> None:
    for group in (f"staff.{call.asked_by_id}", "calls"):
        announce(group, "call", call.pk, call.version)


def give_up_stale(*, at: datetime) -> int:
    """End calls the PBX took an order for and never told anything about; return how many."""
    stale = Call.objects.filter(state=CallState.ASKED, started_at__lt=at - GIVEN_UP_AFTER).order_by("pk")
    ids = list(stale.values_list("pk", flat=True)[:100])
    for call_id in ids:
        fail_call(call_id=call_id, code="pbx_silent", at=at)
    return len(ids)

"""Answers already written that have not gone yet, and what a deadline makes of them.

A clock stops when an answer goes, not when it is written. One that can still be taken back counts from the press once
it has gone (as in the figures), so a deadline that comes in those seconds waits for it; one planned for later does not
put a deadline off, but those told of it are told of the answer too.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from core.jobs import schedule
from tickets.enums import ClockKind, HeldReason, HeldState, MessageKind, TicketStatus
from tickets.models import Attachment, HeldMessage, SlaClock
from tickets.services.clocks import BREACH, DUE_JOB

PATIENCE = timedelta(minutes=1)
"""So long after its time an answer that should have gone is still waited for."""
LOOK_AGAIN = timedelta(seconds=2)


def find_waiting_answer(clock: SlaClock) -> HeldMessage | None:
    """Return the next answer that will stop this clock when it goes; None when none waits."""
    rows = HeldMessage.objects.filter(ticket_id=clock.ticket_id, state=HeldState.HELD)
    if clock.kind == ClockKind.RESOLUTION:
        rows = rows.filter(then_status=TicketStatus.RESOLVED)
    else:
        files = Attachment.objects.filter(held=OuterRef("pk"))
        rows = rows.filter(~Q(source="") | Exists(files), kind=MessageKind.PUBLIC)
    return rows.order_by("due_at", "pk").first()


def wait_for_answer(clock: SlaClock, *, at: datetime) -> bool:
    """Put a breach off while an answer pressed in time can still be taken back; return whether it was put off.

    Whether it goes or is taken back, the breach is looked at again; written late, it still says when it happened.
    """
    held = find_waiting_answer(clock)
    if held is None or held.why != HeldReason.UNDO or clock.due_at is None or held.pressed_at > clock.due_at:
        return False
    if at >= held.due_at + PATIENCE:
        return False
    again = max(held.due_at, at) + LOOK_AGAIN
    payload = {"ticket_id": clock.ticket_id, "clock_id": clock.pk, "generation": clock.generation, "point": BREACH}
    key = f"{clock.pk}:{clock.generation}:{BREACH}:{held.pk}:{int(again.timestamp())}"
    schedule(DUE_JOB, key=key, due_at=again, payload=payload)
    return True

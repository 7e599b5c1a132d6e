"""What a clock does when its moment comes: warn, and at the deadline write the breach down and escalate."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.enums import Permission
from accounts.models import Membership, Staff
from accounts.selectors import staff_with
from accounts.services import notify
from core.actors import SYSTEM
from core.events import Code, record
from tickets.enums import BreachMove, Priority
from tickets.events import TicketChanged
from tickets.models import SlaClock, Ticket
from tickets.permissions import desk_url
from tickets.services.clocks import BREACH, fact_of, note_breach, owe_next
from tickets.services.locking import announce_ticket, dimensions, lock_ticket, not_before, save_ticket
from tickets.services.sla.terms import load_terms
from tickets.services.sla.waiting import find_waiting_answer, wait_for_answer
from tickets.services.work import assign_ticket

REASON = "sla_breached"
NEXT_PRIORITY = {Priority.LOW: Priority.NORMAL, Priority.NORMAL: Priority.HIGH, Priority.HIGH: Priority.URGENT}
MOST_TOLD = 20
MICROSECOND = timedelta(microseconds=1)


@transaction.atomic
def act_on_due(*, ticket_id: int, clock_id: int, generation: int, point: str, at: datetime) -> bool:
    """Warn or breach when the clock still is what the due row was owed for; return whether anything happened.

    A late, second or outdated row finds another generation, or its work done, and does nothing. A deadline that comes
    while an answer pressed in time can still be taken back is looked at again after it.
    """
    ticket = lock_ticket(ticket_id)
    clock = SlaClock.objects.select_related("policy").filter(pk=clock_id, ticket_id=ticket_id).first()
    if clock is None or clock.generation != generation or not clock.is_running or clock.due_at is None:
        return False
    clock.ticket = ticket
    is_over = point == BREACH or clock.due_at < at
    if is_over and clock.breached_at is None and wait_for_answer(clock, at=at):
        return False
    acted = _breach(clock) if is_over else _warn(clock, at)
    if acted:
        ticket.version += 1
        ticket.save(update_fields=["version"])
        announce_ticket(ticket)
    return acted


def _breach(clock: SlaClock) -> bool:
    """Write the breach down. That it is due the database has said: this machine's clock may be a little behind."""
    if clock.due_at is None or not note_breach(clock, clock.due_at + MICROSECOND):
        return False
    clock.save(update_fields=["breached_at"])
    return True


def _warn(clock: SlaClock, at: datetime) -> bool:
    """Tell the agent, or the team's supervisors when it is nobody's yet; the breach is owed next."""
    if clock.warned_at is not None or clock.warn_at is None:
        return False
    clock.warned_at = clock.warn_at
    clock.save(update_fields=["warned_at"])
    data = fact_of(clock, load_terms(clock.policy), clock.warn_at, was_kept=True)
    record("clock.warned", subject=clock, actor=SYSTEM, at=clock.warn_at, data=data)
    ticket = clock.ticket
    told = (
        [ticket.assignee_id] if ticket.assignee_id else supervisors_of(ticket) if clock.policy.breach_notifies else []
    )
    _tell(told, "ticket.clock_warned", clock, at)
    owe_next(clock)
    return True


@transaction.atomic
def escalate_breach(*, clock_id: int, at: datetime) -> None:
    """Do what the policy says about a missed deadline: tell people, raise the priority, move the ticket.

    When the answer came meanwhile, people are told and nothing else changes.
    """
    ticket_id = SlaClock.objects.filter(pk=clock_id).values_list("ticket_id", flat=True).first()
    if ticket_id is None:
        return
    ticket = lock_ticket(ticket_id)
    clock = SlaClock.objects.select_related("policy").get(pk=clock_id)
    clock.ticket, policy = ticket, clock.policy
    if ticket.is_spam or ticket.merged_into_id is not None:
        return
    told = set(supervisors_of(ticket)) if policy.breach_notifies else set()
    if ticket.assignee_id is not None:
        told.add(ticket.assignee_id)
    _tell(sorted(told), "ticket.clock_breached", clock, at)
    if not clock.is_open:
        return
    if policy.breach_raises_priority:
        _raise_priority(ticket, at)
    if policy.breach_move != BreachMove.KEEP:
        team_id = policy.breach_team_id if policy.breach_move == BreachMove.TEAM else None
        assign_ticket(ticket_id=ticket_id, assignee_id=None, team_id=team_id, actor=SYSTEM, at=at, reason=REASON)


def _raise_priority(ticket: Ticket, at: datetime) -> None:
    """Make a ticket one step more urgent; what was promised before does not change by that."""
    higher = NEXT_PRIORITY.get(Priority(ticket.priority))
    if higher is None:
        return
    ticket.priority = higher
    ticket.version += 1
    data = TicketChanged(**dimensions(ticket), fields=(Code("priority"),))
    record("ticket.changed", subject=ticket, actor=SYSTEM, at=not_before(ticket, at), reason=REASON, data=data)
    save_ticket(ticket)


def supervisors_of(ticket: Ticket) -> list[int]:
    """Return who is told about a ticket's deadlines: those who steer its team, else those who steer any."""
    people = staff_with(Permission.BOARD_MANAGE)
    steering = list(people.values_list("pk", flat=True)[:500])
    if ticket.team_id is not None:
        mine = Membership.objects.filter(team_id=ticket.team_id, staff_id__in=steering).values_list(
            "staff_id", flat=True
        )
        if found := sorted(set(mine)):
            return found[:MOST_TOLD]
    return sorted(Staff.objects.filter(pk__in=steering, is_active=True).values_list("pk", flat=True))[:MOST_TOLD]


def _tell(people: list[int], kind: str, clock: SlaClock, at: datetime) -> None:
    """Tell people of a deadline, and when an answer that waits to go will stop the clock."""
    if not people:
        return
    ticket = clock.ticket
    params: dict[str, Any] = {"ticket_id": ticket.pk, "number": ticket.number, "clock": str(clock.kind)}
    if clock.is_open and (waiting := find_waiting_answer(clock)):
        params["answer_at"] = waiting.due_at.isoformat()
    for staff_id in people:
        notify(staff_id=staff_id, kind=kind, params=params, url=desk_url(ticket.pk), at=at)

"""When an answer and a solution are due, by the policy in force."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.calendar import BusinessCalendar, DeadlineUnreachable, due, elapsed
from core.calendar.selectors import default_calendar, load_calendar
from tickets.models import SlaPolicy, Ticket

PLAIN = BusinessCalendar.around_the_clock("UTC")


def calendar_of(policy: SlaPolicy) -> BusinessCalendar:
    """Return the calendar a policy counts in; plain time has no closed hours."""
    if not policy.is_business_time:
        return PLAIN
    return load_calendar(policy.calendar_id) if policy.calendar_id else default_calendar()


def start_clocks(ticket: Ticket, policy: SlaPolicy | None) -> None:
    """Set both deadlines of a fresh ticket from its opening."""
    ticket.policy = policy
    if policy is None:
        return
    calendar = calendar_of(policy)
    ticket.first_response_due_at = _due(calendar, ticket.opened_at, policy.first_response_minutes)
    ticket.resolution_due_at = _due(calendar, ticket.opened_at, policy.resolution_minutes)


def shift_resolution(ticket: Ticket, paused_at: datetime, resumed_at: datetime) -> None:
    """Move the solution's deadline over a pause: what was left of the target when it began is left when it ends.

    A deadline passed before the pause stays where it is.
    """
    old, policy = ticket.resolution_due_at, ticket.policy
    if old is None or policy is None or old <= paused_at or resumed_at <= paused_at:
        return
    calendar = calendar_of(policy)
    left = elapsed(calendar, paused_at, old)
    try:
        ticket.resolution_due_at = due(calendar, resumed_at, left)
    except DeadlineUnreachable:
        ticket.resolution_due_at = None


def _due(calendar: BusinessCalendar, start: datetime, minutes: int) -> datetime | None:
    try:
        return due(calendar, start, timedelta(minutes=minutes))
    except DeadlineUnreachable:
        return None


def reprice_clocks(ticket: Ticket, policy: SlaPolicy) -> bool:
    """Set a running ticket's deadlines anew after its policy changed; return whether one moved.

    A first answer already given keeps its deadline. Time waited for the customer so far is added to the solution's.
    """
    calendar, before = calendar_of(policy), (ticket.first_response_due_at, ticket.resolution_due_at)
    if ticket.first_response_at is None:
        ticket.first_response_due_at = _due(calendar, ticket.opened_at, policy.first_response_minutes)
    solved_by = _due(calendar, ticket.opened_at, policy.resolution_minutes)
    if solved_by is not None and ticket.waiting_seconds:
        try:
            solved_by = due(calendar, solved_by, timedelta(seconds=ticket.waiting_seconds))
        except DeadlineUnreachable:
            solved_by = None
    ticket.resolution_due_at = solved_by
    return (ticket.first_response_due_at, ticket.resolution_due_at) != before

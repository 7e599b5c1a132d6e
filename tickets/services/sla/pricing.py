"""Deadlines of one clock: set from the start, moved over a pause."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.calendar import BusinessCalendar, DeadlineUnreachable, Pause, due, elapsed
from tickets.models import SlaClock
from tickets.services.sla.terms import Terms


def reach(
    calendar: BusinessCalendar, start: datetime, target: timedelta, pauses: Sequence[Pause] = ()
) -> datetime | None:
    """Return when so much time has passed, None when it never will."""
    try:
        return due(calendar, start, target, pauses)
    except DeadlineUnreachable:
        return None


def price(clock: SlaClock, terms: Terms, target: int, pauses: Sequence[Pause] = ()) -> None:
    """Set a clock's deadlines from its start by these terms, over the pauses that have ended."""
    stamp(clock, terms)
    clock.target = target
    clock.due_at = reach(terms.calendar, clock.started_at, timedelta(seconds=target), pauses)
    clock.warn_at = reach(terms.calendar, clock.started_at, terms.warning(target), pauses)


def stamp(clock: SlaClock, terms: Terms) -> None:
    """Write down by which terms a clock counts."""
    clock.policy, clock.policy_version = terms.policy, terms.policy.version
    clock.calendar_id, clock.calendar_version = terms.calendar_id, terms.calendar_version


def move_over_pause(clock: SlaClock, terms: Terms, paused_at: datetime, at: datetime) -> None:
    """Move both deadlines over a pause: what was left when it began is left when it ends."""
    clock.due_at = _moved(terms.calendar, clock.due_at, paused_at, at)
    clock.warn_at = _moved(terms.calendar, clock.warn_at, paused_at, at)


def _moved(calendar: BusinessCalendar, deadline: datetime | None, paused_at: datetime, at: datetime) -> datetime | None:
    if deadline is None or deadline <= paused_at or at <= paused_at:
        return deadline  # what had passed before the pause has passed
    return reach(calendar, at, elapsed(calendar, paused_at, deadline))


def counted(clock: SlaClock, calendar: BusinessCalendar, at: datetime) -> timedelta:
    """Return the policy's time used up to a moment the clock ran at; after a missed deadline all time counts."""
    if clock.due_at is None:
        return elapsed(calendar, clock.started_at, at)
    if clock.due_at >= at:
        return max(timedelta(), clock.length - elapsed(calendar, at, clock.due_at))
    return clock.length + elapsed(calendar, clock.due_at, at)

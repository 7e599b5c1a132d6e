"""Rules that wait for time to pass: one row and one due job per rule and ticket, never a scan.

Where a stretch of time began is read off the ticket itself, so it does not matter which event came by, or how often.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max, Q

from core.actors import ActorType
from core.jobs import cancel, schedule
from core.models import Event
from tickets.enums import TicketStatus
from tickets.models import Rule, RuleRun, RuleTimer, Ticket
from tickets.rule_enums import Trigger
from tickets.services.rules.hours import Hours

DUE_JOB = "tickets.rule_due"
DONE = frozenset({TicketStatus.RESOLVED, TicketStatus.CLOSED})
OPEN = frozenset({TicketStatus.NEW, TicketStatus.OPEN})


def since_of(trigger: str, ticket: Ticket) -> datetime | None:
    """Return since when a timed trigger's state has lasted, None when it does not hold."""
    if ticket.is_spam or ticket.merged_into_id is not None:
        return None
    if trigger == Trigger.WAITING:
        return ticket.waiting_since
    if trigger == Trigger.SOLVED:
        return ticket.resolved_at if ticket.status in DONE else None
    if trigger == Trigger.UNTOUCHED and ticket.status in OPEN:
        return _untouched_since(ticket)
    return None


def _untouched_since(ticket: Ticket) -> datetime:
    """Return when one of us last did something, or when the ticket became open, whichever is later."""
    became = Q(kind__in=["ticket.opened", "ticket.reopened"]) | Q(
        kind="ticket.status_changed", data__after=TicketStatus.OPEN.value
    )
    rows = Event.objects.filter(Q(actor_type=ActorType.STAFF) | became, ticket_id=ticket.pk)
    return rows.aggregate(last=Max("at"))["last"] or ticket.opened_at


def keep_timer(rule: Rule, ticket: Ticket, *, only_ahead_of: datetime | None = None) -> bool:
    """Let a timed rule wait at a locked ticket exactly while its state lasts; return whether a new wait began.

    The due job is caused by the event that began the wait, so that rules which bring each other about by waiting end
    too. A stretch the rule has acted on is not waited for again. With `only_ahead_of` a time that is over stays over.
    """
    version = rule.current
    since = since_of(rule.trigger, ticket) if rule.is_active else None
    timer = RuleTimer.objects.filter(rule=rule, ticket=ticket).first()
    if timer is not None:
        if version is not None and (timer.since, timer.number) == (since, version.number):
            return False
        drop_timer(timer)
    if since is None or version is None or RuleRun.objects.filter(rule=rule, ticket=ticket, since=since).exists():
        return False
    due_at = Hours().due_of(version, since)
    if due_at is None or (only_ahead_of is not None and due_at <= only_ahead_of):
        return False
    timer = RuleTimer.objects.create(rule=rule, number=version.number, ticket=ticket, since=since, due_at=due_at)
    began = Event.objects.filter(ticket_id=ticket.pk, at=since).order_by("-id").first()
    schedule(DUE_JOB, key=str(timer.pk), due_at=due_at, payload={"timer_id": timer.pk}, event=began)
    return True


def drop_timer(timer: RuleTimer) -> None:
    """Take a wait back; a job that has begun finds the row gone and does nothing."""
    cancel(DUE_JOB, str(timer.pk))
    timer.delete()

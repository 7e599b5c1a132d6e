"""Due work of the clocks, and what they do about news: thin leaves over tickets.services.sla."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from core.jobs import RunningJob, job, schedule
from core.models import Event
from core.reactions import reacts_to
from tickets.services.clocks import DUE_JOB
from tickets.services.sla.acting import act_on_due, escalate_breach
from tickets.services.sla.rebuilding import build_batch
from tickets.services.sla.repricing import REPRICE_JOB, owe_for_calendar, reprice_part

BUILD_JOB = "tickets.build_clocks"


@job(DUE_JOB)
def clock_due(*, job: RunningJob, ticket_id: int, clock_id: int, generation: int, point: str) -> None:
    """Warn, or write a missed deadline down, when the clock still is what this was owed for."""
    act_on_due(ticket_id=ticket_id, clock_id=clock_id, generation=generation, point=point, at=timezone.now())


@job(REPRICE_JOB, lease=timedelta(minutes=3))
def reprice_clocks(*, job: RunningJob, run_id: int, part: int, is_last: bool) -> None:
    """Set the clocks of some tickets by new terms, then owe the next ones."""
    reprice_part(run_id=run_id, part=part, is_last=is_last, at=timezone.now())


@job(BUILD_JOB, lease=timedelta(minutes=3))
def build_clocks(*, job: RunningJob, after: int) -> None:
    """Build the clocks of open tickets from before there were any, then owe the next ones."""
    now = timezone.now()
    further = build_batch(after=after, at=now)
    if further is not None:
        schedule(BUILD_JOB, key=f"after:{further}", due_at=now, payload={"after": further})


@reacts_to("clock.breached", name="tickets.escalate_breach")
def escalate(event: Event) -> None:
    """Do what the policy says about a missed deadline."""
    escalate_breach(clock_id=event.subject_id, at=timezone.now())


@reacts_to("calendar.changed", name="tickets.reprice_for_calendar")
def follow_calendar(event: Event) -> None:
    """Owe new deadlines to the clocks that count in a calendar that changed."""
    owe_for_calendar(calendar_id=event.subject_id, at=timezone.now())

"""Due work of promises, and what they do about others' news: thin leaves, one service call each."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.utils import timezone

from core.calendar.models import CalendarDefinition
from core.events import payload_of
from core.jobs import RunningJob, every_tick, job
from core.models import Event
from core.reactions import reacts_to
from orders.estimate_events import DelayExpected
from orders.services.promising.keeping import expect_delay
from orders.services.promising.passing import pass_due
from orders.services.promising.plans import PLAN_JOB, TELL_JOB, plan_part
from orders.services.promising.repricing import REPRICE_JOB, owe_for_calendar, reprice_part
from orders.services.promising.telling import tell_plan


@job(REPRICE_JOB)
def reprice(*, job: RunningJob, run_id: int, after: int) -> None:
    """Set some promises by new rules, then owe the next ones."""
    reprice_part(run_id=run_id, after=after, at=timezone.now())


@job(PLAN_JOB)
def apply_plan(*, job: RunningJob, plan_id: int, state: str, after: int) -> None:
    """Give some orders a plan's days, or take them back, then owe the next ones."""
    plan_part(plan_id=plan_id, state=state, after=after, at=timezone.now())


@job(TELL_JOB)
def tell_extension(*, job: RunningJob, plan_id: int, order_id: int) -> None:
    """Tell a customer ahead that her order comes later."""
    tell_plan(plan_id=plan_id, order_id=order_id, at=timezone.now())


@every_tick("orders.pass_promises", at_most_every=timedelta(seconds=10))
def pass_promises(now: datetime) -> None:
    """Write down which promises have passed, for a second or two."""
    end = time.monotonic() + 1.5
    while pass_due(at=now) and time.monotonic() < end:
        pass


@reacts_to("calendar.changed", name="orders.reprice_for_calendar")
def follow_calendar(event: Event) -> None:
    """Owe new promises when working days change that a rule counts in."""
    is_default = CalendarDefinition.objects.filter(pk=event.subject_id, is_default=True).exists()
    owe_for_calendar(calendar_id=event.subject_id, is_default=is_default, at=timezone.now())


def _is_likely(event: Event) -> bool:
    return event.data.get("level") == "likely"


@reacts_to("parcel.late_risk", name="orders.expect_delay", when=_is_likely)
def say_delay(event: Event) -> None:
    """Say once of an order that it will most likely be late."""
    risk = payload_of(event)
    told = DelayExpected(event.subject_id, risk.chance, risk.promised_at, risk.expected_at)
    if event.order_id is not None:
        expect_delay(order_id=event.order_id, data=told, at=timezone.now())

"""Jobs of phone calls: thin leaves over the services; loaded with calls_registrations."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from core.jobs import RetryLater, RunningJob, every_tick, job, periodic
from tickets.services.calls.applying import apply_message
from tickets.services.calls.dialing import DIAL_JOB, give_up_stale, send_order
from tickets.services.calls.receiving import APPLY_JOB, sweep_messages


@job(APPLY_JOB, backoff=(timedelta(seconds=1), timedelta(seconds=5)))
def apply_phone_event(*, job: RunningJob, event_id: int) -> None:
    """Apply one message of a PBX."""
    apply_message(event_id=event_id, at=timezone.now())


@job(DIAL_JOB, outside=True, max_attempts=12)
def dial(*, job: RunningJob, call_id: int, extension: str) -> None:
    """Ask the PBX to call; one that is away is asked again every few seconds for two minutes."""
    if send_order(call_id=call_id, extension=extension, at=timezone.now()):
        raise RetryLater("the PBX did not answer", timedelta(seconds=4))


@every_tick("tickets.give_up_dialling", at_most_every=timedelta(seconds=30))
def give_up_dialling(now: datetime) -> None:
    """End outgoing calls of which the PBX never told anything."""
    give_up_stale(at=now)


@periodic("tickets.sweep_phone_messages", every=timedelta(days=1), fill=False)
def sweep(*, period_start: datetime) -> None:
    """Delete raw messages of PBXs after a month."""
    sweep_messages(at=timezone.now())

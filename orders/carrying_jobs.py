"""Background work about carriers' providers: thin leaves, one service call each."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from core.jobs import RunningJob, every_tick, job, periodic
from core.models import Event
from core.reactions import reacts_to
from orders.services import carrying, ingesting
from orders.services.carrying.owing import ASK
from orders.services.carrying.pushes import APPLY


@reacts_to("parcel.created", "parcel.picked_up", "parcel.in_transit", name="orders.follow_parcel")
def follow_parcel(event: Event) -> None:
    """Begin to follow a parcel that appeared."""
    carrying.follow_parcels(parcel_id=event.subject_id, at=timezone.now())


@every_tick("orders.follow_parcels", at_most_every=timedelta(minutes=2))
def follow_parcels(now: datetime) -> None:
    """Follow what appeared without a reaction: imported, or before its carrier had an account."""
    carrying.follow_parcels(at=now)


@every_tick("orders.end_followed", at_most_every=timedelta(minutes=10))
def end_followed(now: datetime) -> None:
    """End what arrived by another door."""
    carrying.end_arrived(at=now)


@every_tick("orders.owe_asking", at_most_every=timedelta(seconds=5))
def owe_asking(now: datetime) -> None:
    """Owe the asking for numbers whose time has come, and the pushes nobody applied."""
    carrying.owe_due_asking(now=now)
    carrying.owe_left_pushes(now=now)


@job(ASK, outside=True, lease=timedelta(minutes=2))
def ask_carrier(*, job: RunningJob, account_id: int) -> None:
    """Ask one account for what is due, for some seconds."""
    carrying.ask_due(account_id=account_id)


@job(APPLY, outside=True, max_attempts=6)
def apply_carrier_pushes(*, job: RunningJob) -> None:
    """Apply what providers pushed; what is left after some seconds is the next job's."""
    if ingesting.apply_pushes(at=timezone.now()):
        carrying.owe_pushes(at=timezone.now())


@every_tick("orders.wake_pushes", at_most_every=timedelta(seconds=30))
def wake_pushes(now: datetime) -> None:
    """Let pushes be applied whose parcel came after them; what waited for a week is refused."""
    if ingesting.wake_waiting():
        carrying.owe_pushes(at=now)
    ingesting.give_up_waiting(at=now)


@periodic("orders.sweep_pushes", every=timedelta(days=1), fill=False)
def sweep_pushes(*, period_start: datetime) -> None:
    """Delete pushes and ended numbers after a month."""
    carrying.sweep_pushes(at=timezone.now())
    carrying.sweep_ended(at=timezone.now())

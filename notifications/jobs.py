"""Background work: send, keep tidy, forget in time."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from core.jobs import RunningJob, every_tick, job, periodic
from notifications.services import gateway, inbound, keeping, polling, receipts, sending

SEND_ATTEMPTS = 10
SEND_BACKOFF = tuple(timedelta(seconds=n) for n in (5, 30, 120, 600, 1800, 3600, 7200, 14400, 14400))


@job("notifications.send_delivery", outside=True, max_attempts=SEND_ATTEMPTS, backoff=SEND_BACKOFF)
def send_delivery(*, job: RunningJob, delivery_id: int) -> None:
    """Send one message; a transient refusal is tried again for about half a day."""
    sending.send_delivery(delivery_id=delivery_id, is_last_try=job.attempts >= SEND_ATTEMPTS)


@every_tick("notifications.owe_polls", at_most_every=timedelta(seconds=5))
def owe_polls(now: datetime) -> None:
    """Owe a look into every mailbox whose mail is fetched and whose time has come."""
    polling.owe_due_polls(now=now)


@job(polling.POLL, outside=True, lease=timedelta(minutes=3))
def poll_mailbox(*, job: RunningJob, mailbox_id: int) -> None:
    """Fetch what is new in one mailbox."""
    polling.poll_mailbox(mailbox_id=mailbox_id, at=timezone.now())


@every_tick("notifications.give_up_lost", at_most_every=timedelta(minutes=10))
def give_up_lost(now: datetime) -> None:
    """Fail messages whose worker died every time."""
    sending.give_up_lost_deliveries(now=now)


@every_tick("notifications.quarantine_untaken", at_most_every=timedelta(minutes=30))
def quarantine_untaken(now: datetime) -> None:
    """Show a person the mail that nothing took."""
    inbound.quarantine_untaken(now=now)


@periodic("notifications.sweep_raw_mail", every=timedelta(hours=1), fill=False, outside=True)
def sweep_raw_mail(*, period_start: datetime) -> None:
    """Delete files that no row speaks of."""
    keeping.sweep_orphans(now=timezone.now())


@periodic("notifications.forget_old_mail", every=timedelta(days=1), fill=False, outside=True)
def forget_old_mail(*, period_start: datetime) -> None:
    """Delete raw mail and message texts past their time."""
    keeping.forget_old(now=timezone.now())


@every_tick("notifications.match_receipts", at_most_every=timedelta(seconds=20))
def match_receipts(now: datetime) -> None:
    """Apply receipts that were faster than what they are about."""
    receipts.match_waiting_receipts(now=now)


@job(gateway.RECEIPT, outside=True)
def trial_receipt(*, job: RunningJob, note_id: int) -> None:
    """Report a text message the trial's stand-in took."""
    gateway.report_note(note_id=note_id, at=timezone.now())

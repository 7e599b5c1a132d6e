"""Background work of outgoing webhooks: read the log, send what is due, forget in time."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from core.jobs import RunningJob, every_tick, job, periodic
from notifications.services import webhook_feed, webhook_sending


@every_tick("notifications.webhooks")
def feed_and_owe(now: datetime) -> None:
    """Queue what happened, and owe the sending of what is due."""
    webhook_feed.feed_webhooks(at=now)
    webhook_sending.owe_due_webhooks(now=timezone.now())


@job(webhook_sending.SEND, outside=True, lease=timedelta(seconds=60))
def send_webhooks(*, job: RunningJob, webhook_id: int, wave: int) -> None:
    """Send what is due for one subscription; each message carries its own idempotency key."""
    webhook_sending.send_webhooks(webhook_id=webhook_id, wave=wave)


@periodic("notifications.forget_webhook_messages", every=timedelta(hours=6), fill=False)
def forget_webhook_messages(*, period_start: datetime) -> None:
    """Delete messages older than a month."""
    webhook_feed.forget_webhook_messages(at=timezone.now())

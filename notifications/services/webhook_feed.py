"""Turn events into messages of outgoing webhooks: each event once for each subscription, by reading the log.

The log is read in closed windows of transaction ids as folds read it (core.folds): no event can appear later below the
place that was read, and none is read twice. Writing an event costs nothing more for it, and a history that was
imported or made up for the demo is told to nobody.
"""

from __future__ import annotations

import logging
import secrets
import time
from datetime import datetime, timedelta

from django.db import connection, transaction

from core.folds import horizon
from core.models import Event, Origin
from notifications.models import WebhookFeed, WebhookSent
from notifications.selectors.webhooks import Hearing, hearing_webhooks
from notifications.webhook_kinds import WEBHOOK_KINDS, bodies_of

logger = logging.getLogger(__name__)
CHUNK = 500
BUDGET = 2.0


def feed_webhooks(*, at: datetime) -> int:
    """Queue the messages of what was recorded since the last time; returns how many. Of two at once one leaves."""
    begun, made, goes_on = time.monotonic(), 0, True
    while goes_on and time.monotonic() - begun < BUDGET:
        count, goes_on = _feed_chunk(at)
        made += count
    return made


@transaction.atomic
def _feed_chunk(at: datetime) -> tuple[int, bool]:
    """Take a chunk of the window; returns how many messages were queued, and whether there is more of it."""
    with connection.cursor() as cursor:
        x1 = horizon(cursor)
    feed = WebhookFeed.objects.select_for_update(skip_locked=True).filter(pk=1).first()
    if feed is None:
        _begin(x1)
        return 0, False
    if feed.upto > x1:
        if _is_ahead_of_everything(feed.upto):  # a database brought back from a copy: its ids began anew
            _close(feed, x1)
        return 0, False
    hearing = hearing_webhooks()
    end = feed.window_end if feed.window_end is not None else x1
    if not hearing or end == feed.upto:
        if end != feed.upto or feed.window_end is not None:
            _close(feed, end)
        return 0, False
    kinds = sorted(frozenset[str]().union(*(one.kinds for one in hearing)) & WEBHOOK_KINDS.keys())
    events = _events(feed, end, kinds)
    made = _queue(events, hearing, at)
    if len(events) < CHUNK:
        _close(feed, end)
        return made, False
    feed.window_end, feed.last_id = end, events[-1].pk
    feed.save(update_fields=["window_end", "last_id"])
    return made, True


def _begin(x1: int) -> None:
    """Begin with the present: nothing that was recorded before the product knew webhooks is told."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO notifications_webhook_feed (id, upto, last_id) VALUES (1, %s, 0) ON CONFLICT DO NOTHING", [x1]
        )


def _is_ahead_of_everything(upto: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::numeric::bigint")
        return int(cursor.fetchone()[0]) < upto


def _close(feed: WebhookFeed, end: int) -> None:
    feed.upto, feed.window_end, feed.last_id = end, None, 0
    feed.save(update_fields=["upto", "window_end", "last_id"])


def _events(feed: WebhookFeed, end: int, kinds: list[str]) -> list[Event]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM core_event WHERE xid >= %s::text::xid8 AND xid < %s::text::xid8 AND id > %s"
            " AND origin = %s AND kind = ANY(%s) ORDER BY id LIMIT %s",
            [str(feed.upto), str(end), feed.last_id, Origin.LIVE, kinds, CHUNK],
        )
        ids = [row[0] for row in cursor.fetchall()]
    return list(Event.objects.filter(pk__in=ids).order_by("pk")) if ids else []


def _queue(events: list[Event], hearing: list[Hearing], at: datetime) -> int:
    wanted = [
        (one, event) for event in events for one in hearing if one.wants(event.kind, event.shop_id, event.recorded_at)
    ]
    bodies = bodies_of({event.pk: event for _one, event in wanted}.values())
    rows = [
        WebhookSent(
            webhook_id=one.webhook_id, message_id=new_message_id(), event_id=event.pk, kind=event.kind,
            body=bodies[event.pk], next_try_at=at, queued_at=at,
        )
        for one, event in wanted
        if event.pk in bodies
    ]  # fmt: skip
    WebhookSent.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
    return len(rows)


def new_message_id() -> str:
    """Return a message id nobody can guess: the receiver's idempotency key."""
    return f"msg_{secrets.token_hex(16)}"


@transaction.atomic
def forget_webhook_messages(*, at: datetime, keep: timedelta = timedelta(days=30), most: int = 20_000) -> int:
    """Delete messages older than a month with their tries, a bounded number at a time; return how many messages."""
    old = WebhookSent.objects.filter(queued_at__lt=at - keep).exclude(state="queued").order_by("queued_at")
    ids = list(old.values_list("pk", flat=True)[:most])
    WebhookSent.objects.filter(pk__in=ids).delete()
    return len(ids)

"""Who else is looking at a ticket or typing: a key per ticket in Valkey that forgets by itself.

Light on purpose: without the bus nobody is shown, nothing else changes. Not an event, not in the database.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

import redis
from django.conf import settings

from accounts.models import Staff
from core.live.announce import channel, frame, publish

logger = logging.getLogger(__name__)
SECONDS = 45
TYPING_SECONDS = 8
_local = threading.local()
_down_until = 0.0


@dataclass(frozen=True)
class Viewer:
    """A colleague at the same ticket."""

    staff_id: int
    name: str
    is_typing: bool


def _client() -> Any:
    client = getattr(_local, "client", None)
    if client is None:
        client = _local.client = redis.Redis.from_url(
            settings.LAYER_URL, socket_timeout=0.3, socket_connect_timeout=0.3
        )
    return client


def _key(ticket_id: int) -> str:
    return f"{settings.REDIS_PREFIX}:here:{ticket_id}"


def _ask(use: Any, default: Any) -> Any:
    """Run one command; when the bus is away, give the default and leave it alone for a few seconds."""
    global _down_until
    if time.monotonic() < _down_until:
        return default
    try:
        return use(_client())
    except redis.RedisError as error:
        _local.client = None
        _down_until = time.monotonic() + 5
        logger.warning("tickets.presence_unavailable error=%s", type(error).__name__)
        return default


def arrive(*, ticket_id: int, staff: Staff) -> list[Viewer]:
    """Say that this person opens the ticket, tell the others, and return who they are: one round trip."""
    key, now = _key(ticket_id), int(time.time())

    def write(client: Any) -> dict[bytes, bytes]:
        pipe = client.pipeline(transaction=False)
        pipe.hgetall(key)
        pipe.hset(key, str(staff.pk), json.dumps([staff.display_name, now, False]))
        pipe.expire(key, SECONDS * 2)
        pipe.publish(channel(), frame(f"viewers.{ticket_id}", "viewers", ticket_id))
        return pipe.execute()[0]  # type: ignore[no-any-return]

    return _others(_ask(write, {}), staff)


def mark_here(*, ticket_id: int, staff: Staff, is_typing: bool) -> None:
    """Say that this person still has the ticket open (and types); others hear of a change at once."""
    key, entry = _key(ticket_id), json.dumps([staff.display_name, int(time.time()), is_typing])

    def write(client: Any) -> tuple[bytes | None, Any, Any]:
        pipe = client.pipeline(transaction=False)
        pipe.hget(key, str(staff.pk))
        pipe.hset(key, str(staff.pk), entry)
        pipe.expire(key, SECONDS * 2)
        return tuple(pipe.execute())  # type: ignore[return-value]

    before = _ask(write, None)
    if before is None:
        return
    was = _read(before[0])
    if was is None or was[2] != is_typing or time.time() - was[1] > SECONDS:
        publish(f"viewers.{ticket_id}", "viewers", ticket_id)


def mark_gone(*, ticket_id: int, staff: Staff) -> None:
    """Say that this person left the ticket."""
    if _ask(lambda client: client.hdel(_key(ticket_id), str(staff.pk)), 0):
        publish(f"viewers.{ticket_id}", "viewers", ticket_id)


def others_here(*, ticket_id: int, staff: Staff) -> list[Viewer]:
    """Return the colleagues who have the ticket open now, those who type first."""
    return _others(_ask(lambda client: client.hgetall(_key(ticket_id)), {}), staff)


def _others(found: dict[bytes, bytes], staff: Staff) -> list[Viewer]:
    now, viewers = time.time(), []
    for raw_id, raw in found.items():
        entry = _read(raw)
        if entry is None or int(raw_id) == staff.pk or now - entry[1] > SECONDS:
            continue
        viewers.append(Viewer(int(raw_id), str(entry[0]), bool(entry[2]) and now - entry[1] <= TYPING_SECONDS * 3))
    return sorted(viewers, key=lambda viewer: (not viewer.is_typing, viewer.name))


def _read(raw: bytes | None) -> list[Any] | None:
    try:
        entry = json.loads(raw) if raw else None
    except ValueError:
        return None
    return entry if isinstance(entry, list) and len(entry) == 3 else None

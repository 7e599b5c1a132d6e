"""Publish hints to Valkey, after commit, never failing the request."""

from __future__ import annotations

import json
import logging
import threading
from typing import Any

import redis
from django.conf import settings
from django.db import transaction

logger = logging.getLogger(__name__)
_local = threading.local()


def channel() -> str:
    """Return the name of the one pub/sub channel all processes share."""
    return f"{settings.REDIS_PREFIX}:live"


def frame(group: str, type: str, id: int, version: int = 0) -> str:
    """Return a hint as it travels."""
    return json.dumps({"group": group, "event": type, "id": id, "version": version}, separators=(",", ":"))


def announce(group: str, type: str, id: int, version: int = 0) -> None:
    """After commit, tell the sockets in `group` that `type` with `id` is now at `version`."""
    transaction.on_commit(lambda: publish(group, type, id, version), robust=True)


def publish(group: str, type: str, id: int, version: int = 0) -> bool:
    """Send a hint now; return whether the bus took it."""
    hint = frame(group, type, id, version)
    for attempt in (
        1,
        2,
    ):  # the first try after a restart of the bus meets a stale pooled connection
        try:
            _client().publish(channel(), hint)
            return True
        except redis.RedisError as error:
            _local.client = None
            if attempt == 2:
                logger.warning("live.publish_failed error=%s", type_name(error))
    return False


def type_name(error: Exception) -> str:
    """Return an exception's class name for a log line."""
    return error.__class__.__name__


def _client() -> Any:
    client = getattr(_local, "client", None)
    if client is None:
        client = redis.Redis.from_url(settings.LAYER_URL, socket_timeout=1, socket_connect_timeout=1)
        _local.client = client
    return client

"""An atomic limiter in Postgres: it counts right under parallel requests and survives a restart of the bus."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from django.db import connection

from core.crypto import blind_index
from core.errors import RateLimited


def hit(scope: str, key: str, *, period: timedelta) -> int:
    """Count one hit of `key` in the present window and return the count so far. The key is stored as a digest."""
    start = datetime.fromtimestamp(int(time.time() // period.total_seconds() * period.total_seconds()), tz=UTC)
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO core_rate_counter (scope, key_hash, window_start, hits, expires_at)
               VALUES (%s, %s, %s, 1, %s)
               ON CONFLICT (scope, key_hash, window_start) DO UPDATE SET hits = core_rate_counter.hits + 1
               RETURNING hits""",
            [scope, blind_index(key, f"rate.{scope}"), start, start + period],
        )
        return int(cursor.fetchone()[0])


def check(scope: str, key: str, *, limit: int, period: timedelta) -> None:
    """Count one hit and raise RateLimited (with seconds to wait) past `limit` in the window.

    Call it outside a transaction that may roll back, or the hit rolls back too.
    """
    if hit(scope, key, period=period) > limit:
        seconds = period.total_seconds()
        raise RateLimited(retry_after=max(1, int(seconds - time.time() % seconds)))


def peek(scope: str, key: str, *, period: timedelta) -> int:
    """Return the hits of the present window without counting one."""
    start = datetime.fromtimestamp(int(time.time() // period.total_seconds() * period.total_seconds()), tz=UTC)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT hits FROM core_rate_counter WHERE scope = %s AND key_hash = %s AND window_start = %s",
            [scope, blind_index(key, f"rate.{scope}"), start],
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def forget(scope: str, key: str) -> None:
    """Clear a key's counters (after a successful sign-in, say)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM core_rate_counter WHERE scope = %s AND key_hash = %s",
            [scope, blind_index(key, f"rate.{scope}")],
        )


def refund(scope: str, key: str, *, period: timedelta) -> None:
    """Take back one hit of the present window (an attempt that turned out right); earlier hits stay counted."""
    start = datetime.fromtimestamp(int(time.time() // period.total_seconds() * period.total_seconds()), tz=UTC)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_rate_counter SET hits = hits - 1"
            " WHERE scope = %s AND key_hash = %s AND window_start = %s AND hits > 0",
            [scope, blind_index(key, f"rate.{scope}"), start],
        )

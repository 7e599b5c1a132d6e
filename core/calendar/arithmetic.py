"""Business time between two instants, and the instant at which so much of it has passed."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta

from core.calendar.business import (
    CHUNK,
    DAY,
    MICROSECOND,
    BusinessCalendar,
    to_datetime,
    to_microseconds,
)

Pause = tuple[datetime, datetime | None]  # from, until; None = still going on

HORIZON = 10 * 366 * DAY
FOREVER = 2**62


class DeadlineUnreachable(ValueError):
    """No instant within ten years reaches the target; `why` is "closed" (never open) or "paused" (no end yet)."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def elapsed(
    calendar: BusinessCalendar,
    start: datetime,
    end: datetime,
    pauses: Sequence[Pause] = (),
) -> timedelta:
    """Return the business time from start to end outside the pauses, exact to the microsecond.

    Additive: elapsed(a, b) + elapsed(b, c) = elapsed(a, c). Raises ValueError when end is before start.
    """
    begin, finish = to_microseconds(start), to_microseconds(end)
    if finish < begin:
        raise ValueError("end is before start")
    total = _between(calendar, begin, finish)
    for paused, resumed in merge_pauses(pauses):
        paused, resumed = max(paused, begin), min(resumed, finish)
        if paused < resumed:
            total -= _between(calendar, paused, resumed)
    return total * MICROSECOND


def due(
    calendar: BusinessCalendar,
    start: datetime,
    target: timedelta,
    pauses: Sequence[Pause] = (),
) -> datetime:
    """Return the earliest instant, in UTC, at which `target` business time has passed since start.

    A target that fills a window exactly is due when the window closes, not when the next one opens; zero is due
    at once. Raises DeadlineUnreachable, and ValueError for a negative target.
    """
    remaining = target // MICROSECOND
    if remaining < 0:
        raise ValueError("a target is not negative")
    at = to_microseconds(start)
    horizon = at + HORIZON
    if remaining == 0:
        return to_datetime(at)
    for paused, resumed in merge_pauses(pauses):
        if resumed <= at:
            continue
        if paused > at:
            stretch = _between(calendar, at, min(paused, horizon))
            if stretch >= remaining:
                break
            remaining -= stretch
        if resumed >= FOREVER:
            raise DeadlineUnreachable("paused")
        at = resumed
    return to_datetime(_reach(calendar, at, remaining, max(horizon, at + HORIZON // 10)))


def merge_pauses(pauses: Sequence[Pause]) -> list[tuple[int, int]]:
    """Return the pauses in order, overlapping ones joined, empty ones dropped, an open end as FOREVER."""
    if not pauses:
        return []
    spans = sorted((to_microseconds(a), FOREVER if b is None else to_microseconds(b)) for a, b in pauses)
    merged: list[tuple[int, int]] = []
    for begin, end in spans:
        if end <= begin:
            continue
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


def _within(calendar: BusinessCalendar, at: int) -> int:
    """Return the business microseconds of the chunk that holds `at`, up to `at`."""
    chunk = calendar.chunk(at // CHUNK)
    index = bisect_right(chunk.starts, at) - 1
    if index < 0:
        return 0
    return chunk.before[index] + min(at, chunk.ends[index]) - chunk.starts[index]


def _between(calendar: BusinessCalendar, begin: int, end: int) -> int:
    total = _within(calendar, end) - _within(calendar, begin)
    for index in range(begin // CHUNK, end // CHUNK):
        total += calendar.chunk(index).total
    return total


def _reach(calendar: BusinessCalendar, at: int, remaining: int, horizon: int) -> int:
    index = at // CHUNK
    remaining += _within(calendar, at)
    while index * CHUNK <= horizon:
        chunk = calendar.chunk(index)
        if remaining <= chunk.total:
            found = bisect_left(chunk.after, remaining)
            return chunk.starts[found] + remaining - chunk.before[found]
        remaining -= chunk.total
        index += 1
    raise DeadlineUnreachable("closed")

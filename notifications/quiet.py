"""Quiet hours: pure arithmetic on the wall clock of a place."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def zone_named(name: str) -> ZoneInfo:
    """Return a time zone, UTC when there is none of this name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def end_of_quiet(moment: datetime, zone: str, begins: time, ends: time) -> datetime | None:
    """Return when the quiet hours a moment lies in end, None when it lies outside; equal times mean none at all.

    A wall time the clock skips in spring is the moment after the gap; one it shows twice in autumn ends the first time,
    or the second time for a moment past the first.
    """
    place = zone_named(zone)
    local = moment.astimezone(place)
    now = local.time()
    if begins < ends:
        is_inside, day = begins <= now < ends, local.date()
    elif begins > ends:
        is_inside = now >= begins or now < ends
        day = local.date() + timedelta(days=1) if now >= begins else local.date()
    else:
        return None
    if not is_inside:
        return None
    end = datetime.combine(day, ends, place).astimezone(UTC)
    return end if end > moment else datetime.combine(day, ends, place).replace(fold=1).astimezone(UTC)

"""The periods plans draw: whole days of the business time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings


def local_day(at: datetime) -> date:
    """Return the day of a moment in the business time zone."""
    return at.astimezone(ZoneInfo(settings.BUSINESS_TIME_ZONE)).date()


def period_start(kind: str, day: date) -> date:
    """Return the first day of the day, week (from Monday) or month a day lies in."""
    if kind == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if kind == "week" else day


def period_end(kind: str, start: date) -> date:
    """Return the first day after a period."""
    if kind == "month":
        return (start.replace(day=1) + timedelta(days=32)).replace(day=1)
    return start + timedelta(days=7 if kind == "week" else 1)


def midnight(day: date) -> datetime:
    """Return the moment a day begins."""
    return datetime.combine(day, time(), ZoneInfo(settings.BUSINESS_TIME_ZONE)).astimezone(UTC)

"""Periods of the business time zone: a day, a week from Monday, a month; and the one before."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

EARLIEST, LATEST = date(2000, 1, 1), date(2200, 1, 1)


@dataclass(frozen=True)
class Period:
    """Whole days from `first` to `last`, both included; `span` is day, week or month."""

    span: str
    first: date
    last: date

    @property
    def previous(self) -> Period:
        """Return the same kind of period just before."""
        return period_of(self.span, self.first - timedelta(days=1))

    @property
    def following(self) -> Period:
        """Return the same kind of period just after."""
        return period_of(self.span, self.last + timedelta(days=1))


def today(now: datetime) -> date:
    """Return the calendar day of the business zone."""
    return now.astimezone(ZoneInfo(settings.BUSINESS_TIME_ZONE)).date()


def period_of(span: str, day: date) -> Period:
    """Return the period of that kind a day lies in; an unknown kind is a day."""
    day = min(max(day, EARLIEST), LATEST)
    if span == "week":
        first = day - timedelta(days=day.weekday())
        return Period("week", first, first + timedelta(days=6))
    if span == "month":
        return Period("month", day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1]))
    return Period("day", day, day)


def parse_day(text: str, default: date) -> date:
    """Read YYYY-MM-DD; anything else is the default."""
    try:
        return min(max(date.fromisoformat(text[:10]), EARLIEST), LATEST)
    except ValueError:
        return default

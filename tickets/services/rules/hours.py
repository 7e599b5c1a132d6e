"""Business hours as rules use them."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.calendar import BusinessCalendar, DeadlineUnreachable, due
from core.calendar.selectors import calendar_rows, calendar_value, plain_default
from tickets.models import RuleVersion


def calendar_for(calendar_id: int | None) -> BusinessCalendar:
    """Return a calendar, the company's own without one or when it is gone."""
    rows = calendar_rows([calendar_id] if calendar_id else [], with_default=True)
    row = next((one for one in rows if one.pk == calendar_id), None)
    row = row or next((one for one in rows if one.is_default), None)
    return calendar_value(row) if row else plain_default()


class Hours:
    """Calendars read once, for many questions."""

    def __init__(self) -> None:
        self._known: dict[int | None, BusinessCalendar] = {}

    def calendar(self, calendar_id: int | None) -> BusinessCalendar:
        """Return a calendar as calendar_for does."""
        if calendar_id not in self._known:
            self._known[calendar_id] = calendar_for(calendar_id)
        return self._known[calendar_id]

    def due_of(self, version: RuleVersion, since: datetime) -> datetime | None:
        """Return when a timed rule's time is over, None when its calendar never gets there."""
        length = timedelta(minutes=version.after_minutes or 0)
        if not version.is_business_time:
            return since + length
        try:
            return due(self.calendar(version.calendar_id), since, length)
        except DeadlineUnreachable:
            return None

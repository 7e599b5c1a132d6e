"""Make calendars in few words."""

from datetime import UTC, datetime
from typing import Any

from core.actors import SYSTEM
from core.calendar.models import CalendarDefinition
from core.calendar.services import CalendarInput, save_calendar

OFFICE_DAY = [["09:00", "12:00"], ["13:30", "18:00"]]
OFFICE_WEEK = [OFFICE_DAY] * 5 + [[], []]
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


def make_calendar(*, at: datetime = NOW, actor: Any = SYSTEM, **values: Any) -> CalendarDefinition:
    """Return a saved calendar, by default Monday to Friday office hours in Shanghai without holidays."""
    given = {"name": "客服一组", "timezone": "Asia/Shanghai", "weekly": OFFICE_WEEK, **values}
    return save_calendar(values=CalendarInput(**given), actor=actor, at=at)

"""Who runs clocks on calendars says here what new hours would do to them, before they are saved."""

from collections.abc import Callable
from datetime import datetime

from core.calendar.business import BusinessCalendar

# (id of the calendar or None for a new one, its new value, whether it would be the default one, now) -> safe HTML
Impact = Callable[[int | None, BusinessCalendar, bool, datetime], str]
IMPACTS: dict[str, Impact] = {}


def register_impact(app: str, impact: Impact) -> None:
    """Have the preview of a calendar also say what this app's clocks would do."""
    IMPACTS[app] = impact


def impacts_of(calendar_id: int | None, value: BusinessCalendar, *, is_default: bool, at: datetime) -> list[str]:
    """Return what every app says about new hours, as safe HTML."""
    return [impact(calendar_id, value, is_default, at) for impact in IMPACTS.values()]

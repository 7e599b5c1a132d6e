"""What the event log hears about calendars."""

from dataclasses import dataclass

from core.events import Code, declare


@dataclass(frozen=True)
class CalendarChanged:
    """A change that can move deadlines; whoever runs a clock on this calendar reprices it."""

    version: int
    what: Code  # made, hours, exception_added, exception_removed, holidays


CALENDAR_CHANGED = declare("calendar.changed", CalendarChanged).name

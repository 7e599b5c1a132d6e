"""Business calendar: how much working time lies between two instants, and when a deadline is due.

Pure values and functions here; definitions edited by people live in `core.calendar.models` and are loaded by
`core.calendar.selectors.load_calendar`.
"""

from core.calendar.arithmetic import DeadlineUnreachable, Pause, due, elapsed
from core.calendar.business import (
    ALL_DAY,
    BadWindow,
    BusinessCalendar,
    DayKind,
    DayRule,
    Name,
    Window,
    parse_windows,
)
from core.calendar.explaining import Explanation, Step, StepKind, explain
from core.calendar.words import in_words, lines_of

__all__ = [
    "ALL_DAY",
    "BadWindow",
    "BusinessCalendar",
    "DayKind",
    "DayRule",
    "DeadlineUnreachable",
    "Explanation",
    "Name",
    "Pause",
    "Step",
    "StepKind",
    "Window",
    "due",
    "elapsed",
    "explain",
    "in_words",
    "lines_of",
    "parse_windows",
]

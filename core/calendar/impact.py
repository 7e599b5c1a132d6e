"""Who runs clocks on calendars says here what new hours would do to them, before they are saved.

A change is rehearsed: made by the service that will make it, looked at, and taken back. So no preview can differ from
what is then saved, whichever page it comes from.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.safestring import SafeString

from core.calendar.business import BusinessCalendar
from core.calendar.models import CalendarDefinition
from core.calendar.selectors import build_calendar


@dataclass(frozen=True)
class NewHours:
    """A calendar as it would be; the id of a new one is not kept by anything yet."""

    calendar_id: int
    value: BusinessCalendar
    is_default: bool


@dataclass(frozen=True)
class Effect:
    """What new hours would do to one app's clocks: in words, and how many deadlines would move."""

    html: SafeString
    moved: int


Impact = Callable[[Sequence[NewHours], datetime], Effect]
IMPACTS: dict[str, Impact] = {}


def register_impact(app: str, impact: Impact) -> None:
    """Have the preview of calendars also say what this app's clocks would do."""
    IMPACTS[app] = impact


def effects_of(changes: Sequence[NewHours], *, at: datetime) -> list[Effect]:
    """Return what every app says about new hours."""
    return [impact(changes, at) for impact in IMPACTS.values()]


def rehearse_change(change: Callable[[], object]) -> list[NewHours]:
    """Make a change, return the calendars it would leave otherwise, and take it back. Raises what the change raises.

    Locks are held for the change alone; what it would do to clocks is worked out afterwards.
    """
    with transaction.atomic():
        before = dict(CalendarDefinition.objects.values_list("pk", "version"))
        change()
        rows = [row for row in CalendarDefinition.objects.order_by("pk") if before.get(row.pk) != row.version]
        found = [NewHours(row.pk, build_calendar(row), row.is_default) for row in rows]
        transaction.set_rollback(True)
    return found

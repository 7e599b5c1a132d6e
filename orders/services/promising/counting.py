"""The arithmetic of a promise: pure, by days on the wall calendar, every step written down as a code with values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.calendar import BusinessCalendar

END_OF_DAY = time(23, 59, 59)
FURTHEST = 400
ONE_DAY = timedelta(days=1)
type Step = dict[str, Any]


class NeverReached(ValueError):
    """The calendar has not so many working days within a year."""


@dataclass(frozen=True)
class Terms:
    """What a rule promises. `calendar` gives working days; the wall clock is that of `zone`."""

    zone: ZoneInfo
    calendar: BusinessCalendar
    cut_off: time | None
    dispatch_days: int
    is_dispatch_working: bool
    transit_days: int
    is_transit_working: bool


@dataclass(frozen=True)
class Counted:
    """A promise and how it came about."""

    at: datetime
    steps: list[Step]


def count_promise(terms: Terms, placed_at: datetime) -> Counted:
    """Return the end of the promised day. Raises NeverReached.

    An order placed after the cut-off counts as of the next day; with dispatch in working days, its first day is one.
    """
    local = placed_at.astimezone(terms.zone)
    day = local.date()
    steps: list[Step] = [{"code": "placed", "at": placed_at.isoformat()}]
    if terms.cut_off is not None and local.time() >= terms.cut_off:
        day += ONE_DAY
        steps.append({"code": "after_cut_off", "cut_off": f"{terms.cut_off:%H:%M}", "day": day.isoformat()})
    if terms.is_dispatch_working and terms.dispatch_days:
        day, skipped = _working_from(terms.calendar, day)
        if skipped:
            steps.append({"code": "first_working_day", "day": day.isoformat(), "skipped": skipped})
    for code, days, is_working in (
        ("dispatch", terms.dispatch_days, terms.is_dispatch_working),
        ("transit", terms.transit_days, terms.is_transit_working),
    ):
        if days:
            day, skipped = add_days(terms.calendar, day, days, is_working=is_working)
            steps.append(
                {"code": code, "days": days, "working": is_working, "day": day.isoformat(), "skipped": skipped}
            )
    at = datetime.combine(day, END_OF_DAY, terms.zone)
    return Counted(at, steps)


def add_days(calendar: BusinessCalendar, day: date, days: int, *, is_working: bool) -> tuple[date, list[Step]]:
    """Return the day so many days on, and the days off that were passed over. Raises NeverReached."""
    if not is_working:
        return day + days * ONE_DAY, []
    skipped: list[Step] = []
    for _each in range(days):
        day, more = _working_from(calendar, day + ONE_DAY)
        skipped += more
    return day, skipped


def _working_from(calendar: BusinessCalendar, day: date) -> tuple[date, list[Step]]:
    skipped: list[Step] = []
    while not (rule := calendar.rule_on(day)).windows:
        name = {"zh": rule.name.zh, "en": rule.name.en} if rule.name.zh or rule.name.en else {}
        skipped.append({"day": day.isoformat(), "kind": str(rule.kind), **name})
        if len(skipped) > FURTHEST:
            raise NeverReached(day.isoformat())
        day += ONE_DAY
    return day, skipped

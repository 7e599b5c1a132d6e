"""Read calendars: as rows for the settings pages, as values for clocks."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from json import dumps, loads

from django.db.models import Count, F, Q, QuerySet

from core.calendar.business import BusinessCalendar, DayKind, DayRule, Name, parse_windows
from core.calendar.enums import ExceptionKind, HolidayKind, HolidaySource
from core.calendar.models import CalendarDefinition, CalendarException, HolidayDay
from core.errors import NotFound

FALLBACK_ZONE = "Asia/Shanghai"


def load_calendar(calendar_id: int) -> BusinessCalendar:
    """Return the calendar as a value: one query for its row, the rest from memory. Raises NotFound."""
    return _remembered(get_calendar(calendar_id))


def load_calendars(calendar_ids: Iterable[int]) -> dict[int, BusinessCalendar]:
    """Return several calendars by id in one query for their rows; unknown ids are left out."""
    rows = CalendarDefinition.objects.filter(pk__in=set(calendar_ids))
    return {definition.pk: _remembered(definition) for definition in rows}


def default_calendar() -> BusinessCalendar:
    """Return the company's default calendar, round the clock in Chinese time while none is set."""
    definition = CalendarDefinition.objects.filter(is_default=True).first()
    return _remembered(definition) if definition else _plain_calendar()


def calendar_rows(calendar_ids: Iterable[int] = (), *, with_default: bool = False) -> list[CalendarDefinition]:
    """Return the rows of some calendars, and of the default one when asked for, in one statement."""
    wanted = Q(pk__in=set(calendar_ids))
    return list(CalendarDefinition.objects.filter(wanted | Q(is_default=True) if with_default else wanted))


def calendar_value(definition: CalendarDefinition) -> BusinessCalendar:
    """Return a saved calendar's row as a value, from memory when this version was built before."""
    return _remembered(definition)


def plain_default() -> BusinessCalendar:
    """Return what counts while no calendar is set: round the clock in Chinese time."""
    return _plain_calendar()


def warm_calendars() -> int:
    """Build the calendars there are before anybody asks, for a server that begins; return how many."""
    return len([_remembered(row) for row in CalendarDefinition.objects.order_by("pk")[:100]])


@lru_cache(maxsize=1)
def _plain_calendar() -> BusinessCalendar:
    return BusinessCalendar.around_the_clock(FALLBACK_ZONE)


def _remembered(row: CalendarDefinition) -> BusinessCalendar:
    """Build a version once a process.

    The version alone would not do as a key: a rolled-back save leaves its number to the next one, whose time differs.
    """
    return _built(row.pk, row.version, row.updated_at, row.name, row.timezone, row.holidays_country, dumps(row.weekly))


@lru_cache(maxsize=256)
def _built(
    pk: int, version: int, updated_at: datetime, name: str, timezone: str, country: str, weekly: str
) -> BusinessCalendar:
    row = CalendarDefinition(
        pk=pk,
        version=version,
        updated_at=updated_at,
        name=name,
        timezone=timezone,
        holidays_country=country,
        weekly=loads(weekly),
    )
    return build_calendar(row)


def build_calendar(
    definition: CalendarDefinition, exceptions: Iterable[CalendarException] | None = None
) -> BusinessCalendar:
    """Turn a definition, saved or not, into a value; `exceptions` stand in for the saved ones (previews).

    The company's exceptions go before its country's days, and those before the week.
    """
    weekly = tuple(parse_windows(day) for day in definition.weekly)
    rules: dict[date, DayRule] = {}
    if definition.holidays_country:
        for day in holidays_of(definition.holidays_country):
            if rule := _holiday_rule(day):
                rules[day.on] = rule
    if exceptions is None:
        exceptions = definition.exceptions.order_by("on") if definition.pk else ()
    for exception in exceptions:
        rules[exception.on] = _exception_rule(exception)
    return BusinessCalendar(definition.timezone, weekly, tuple(sorted(rules.items(), key=_by_day)), definition.name)


def _by_day(item: tuple[date, DayRule]) -> date:
    return item[0]


def _holiday_rule(day: HolidayDay) -> DayRule | None:
    name = Name(day.name_zh, day.name_en)
    estimated = day.source == HolidaySource.ESTIMATED
    if day.kind == HolidayKind.HOLIDAY:
        return DayRule(DayKind.HOLIDAY, (), name, estimated=estimated)
    if day.kind == HolidayKind.WORKDAY:
        return DayRule(DayKind.MAKEUP, (), name, day.follows_weekday, estimated)
    return None


def _exception_rule(exception: CalendarException) -> DayRule:
    name = Name(exception.label, exception.label)
    if exception.kind == ExceptionKind.MAKEUP:
        return DayRule(DayKind.MAKEUP, (), name, exception.follows_weekday)
    if exception.kind == ExceptionKind.HOURS:
        return DayRule(DayKind.HOURS, parse_windows(exception.windows), name)
    return DayRule(DayKind.CLOSED, (), name)


def get_calendar(calendar_id: int) -> CalendarDefinition:
    """Return one calendar's row. Raises NotFound."""
    definition = CalendarDefinition.objects.filter(pk=calendar_id).first()
    if definition is None:
        raise NotFound(calendar=calendar_id)
    return definition


def calendars() -> QuerySet[CalendarDefinition]:
    """Return all calendars, the default first, each with `exception_count`."""
    return CalendarDefinition.objects.annotate(exception_count=Count("exceptions")).order_by("-is_default", "name")


def exceptions_from(calendar: CalendarDefinition, day: date) -> QuerySet[CalendarException]:
    """Return the exceptions of a calendar from a day on, in order."""
    return calendar.exceptions.filter(on__gte=day).order_by("on")


def holidays_of(country: str, year: int | None = None) -> QuerySet[HolidayDay]:
    """Return a country's holidays and make-up days in order, of one year or of all."""
    days = HolidayDay.objects.filter(country=country)
    return (days.filter(on__year=year) if year is not None else days).order_by("on")


def holiday_years(country: str) -> list[int]:
    """Return the years a country has days for, in order."""
    return list(
        HolidayDay.objects.filter(country=country)
        .order_by("on__year")
        .annotate(year=F("on__year"))
        .values_list("year", flat=True)
        .distinct()
    )


def count_estimated(country: str, year: int) -> int:
    """Return how many days of a year are not announced yet."""
    return HolidayDay.objects.filter(country=country, on__year=year, source=HolidaySource.ESTIMATED).count()

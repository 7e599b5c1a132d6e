"""Change calendars, their dated exceptions and public holidays; each change can move deadlines, so each is told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.calendar.business import BadWindow, parse_windows
from core.calendar.enums import ExceptionKind, HolidayKind, HolidaySource
from core.calendar.events import CALENDAR_CHANGED, CalendarChanged
from core.calendar.holiday_source import COUNTRIES, PublishedDay, published_days
from core.calendar.models import CalendarDefinition, CalendarException, HolidayDay
from core.calendar.words import weekday_name
from core.errors import InvalidInput, NotFound, StaleEdit, Text
from core.events import Code, record
from core.models.spine import Event

WeeklyPairs = Sequence[Sequence[Sequence[str]]]
EDITED = ("name", "timezone", "weekly", "holidays_country", "is_default")


@dataclass(frozen=True)
class CalendarInput:
    """What a person fills in; `weekly` is seven lists, Monday first, of ["09:00", "18:00"] pairs."""

    name: str
    timezone: str
    weekly: WeeklyPairs
    holidays_country: str = ""
    is_default: bool = False


@transaction.atomic
def save_calendar(
    *, values: CalendarInput, actor: Actor, at: datetime, calendar_id: int | None = None, version: int | None = None
) -> CalendarDefinition:
    """Make a calendar, or change one that still has `version`; the first one becomes the default.

    Raises InvalidInput, NotFound, StaleEdit. Seeds this and the next year's holidays of its country.
    """
    fields = _checked(values, calendar_id)
    rows = {row.pk: row for row in CalendarDefinition.objects.select_for_update(no_key=True).order_by("pk")}
    if calendar_id is None:
        definition = CalendarDefinition(version=0)
    elif calendar_id not in rows:
        raise NotFound(calendar=calendar_id)
    else:
        definition = rows[calendar_id]
        if definition.version != version:
            raise StaleEdit(changes=_changes(definition, fields))
    defaults = [row for row in rows.values() if row.is_default and row.pk != calendar_id]
    if not defaults:
        fields["is_default"] = True  # there is always one, so the last one cannot step down
    if definition.pk and not _changes(definition, fields):
        return definition
    if fields["is_default"]:
        for row in defaults:
            row.is_default = False
            row.save(update_fields=["is_default"])
    for field, value in fields.items():
        setattr(definition, field, value)
    if fields["holidays_country"]:
        _merge_published(fields["holidays_country"], [at.year, at.year + 1], at)
    _store(definition, "hours" if definition.pk else "made", actor, at, EDITED)
    return definition


@transaction.atomic
def add_exception(
    *,
    calendar_id: int,
    on: date,
    kind: str,
    actor: Actor,
    at: datetime,
    windows: Sequence[Sequence[str]] = (),
    follows_weekday: int | None = None,
    label: str = "",
) -> CalendarException:
    """Let one date differ: closed, other hours, or the hours of another weekday. Raises InvalidInput, NotFound."""
    definition = _locked(calendar_id)
    exception = draft_exception(
        calendar=definition, on=on, kind=kind, windows=windows, follows_weekday=follows_weekday, label=label
    )
    exception.save(force_insert=True)
    _store(definition, "exception_added", actor, at)
    return exception


def draft_exception(
    *,
    calendar: CalendarDefinition,
    on: date,
    kind: str,
    windows: Sequence[Sequence[str]] = (),
    follows_weekday: int | None = None,
    label: str = "",
) -> CalendarException:
    """Return a date that differs, checked and not saved: for a preview. Raises InvalidInput."""
    fields: dict[str, list[Text]] = {}
    pairs: list[list[str]] = []
    if kind not in ExceptionKind.values:
        fields["kind"] = [_("Choose what is different on this date.")]
    elif kind == ExceptionKind.HOURS:
        pairs, problem = _windows(windows)
        if problem or not pairs:
            fields["windows"] = [problem or _("Enter at least one period, or choose “Closed all day”.")]
    elif kind == ExceptionKind.MAKEUP and follows_weekday not in range(7):
        fields["follows_weekday"] = [_("Choose the weekday whose hours apply.")]
    if calendar.exceptions.filter(on=on).exists():
        fields["on"] = [_("This date already has an exception. Remove it first.")]
    if fields:
        raise InvalidInput(fields=fields)
    return CalendarException(
        calendar=calendar,
        on=on,
        kind=kind,
        windows=pairs,
        follows_weekday=follows_weekday if kind == ExceptionKind.MAKEUP else None,
        label=label.strip()[:80],
    )


@transaction.atomic
def remove_exception(*, exception_id: int, actor: Actor, at: datetime) -> CalendarDefinition:
    """Let a date be as its week and its country have it again. Raises NotFound."""
    calendar_id = CalendarException.objects.filter(pk=exception_id).values_list("calendar_id", flat=True).first()
    if calendar_id is None:
        raise NotFound(exception=exception_id)
    definition = _locked(calendar_id)
    if not definition.exceptions.filter(pk=exception_id).delete()[0]:
        raise NotFound(exception=exception_id)
    _store(definition, "exception_removed", actor, at)
    return definition


@dataclass(frozen=True)
class HolidayRefresh:
    """How many days a refresh added, changed and took away; `kept` are the company's own, left alone."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    kept: int = 0


@transaction.atomic
def refresh_holidays(*, years: Iterable[int], actor: Actor, at: datetime, country: str = "CN") -> HolidayRefresh:
    """Bring a country's days up to what is published; the company's own edits win and stay."""
    result = _merge_published(country, years, at)
    if result.added or result.changed or result.removed:
        _store_all_of(country, actor, at)
    return result


@transaction.atomic
def set_holiday(
    *,
    on: date,
    kind: str,
    actor: Actor,
    at: datetime,
    name_zh: str = "",
    name_en: str = "",
    follows_weekday: int | None = None,
    country: str = "CN",
) -> HolidayDay:
    """Say what a date is for every calendar of the country; stays through every refresh. Raises InvalidInput."""
    fields: dict[str, list[Text]] = {}
    if kind not in HolidayKind.values:
        fields["kind"] = [_("Choose what this date is.")]
    if kind == HolidayKind.WORKDAY and follows_weekday not in range(7):
        fields["follows_weekday"] = [_("Choose the weekday whose hours apply.")]
    if country not in COUNTRIES:
        fields["country"] = [_("We have no public holidays for this country.")]
    if fields:
        raise InvalidInput(fields=fields)
    day, created = HolidayDay.objects.select_for_update().get_or_create(
        country=country,
        on=on,
        defaults={"kind": HolidayKind.ORDINARY, "source": HolidaySource.COMPANY, "updated_at": at},
    )
    day.kind, day.source = kind, HolidaySource.COMPANY
    day.name_zh, day.name_en = name_zh.strip()[:80], name_en.strip()[:80]
    day.follows_weekday = follows_weekday if kind == HolidayKind.WORKDAY else None
    day.version += not created
    day.updated_at = at
    day.save()
    _store_all_of(country, actor, at)
    return day


@transaction.atomic
def restore_holiday(*, holiday_id: int, actor: Actor, at: datetime) -> None:
    """Drop the company's own say about a date and take what is published. Raises NotFound."""
    day = HolidayDay.objects.select_for_update().filter(pk=holiday_id, source=HolidaySource.COMPANY).first()
    if day is None:
        raise NotFound(holiday=holiday_id)
    day.delete()
    _merge_published(day.country, [day.on.year], at)
    _store_all_of(day.country, actor, at)


def _merge_published(country: str, years: Iterable[int], at: datetime) -> HolidayRefresh:
    wanted = sorted(set(years))
    published = {day.on: day for day in published_days(wanted, country)}
    rows = HolidayDay.objects.select_for_update().filter(country=country, on__year__in=wanted).order_by("on")
    known = {row.on: row for row in rows}
    own = {on for on, row in known.items() if row.source == HolidaySource.COMPANY}
    new = [_row(country, day, at) for on, day in published.items() if on not in known]
    changed = []
    for on in (published.keys() & known.keys()) - own:
        row, fresh = known[on], _row(country, published[on], at)
        if any(getattr(row, field) != getattr(fresh, field) for field in PUBLISHED_FIELDS):
            fresh.pk, fresh.version = row.pk, row.version + 1
            changed.append(fresh)
    gone = [row.pk for on, row in known.items() if on not in published and on not in own]
    HolidayDay.objects.bulk_create(new)
    HolidayDay.objects.bulk_update(changed, [*PUBLISHED_FIELDS, "version", "updated_at"])
    if gone:
        HolidayDay.objects.filter(pk__in=gone).delete()
    return HolidayRefresh(len(new), len(changed), len(gone), len(own))


PUBLISHED_FIELDS = ("kind", "name_zh", "name_en", "follows_weekday", "source")


def _row(country: str, day: PublishedDay, at: datetime) -> HolidayDay:
    values = {field: getattr(day, field) for field in PUBLISHED_FIELDS}
    return HolidayDay(country=country, on=day.on, updated_at=at, **values)


def _locked(calendar_id: int) -> CalendarDefinition:
    definition = CalendarDefinition.objects.select_for_update(no_key=True).filter(pk=calendar_id).first()
    if definition is None:
        raise NotFound(calendar=calendar_id)
    return definition


def _store(definition: CalendarDefinition, what: str, actor: Actor, at: datetime, fields: Sequence[str] = ()) -> Event:
    definition.version += 1
    definition.updated_at = at
    if definition.pk:
        definition.save(update_fields=[*fields, "version", "updated_at"])
    else:
        definition.save()
    payload = CalendarChanged(version=definition.version, what=Code(what))
    return record(CALENDAR_CHANGED, subject=definition, actor=actor, at=at, data=payload)


def _store_all_of(country: str, actor: Actor, at: datetime) -> None:
    rows = CalendarDefinition.objects.select_for_update(no_key=True).filter(holidays_country=country)
    for definition in rows.order_by("pk"):
        _store(definition, "holidays", actor, at)


def _checked(values: CalendarInput, calendar_id: int | None) -> dict[str, Any]:
    problems: dict[str, list[Text]] = {}
    name = " ".join(values.name.split())
    if not name:
        problems["name"] = [_("Give the calendar a name.")]
    elif len(name) > 80:
        problems["name"] = [_("Use at most 80 characters.")]
    elif CalendarDefinition.objects.filter(name__iexact=name).exclude(pk=calendar_id or 0).exists():
        problems["name"] = [_("There is already a calendar with this name.")]
    if values.timezone not in _zones():
        problems["timezone"] = [_("Choose a time zone from the list.")]
    if values.holidays_country and values.holidays_country not in COUNTRIES:
        problems["holidays_country"] = [_("We have no public holidays for this country.")]
    weekly, week_problems = _week(values.weekly)
    if week_problems:
        problems["weekly"] = week_problems
    if problems:
        raise InvalidInput(fields=problems)
    return {
        "name": name,
        "timezone": values.timezone,
        "weekly": weekly,
        "holidays_country": values.holidays_country,
        "is_default": values.is_default,
    }


def _week(weekly: WeeklyPairs) -> tuple[list[list[list[str]]], list[Text]]:
    if len(weekly) != 7:
        return [], [_("A week has seven days.")]
    week: list[list[list[str]]] = []
    problems: list[Text] = []
    for weekday, pairs in enumerate(weekly):
        day, problem = _windows(pairs)
        week.append(day)
        if problem:
            problems.append(_("%(weekday)s: %(problem)s") % {"weekday": weekday_name(weekday), "problem": problem})
    if not problems and not any(week):
        problems.append(_("Open the calendar on at least one day."))
    return week, problems


def _windows(pairs: Sequence[Sequence[str]]) -> tuple[list[list[str]], str]:
    """Return the pairs in their normal form, or what is wrong with them."""
    try:
        return [window.as_pair() for window in parse_windows(pairs)], ""
    except BadWindow:
        return [], _("Write periods like 09:00–12:00, 13:30–18:00; they must not overlap.")


def _changes(definition: CalendarDefinition, fields: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"field": field, "yours": value, "theirs": getattr(definition, field)}
        for field, value in fields.items()
        if getattr(definition, field) != value
    ]


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())

"""Public holidays and make-up working days as published, read from the `holidays` package."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import holidays
from holidays.constants import PUBLIC

from core.calendar.enums import HolidayKind, HolidaySource

COUNTRIES = ("CN",)
_OBSERVED = re.compile(r"[（(](?:补假|推定|补假，推定|observed|estimated|observed, estimated)[）)]$")
_SUBSTITUTED = ("休息日", "Day off")
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class PublishedDay:
    """One day of a country that differs from its week."""

    on: date
    kind: HolidayKind
    name_zh: str
    name_en: str
    follows_weekday: int | None
    source: HolidaySource


def published_days(years: Iterable[int], country: str = "CN") -> list[PublishedDay]:
    """Return the holidays and make-up days of the years, in order; unannounced years are marked estimated.

    The announcement gives a holiday as one block ("1 to 7 October"); the package lists only its weekdays. The
    weekend days of the block are filled in, so that a shop that works on Saturdays is closed with everybody else.
    Raises LookupError for a country we cannot seed.
    """
    wanted = sorted(set(years))
    if country not in COUNTRIES:
        raise LookupError(country)
    if not wanted:
        return []
    around = range(wanted[0] - 1, wanted[-1] + 2)  # a block may cross the year, a make-up day lie in the other one
    chinese = holidays.country_holidays(country, years=around, language="zh_CN", categories=(PUBLIC,))
    english = holidays.country_holidays(country, years=around, language="en_US", categories=(PUBLIC,))
    announced = set(chinese.special_public_holidays)
    makeups = _makeup_days(chinese.special_public_holidays, around)
    names = {day: (_plain(chinese[day]), _plain(english[day])) for day in chinese}
    blocks = _fill_blocks(names, set(makeups))
    days = []
    for day in sorted({*blocks, *makeups}):
        if day.year not in wanted:
            continue
        source = HolidaySource.OFFICIAL if day.year in announced else HolidaySource.ESTIMATED
        if day in makeups:
            off = makeups[day]
            name_zh, name_en = blocks.get(off, ("", ""))
            name_zh, name_en = (
                f"{name_zh}调休" if name_zh else "调休",
                f"Make-up for {name_en}" if name_en else "Make-up",
            )
            days.append(PublishedDay(day, HolidayKind.WORKDAY, name_zh, name_en, off.weekday(), source))
        else:
            days.append(PublishedDay(day, HolidayKind.HOLIDAY, *blocks[day], None, source))
    return days


def _makeup_days(special: dict[int, tuple[tuple[object, ...], ...]], years: range) -> dict[date, date]:
    """Return make-up working day → the day off it pays for: (month, day off, month, day worked[, year worked])."""
    days: dict[date, date] = {}
    for year in years:
        for entry in special.get(year, ()):
            numbers = [part for part in entry if isinstance(part, int)]
            if len(numbers) >= 4:
                worked_year = numbers[4] if len(numbers) > 4 else year
                days[date(worked_year, numbers[2], numbers[3])] = date(year, numbers[0], numbers[1])
    return days


def _fill_blocks(names: dict[date, tuple[str, str]], worked: set[date]) -> dict[date, tuple[str, str]]:
    """Name every day off of a block after its nearest festival and add the weekend days that touch it."""
    one = timedelta(days=1)
    block = dict(names)
    for start in names:
        for step in (one, -one):
            day = start + step
            while day not in block and day not in worked and day.weekday() >= _SATURDAY:
                block[day] = ("", "")
                day += step
    festivals = sorted(day for day, (name, _) in names.items() if name)
    return {
        day: name if name[0] else names[min(festivals, key=lambda other: (abs(other - day), other > day))]
        for day, name in block.items()
    }


def _plain(name: str) -> str:
    """Return the festival's bare name, "" for a day off that is only moved here. Two on one day: the first."""
    name = name.split("; ")[0]
    if name.startswith(_SUBSTITUTED):
        return ""
    return _OBSERVED.sub("", name).strip()

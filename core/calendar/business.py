"""Business time as a value: weekly windows, dated rules, one time zone.

The one rule everything follows: **an instant is open when the clock on the wall there shows a time inside a window
of the day the window belongs to**. A window past midnight (22:00–06:00) belongs to the day it opens on. So on the
day clocks go forward a round-the-clock day has 23 hours and a window inside the missing hour counts nothing; on the
day clocks go back the repeated hour counts twice.

Internally time is whole microseconds since 1970 in UTC, so sums are exact.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

MICROSECOND = timedelta(microseconds=1)
SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = EPOCH.toordinal()
CHUNK = 64 * DAY
MAX_CHUNKS = 512

MINUTES_A_DAY = 24 * 60
_CLOCK = re.compile(r"(\d{1,2})[:：](\d{2})")


class BadWindow(ValueError):
    """An opening window cannot be read, is empty, or overlaps another of its day."""


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """Opening hours in minutes after the midnight their day starts with; `end` past 1440 is the next morning."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not (0 <= self.start < MINUTES_A_DAY and self.start < self.end <= self.start + MINUTES_A_DAY):
            raise BadWindow(f"{self.start}-{self.end}")

    @classmethod
    def parse(cls, start: str, end: str) -> "Window":
        """Read "09:00", "18:00"; an end not after its start is the next day's. Raises BadWindow."""
        begins, ends = _minutes(start), _minutes(end)
        return cls(begins, ends if ends > begins else ends + MINUTES_A_DAY)

    def __str__(self) -> str:
        return f"{clock(self.start)}–{clock(self.end)}"

    def as_pair(self) -> list[str]:
        """Return what `parse` takes, for storing as JSON."""
        return [clock(self.start), clock(self.end)]


ALL_DAY = (Window(0, MINUTES_A_DAY),)


def clock(minutes: int) -> str:
    """Return minutes after midnight as a wall clock shows them; the end of a full day is 24:00."""
    if minutes == MINUTES_A_DAY:
        return "24:00"
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def parse_windows(pairs: Iterable[Iterable[str]]) -> tuple[Window, ...]:
    """Read the windows of one day, sorted. Raises BadWindow for what cannot be read or overlaps."""
    windows = []
    for pair in pairs:
        if isinstance(pair, str) or not isinstance(pair, Iterable):
            raise BadWindow(f"{pair!r} is not a pair of times")
        times = list(pair)
        if len(times) != 2 or not all(isinstance(time, str) for time in times):
            raise BadWindow(f"{times!r} is not a pair of times")
        windows.append(Window.parse(*times))
    windows.sort()
    for earlier, later in pairwise(windows):
        if later.start < earlier.end:
            raise BadWindow(f"{earlier} and {later} overlap")
    return tuple(windows)


def _minutes(text: str) -> int:
    match = _CLOCK.fullmatch(text.strip())
    if not match or int(match[2]) > 59 or int(match[1]) * 60 + int(match[2]) > MINUTES_A_DAY:
        raise BadWindow(f"{text!r} is not a time of day")
    return int(match[1]) * 60 + int(match[2])


class DayKind(StrEnum):
    """Why a day has the hours it has."""

    WEEKLY = "weekly"  # as every week; no windows = a rest day
    HOLIDAY = "holiday"  # a country's public holiday
    MAKEUP = "makeup"  # a working day that makes up for a holiday and follows another weekday
    CLOSED = "closed"  # closed by the company
    HOURS = "hours"  # other hours, set by the company


@dataclass(frozen=True, slots=True)
class Name:
    """What people call a day, in both languages."""

    zh: str = ""
    en: str = ""


@dataclass(frozen=True, slots=True)
class DayRule:
    """The hours of one date and why; `follows` is the weekday (Monday 0) a make-up day works like."""

    kind: DayKind = DayKind.WEEKLY
    windows: tuple[Window, ...] = ()
    name: Name = Name()
    follows: int | None = None
    estimated: bool = False  # a holiday nobody has announced yet


class _Chunk(NamedTuple):
    starts: list[int]
    ends: list[int]
    before: list[int]  # business microseconds of the chunk before each interval
    after: list[int]  # … up to the end of each interval
    total: int


@dataclass(frozen=True)
class BusinessCalendar:
    """Opening hours in local wall time; equal and hashable by value, cheap to ask, safe to share between threads."""

    tz: str
    weekly: tuple[tuple[Window, ...], ...]
    days: tuple[tuple[date, DayRule], ...] = ()
    name: str = field(default="", compare=False)
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)
    _rules: Mapping[date, DayRule] = field(init=False, repr=False, compare=False)
    _week: tuple[DayRule, ...] = field(init=False, repr=False, compare=False)
    _chunks: dict[int, _Chunk] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.weekly) != 7:
            raise ValueError("a week has seven days")
        object.__setattr__(self, "_zone", ZoneInfo(self.tz))
        object.__setattr__(self, "_rules", dict(self.days))
        object.__setattr__(self, "_week", tuple(DayRule(windows=windows) for windows in self.weekly))
        object.__setattr__(self, "_chunks", {})

    @classmethod
    def around_the_clock(cls, tz: str = "UTC") -> "BusinessCalendar":
        """Return the plain calendar in which every instant counts."""
        return cls(tz=tz, weekly=(ALL_DAY,) * 7)

    @property
    def zone(self) -> ZoneInfo:
        """Return the time zone of the wall clock."""
        return self._zone

    @property
    def is_around_the_clock(self) -> bool:
        """Say whether business time is plain time."""
        return not self.days and all(windows == ALL_DAY for windows in self.weekly)

    def rule_on(self, day: date) -> DayRule:
        """Return the hours of a date and their reason, a make-up day with the windows of the weekday it follows."""
        rule = self._rules.get(day)
        if rule is None:
            return self._week[day.weekday()]
        if rule.follows is None:
            return rule
        return DayRule(
            rule.kind,
            self.weekly[rule.follows],
            rule.name,
            rule.follows,
            rule.estimated,
        )

    def is_open(self, instant: datetime) -> bool:
        """Say whether business time passes at an instant."""
        at = to_microseconds(instant)
        chunk = self.chunk(at // CHUNK)
        index = bisect_right(chunk.starts, at) - 1
        return index >= 0 and at < chunk.ends[index]

    def open_spans(self, day: date) -> list[tuple[int, int]]:
        """Return the open intervals that belong to a date, in order; two calls never overlap in wall time."""
        rule = self.rule_on(day)
        if not rule.windows:
            return []
        midnight = (day.toordinal() - EPOCH_DAY) * DAY
        pieces = offset_pieces(self._zone, midnight - DAY, midnight + 3 * DAY)
        return sorted(_spans(midnight, rule.windows, pieces))

    def chunk(self, index: int) -> _Chunk:
        """Return the merged open intervals of 64 days, made once and kept."""
        found = self._chunks.get(index)
        if found is None:
            if len(self._chunks) >= MAX_CHUNKS:
                self._chunks.clear()
            found = self._chunks[index] = self._materialise(index * CHUNK, (index + 1) * CHUNK)
        return found

    def _materialise(self, begin: int, end: int) -> _Chunk:
        pieces = offset_pieces(self._zone, begin, end)
        first = begin // DAY + EPOCH_DAY - 3  # zones reach 14 hours, windows 24 hours past their day
        last = end // DAY + EPOCH_DAY + 2
        spans: list[tuple[int, int]] = []
        for ordinal in range(max(first, 1), min(last, date.max.toordinal())):
            windows = self.rule_on(date.fromordinal(ordinal)).windows
            if windows:
                spans.extend(_spans((ordinal - EPOCH_DAY) * DAY, windows, pieces))
        return _pack(sorted(spans))


def _pack(spans: list[tuple[int, int]]) -> _Chunk:
    chunk = _Chunk([], [], [], [], 0)
    for start, end in spans:
        if chunk.ends and start <= chunk.ends[-1]:  # overlapping or adjoining: night shifts, midnight, clock changes
            chunk.ends[-1] = max(chunk.ends[-1], end)
        else:
            chunk.starts.append(start)
            chunk.ends.append(end)
    total = 0
    for start, end in zip(chunk.starts, chunk.ends, strict=True):
        chunk.before.append(total)
        total += end - start
        chunk.after.append(total)
    return chunk._replace(total=total)


def _spans(midnight: int, windows: tuple[Window, ...], pieces: list[tuple[int, int, int]]) -> Iterator[tuple[int, int]]:
    """Turn wall times into instants, once for every stretch of constant offset they fall into."""
    for window in windows:
        opens, closes = midnight + window.start * MINUTE, midnight + window.end * MINUTE
        for begin, end, offset in pieces:
            start, stop = max(opens - offset, begin), min(closes - offset, end)
            if start < stop:
                yield start, stop


def offset_pieces(zone: ZoneInfo, begin: int, end: int) -> list[tuple[int, int, int]]:
    """Cut an interval where the zone's offset changes: (from, to, offset), all in microseconds.

    Offsets are probed daily and the change is found by bisection to the second: two changes that cancel each
    other within a day would be missed; no zone has done that.
    """
    pieces: list[tuple[int, int, int]] = []
    piece_start, at, offset = begin, begin, _offset(zone, begin)
    while at < end:
        following = min(at + DAY, end)
        later = _offset(zone, following)
        if later != offset:
            low, high = at // SECOND, -(-following // SECOND)
            change = bisect_left(
                range(low + 1, high),
                True,
                key=lambda s: _offset(zone, s * SECOND) != offset,
            )
            turn = (low + 1 + change) * SECOND
            pieces.append((piece_start, turn, offset))
            piece_start, offset = turn, later
        at = following
    pieces.append((piece_start, end, offset))
    return [piece for piece in pieces if piece[0] < piece[1]]


def _offset(zone: ZoneInfo, at: int) -> int:
    moment = EPOCH + timedelta(microseconds=at)
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return offset // MICROSECOND


def to_microseconds(instant: datetime) -> int:
    """Return an aware datetime as microseconds since 1970. Raises ValueError for a naive one."""
    if instant.tzinfo is None:
        raise ValueError("a naive datetime has no place on the time line")
    return (instant - EPOCH) // MICROSECOND


def to_datetime(microseconds: int) -> datetime:
    """Return microseconds since 1970 as a datetime in UTC."""
    return EPOCH + timedelta(microseconds=microseconds)

"""Business time against a minute-stepping oracle and its own laws, in eight awkward time zones."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.calendar import (
    ALL_DAY,
    BadWindow,
    BusinessCalendar,
    DayKind,
    DayRule,
    DeadlineUnreachable,
    StepKind,
    Window,
    due,
    elapsed,
    explain,
    parse_windows,
)

ZONES = (
    "Asia/Shanghai",
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",  # half an hour of summer time
    "America/St_Johns",  # three and a half hours behind
    "Africa/Casablanca",  # goes back for Ramadan
    "Asia/Kathmandu",  # five and three quarters ahead
    "Pacific/Chatham",  # changes at 2:45
)
MINUTE = timedelta(minutes=1)
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)


@st.composite
def day_windows(draw: st.DrawFn) -> tuple[Window, ...]:
    cuts = sorted(draw(st.lists(st.integers(0, 95), max_size=6, unique=True)))
    windows = [Window(a * 15, b * 15) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    if draw(st.booleans()) and (not windows or windows[-1].end <= 1320):
        windows.append(Window(1320, 1320 + draw(st.integers(1, 32)) * 15))
    return tuple(windows)


@st.composite
def calendars(draw: st.DrawFn) -> BusinessCalendar:
    weekly = tuple(draw(st.one_of(day_windows(), st.just(ALL_DAY))) for _ in range(7))
    days = {}
    for offset in draw(st.lists(st.integers(0, 500), max_size=12, unique=True)):
        kind = draw(st.sampled_from([DayKind.CLOSED, DayKind.HOLIDAY, DayKind.HOURS, DayKind.MAKEUP]))
        windows = draw(day_windows()) if kind is DayKind.HOURS else ()
        follows = draw(st.integers(0, 6)) if kind is DayKind.MAKEUP else None
        days[date(2025, 12, 25) + timedelta(days=offset)] = DayRule(kind, windows, follows=follows)
    return BusinessCalendar(draw(st.sampled_from(ZONES)), weekly, tuple(sorted(days.items())))


instants = st.integers(0, 400 * 24 * 3600 * 10**6).map(lambda us: FIRST_DAY + timedelta(microseconds=us))
minutes = st.integers(0, 400 * 24 * 60).map(lambda n: FIRST_DAY + n * MINUTE)
# where clocks change, a year has few minutes and random ones miss them
changes = st.sampled_from(
    [
        datetime(2026, 3, 8, 7, tzinfo=UTC),
        datetime(2026, 11, 1, 6, tzinfo=UTC),
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 1, tzinfo=UTC),
        datetime(2026, 4, 4, 15, tzinfo=UTC),
        datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
        datetime(2026, 2, 15, 2, tzinfo=UTC),
        datetime(2026, 3, 22, 2, tzinfo=UTC),
        datetime(2026, 9, 26, 14, tzinfo=UTC),
    ]
)


def is_open_on_the_wall(calendar: BusinessCalendar, at: datetime) -> bool:
    """Read the wall clock and look at the windows of that day and of the night before."""
    wall = at.astimezone(ZoneInfo(calendar.tz)).replace(tzinfo=None)
    for day in (wall.date(), wall.date() - timedelta(days=1)):
        midnight = datetime.combine(day, time())
        for window in calendar.rule_on(day).windows:
            if midnight + window.start * MINUTE <= wall < midnight + window.end * MINUTE:
                return True
    return False


def step_by_minutes(calendar: BusinessCalendar, start: datetime, count: int) -> timedelta:
    return sum((MINUTE for n in range(count) if is_open_on_the_wall(calendar, start + n * MINUTE)), timedelta())


@given(calendars(), st.one_of(minutes, changes.map(lambda at: at - 20 * 60 * MINUTE)), st.integers(0, 48 * 60))
def test_elapsed_equals_stepping_by_minutes(calendar: BusinessCalendar, start: datetime, count: int) -> None:
    assert elapsed(calendar, start, start + count * MINUTE) == step_by_minutes(calendar, start, count)


@given(calendars(), instants)
def test_is_open_equals_the_wall_clock(calendar: BusinessCalendar, at: datetime) -> None:
    assert calendar.is_open(at) == is_open_on_the_wall(calendar, at)


@given(calendars(), st.tuples(instants, instants, instants).map(sorted))
def test_elapsed_is_additive_and_monotone(calendar: BusinessCalendar, at: list[datetime]) -> None:
    a, b, c = at
    assert elapsed(calendar, a, b) + elapsed(calendar, b, c) == elapsed(calendar, a, c)
    assert timedelta() <= elapsed(calendar, a, b) <= elapsed(calendar, a, c) <= c - a


pause_lists = st.lists(st.tuples(instants, instants).map(lambda pair: tuple(sorted(pair))), max_size=4)
targets = st.integers(0, 400 * 3600 * 10**6).map(lambda us: timedelta(microseconds=us))


@given(calendars(), instants, targets, pause_lists)
def test_due_is_the_earliest_instant_that_reaches_the_target(
    calendar: BusinessCalendar, start: datetime, target: timedelta, pauses: list[tuple[datetime, datetime]]
) -> None:
    try:
        deadline = due(calendar, start, target, pauses)
    except DeadlineUnreachable:
        assert elapsed(calendar, start, start + timedelta(days=2500), pauses) < target
        return
    assert elapsed(calendar, start, deadline, pauses) == target
    if deadline > start:
        assert elapsed(calendar, start, deadline - timedelta(microseconds=1), pauses) < target


@given(calendars(), instants, st.integers(0, 30 * 24 * 3600 * 10**6), pause_lists)
@settings(max_examples=60)
def test_the_steps_of_an_explanation_sum_to_the_result(
    calendar: BusinessCalendar, start: datetime, length: int, pauses: list[tuple[datetime, datetime]]
) -> None:
    end = start + timedelta(microseconds=length)
    explanation = explain(calendar, start, end=end, pauses=pauses)
    assert explanation.total == elapsed(calendar, start, end, pauses)
    timed = [step for step in explanation.steps if step.begins_at is not None]
    assert all(step.begins_at < step.ends_at for step in timed)
    for earlier, later in pairwise(timed):
        assert earlier.ends_at.astimezone(UTC) <= later.begins_at.astimezone(UTC)


@given(calendars(), instants, targets)
@settings(max_examples=40)
def test_an_explained_target_ends_when_it_is_due(
    calendar: BusinessCalendar, start: datetime, target: timedelta
) -> None:
    try:
        deadline = due(calendar, start, target)
    except DeadlineUnreachable:
        assume(False)
    assume(deadline - start < timedelta(days=60))
    explanation = explain(calendar, start, target=target)
    assert (explanation.end, explanation.total) == (deadline, target)


SHANGHAI = ZoneInfo("Asia/Shanghai")
OFFICE = parse_windows([["09:00", "12:00"], ["13:30", "18:00"]])
WEEKDAYS = BusinessCalendar("Asia/Shanghai", (*((OFFICE,) * 5), (), ()))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI)


def test_due_on_friday_evening_is_on_monday() -> None:
    assert due(WEEKDAYS, at(20, 17, 30), timedelta(hours=8)) == at(23, 18)


def test_a_target_that_fills_a_window_is_due_when_it_closes() -> None:
    assert due(WEEKDAYS, at(20, 17, 30), timedelta(minutes=30)) == at(20, 18)


def test_zero_is_due_at_once_even_when_closed() -> None:
    assert due(WEEKDAYS, at(21, 3), timedelta()) == at(21, 3)


def test_a_window_past_midnight_belongs_to_the_day_it_opens() -> None:
    night = BusinessCalendar("Asia/Shanghai", ((), (), (), (), parse_windows([["22:00", "06:00"]]), (), ()))
    assert elapsed(night, at(20, 0), at(23, 0)) == timedelta(hours=8)
    assert due(night, at(21, 5), timedelta(hours=2)) == at(27, 23)  # one hour left on Saturday morning


def test_pauses_push_the_deadline_and_overlap_only_once() -> None:
    pauses = [(at(23, 10), at(23, 11)), (at(23, 10, 30), at(23, 11, 30)), (at(22, 0), at(22, 8))]
    assert due(WEEKDAYS, at(23, 9), timedelta(hours=2), pauses) == at(23, 14)


def test_an_open_pause_leaves_the_deadline_open() -> None:
    with pytest.raises(DeadlineUnreachable) as refusal:
        due(WEEKDAYS, at(23, 9), timedelta(hours=2), [(at(23, 10), None)])
    assert refusal.value.why == "paused"
    assert due(WEEKDAYS, at(23, 9), timedelta(hours=1), [(at(23, 10), None)]) == at(23, 10)


def test_a_calendar_that_never_opens_says_so() -> None:
    with pytest.raises(DeadlineUnreachable) as refusal:
        due(BusinessCalendar("UTC", ((),) * 7), at(20, 9), timedelta(microseconds=1))
    assert refusal.value.why == "closed"


def test_a_negative_target_a_reversed_span_and_naive_times_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        due(WEEKDAYS, at(20, 9), timedelta(hours=-1))
    with pytest.raises(ValueError, match="before start"):
        elapsed(WEEKDAYS, at(20, 9), at(20, 8))
    with pytest.raises(ValueError, match="naive"):
        elapsed(WEEKDAYS, at(20, 9).replace(tzinfo=None), at(20, 10))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("Europe/London", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Asia/Shanghai", date(2026, 3, 8), 24),
        ("Asia/Shanghai", date(2028, 2, 29), 24),
        ("America/St_Johns", date(2028, 2, 29), 24),
    ],
)
def test_a_round_the_clock_day_has_the_hours_it_really_has(zone: str, day: date, hours: float) -> None:
    only = BusinessCalendar(zone, ((),) * 7, ((day, DayRule(DayKind.HOURS, ALL_DAY)),))
    noon = datetime.combine(day, time(12), ZoneInfo(zone))
    assert elapsed(only, noon - timedelta(days=3), noon + timedelta(days=3)) == timedelta(hours=hours)


def test_the_missing_hour_counts_nothing_and_the_repeated_one_twice() -> None:
    early = BusinessCalendar("America/New_York", (parse_windows([["02:00", "03:00"]]),) * 7)
    spring = datetime(2026, 3, 8, tzinfo=ZoneInfo("America/New_York"))
    assert elapsed(early, spring, spring + timedelta(days=1)) == timedelta()
    repeated = BusinessCalendar("America/New_York", (parse_windows([["01:00", "02:00"]]),) * 7)
    autumn = datetime(2026, 11, 1, tzinfo=ZoneInfo("America/New_York"))
    assert elapsed(repeated, autumn, datetime(2026, 11, 2, tzinfo=ZoneInfo("America/New_York"))) == timedelta(hours=2)


def test_the_last_microsecond_of_a_day_belongs_to_it() -> None:
    friday = BusinessCalendar("Asia/Shanghai", ((), (), (), (), ALL_DAY, (), ()))
    last = datetime(2026, 11, 20, 23, 59, 59, 999_999, tzinfo=SHANGHAI)
    assert friday.is_open(last)
    assert not friday.is_open(last + timedelta(microseconds=1))
    assert elapsed(friday, last, last + timedelta(hours=5)) == timedelta(microseconds=1)


def test_plain_time_is_the_same_type_and_one_step() -> None:
    plain = BusinessCalendar.around_the_clock("Asia/Shanghai")
    assert plain.is_around_the_clock
    assert due(plain, at(20, 17, 30), timedelta(hours=48)) == at(22, 17, 30)
    steps = explain(plain, at(20, 17, 30), target=timedelta(hours=48)).steps
    assert [(step.kind, step.counted) for step in steps] == [(StepKind.COUNTED, timedelta(hours=48))]


def test_calendars_are_equal_by_value_and_hashable() -> None:
    twin = BusinessCalendar("Asia/Shanghai", (*((OFFICE,) * 5), (), ()))
    assert twin == WEEKDAYS
    assert len({twin, WEEKDAYS}) == 1


@pytest.mark.parametrize(
    ("start", "end", "minutes_open"),
    [("09:00", "18:00", 540), ("22:00", "06:00", 480), ("00:00", "24:00", 1440), ("00:00", "00:00", 1440)],
)
def test_windows_are_read_as_people_write_them(start: str, end: str, minutes_open: int) -> None:
    window = Window.parse(start, end)
    assert window.end - window.start == minutes_open
    assert Window.parse(*window.as_pair()) == window


@pytest.mark.parametrize(
    "pairs",
    [
        [["9", "18:00"]],
        [["09:60", "10:00"]],
        [["25:00", "26:00"]],
        [["09:00"]],
        ["09:00"],
        [["09:00", 18]],
        [["09:00", "12:00"], ["11:00", "13:00"]],
        [["24:00", "25:00"]],
    ],
)
def test_windows_that_mean_nothing_are_refused(pairs: list[object]) -> None:
    with pytest.raises(BadWindow):
        parse_windows(pairs)  # type: ignore[arg-type]


def test_a_thousand_deadlines_take_far_less_than_a_second() -> None:
    """A guard against losing the bisection: 4 µs each when measured, a thousand times the room here."""
    begin = datetime.now(UTC)
    for n in range(1000):
        due(WEEKDAYS, at(20, 9) + n * MINUTE, timedelta(hours=48))
    assert datetime.now(UTC) - begin < timedelta(seconds=4)

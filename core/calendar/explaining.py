"""The written arithmetic of a deadline: which stretch of which day counted, and why the others did not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from core.calendar.arithmetic import Pause, due, merge_pauses
from core.calendar.business import (
    MICROSECOND,
    BusinessCalendar,
    DayKind,
    DayRule,
    to_datetime,
    to_microseconds,
)

ONE_DAY = timedelta(days=1)


class StepKind(StrEnum):
    """What happened to a stretch of time."""

    COUNTED = "counted"
    PAUSED = "paused"  # open, but the clock stood still
    DAY_OFF = "day_off"  # a day without hours; the rule says why
    OUTSIDE = "outside"  # a working day, but before or after its hours


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the arithmetic. `begins_at` and `ends_at` are in the calendar's zone, None for whole days."""

    kind: StepKind
    day: date
    rule: DayRule
    begins_at: datetime | None = None
    ends_at: datetime | None = None
    counted: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Explanation:
    """The steps from start to end; what they count sums to `total`, the business time between the two."""

    calendar: BusinessCalendar
    start: datetime
    end: datetime
    steps: tuple[Step, ...]
    target: timedelta | None = None

    @property
    def total(self) -> timedelta:
        """Return the business time counted."""
        return sum((step.counted for step in self.steps), timedelta())

    @property
    def plain(self) -> timedelta:
        """Return the plain time between start and end, always shown beside the business time."""
        return self.end - self.start


def explain(
    calendar: BusinessCalendar,
    start: datetime,
    *,
    target: timedelta | None = None,
    end: datetime | None = None,
    pauses: Sequence[Pause] = (),
) -> Explanation:
    """Return the arithmetic from start to end, or to the instant when `target` is due.

    Raises DeadlineUnreachable like `due`, TypeError unless exactly one of target and end is given.
    """
    if (target is None) == (end is None):
        raise TypeError("give either a target or an end")
    if target is not None:
        end = due(calendar, start, target, pauses)
    assert end is not None
    begin, finish = to_microseconds(start), to_microseconds(end)
    if finish < begin:
        raise ValueError("end is before start")
    steps = tuple(_joined(_steps(calendar, begin, finish, merge_pauses(pauses))))
    return Explanation(calendar, start, end, steps, target)


def _steps(calendar: BusinessCalendar, begin: int, finish: int, pauses: list[tuple[int, int]]) -> Iterator[Step]:
    first, last = (to_datetime(at).astimezone(calendar.zone).date() for at in (begin, finish))
    counted_to = begin  # a night shift may run into the next day's hours; each instant counts once
    day = first - ONE_DAY  # whose night shift may still be on
    while day <= last:
        rule = calendar.rule_on(day)
        spans = []
        for opens, closes in calendar.open_spans(day):
            span = max(opens, counted_to), min(closes, finish)
            if span[0] < span[1]:
                spans.append(span)
                counted_to = span[1]
        if spans:
            for span in spans:
                yield from _split(calendar, day, rule, span, pauses)
        elif day >= first:
            yield Step(StepKind.OUTSIDE if rule.windows else StepKind.DAY_OFF, day, rule)
        day += ONE_DAY


def _split(
    calendar: BusinessCalendar,
    day: date,
    rule: DayRule,
    span: tuple[int, int],
    pauses: list[tuple[int, int]],
) -> Iterator[Step]:
    at, end = span
    for paused, resumed in pauses:
        if resumed <= at or paused >= end:
            continue
        if paused > at:
            yield _timed(calendar, StepKind.COUNTED, day, rule, at, paused)
        at = min(resumed, end)
        yield _timed(calendar, StepKind.PAUSED, day, rule, max(paused, span[0]), at)
    if at < end:
        yield _timed(calendar, StepKind.COUNTED, day, rule, at, end)


def _timed(
    calendar: BusinessCalendar,
    kind: StepKind,
    day: date,
    rule: DayRule,
    begin: int,
    end: int,
) -> Step:
    counted = (end - begin) * MICROSECOND if kind is StepKind.COUNTED else timedelta()
    begins_at, ends_at = (to_datetime(at).astimezone(calendar.zone) for at in (begin, end))
    return Step(kind, day, rule, begins_at, ends_at, counted)


def _joined(steps: Iterator[Step]) -> Iterator[Step]:
    """Join stretches that meet (round the clock, midnight), so that plain time is one line."""
    held: Step | None = None
    for step in steps:
        if held is not None and _meet(held, step):
            held = Step(
                held.kind,
                held.day,
                held.rule,
                held.begins_at,
                step.ends_at,
                held.counted + step.counted,
            )
            continue
        if held is not None:
            yield held
        held = step
    if held is not None:
        yield held


def _meet(held: Step, step: Step) -> bool:
    if held.kind is not step.kind or held.ends_at is None or step.begins_at is None:
        return False
    same_reason = held.rule.kind is step.rule.kind is DayKind.WEEKLY
    return same_reason and to_microseconds(held.ends_at) == to_microseconds(step.begins_at)

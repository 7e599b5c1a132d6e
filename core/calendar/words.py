"""An explanation in words, in the active language: 周五 17:30–18:00 计 30 分钟；周六、周日休息；…"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import groupby

from django.utils.translation import get_language, gettext, pgettext, pgettext_lazy

from core.calendar.business import DayKind, DayRule
from core.calendar.explaining import Explanation, Step, StepKind

_WEEKDAYS = (
    pgettext_lazy("weekday", "Mon"),
    pgettext_lazy("weekday", "Tue"),
    pgettext_lazy("weekday", "Wed"),
    pgettext_lazy("weekday", "Thu"),
    pgettext_lazy("weekday", "Fri"),
    pgettext_lazy("weekday", "Sat"),
    pgettext_lazy("weekday", "Sun"),
)
_MONTHS = (
    pgettext_lazy("month", "Jan"),
    pgettext_lazy("month", "Feb"),
    pgettext_lazy("month", "Mar"),
    pgettext_lazy("month", "Apr"),
    pgettext_lazy("month", "May"),
    pgettext_lazy("month", "Jun"),
    pgettext_lazy("month", "Jul"),
    pgettext_lazy("month", "Aug"),
    pgettext_lazy("month", "Sep"),
    pgettext_lazy("month", "Oct"),
    pgettext_lazy("month", "Nov"),
    pgettext_lazy("month", "Dec"),
)
MANY_DAYS = 3  # days off in a row beyond which a range is said instead of each weekday


def weekday_name(weekday: int) -> str:
    """Return the short name of a weekday, Monday 0."""
    return str(_WEEKDAYS[weekday])


def day_name(day: date) -> str:
    """Return a date with its weekday as people say it: 11月20日周五, Fri 20 Nov."""
    return pgettext("day in an explanation", "%(weekday)s %(day)s %(month)s") % {
        "weekday": weekday_name(day.weekday()),
        "day": day.day,
        "month": _MONTHS[day.month - 1],
    }


def length_name(length: timedelta) -> str:
    """Return a length in hours, minutes and seconds, leaving out zeros: 1 小时 30 分钟, 1 h 30 min."""
    seconds = length // timedelta(seconds=1)
    parts = []
    if seconds >= 3600:
        parts.append(pgettext("length of time", "%(count)s h") % {"count": seconds // 3600})
    if seconds % 3600 >= 60:
        parts.append(pgettext("length of time", "%(count)s min") % {"count": seconds % 3600 // 60})
    if seconds % 60 or not seconds:
        parts.append(pgettext("length of time", "%(count)s s") % {"count": seconds % 60})
    return " ".join(parts)


def rule_reason(rule: DayRule) -> str:
    """Return why a day has other hours than its week, "" for an ordinary day."""
    name = rule.name.zh if (get_language() or "").startswith("zh") else rule.name.en
    name = name or rule.name.zh or rule.name.en
    if rule.kind is DayKind.HOLIDAY:
        reason = name or gettext("Public holiday")
        return gettext("%(holiday)s (estimated)") % {"holiday": reason} if rule.estimated else reason
    if rule.kind is DayKind.MAKEUP and rule.follows is not None:
        return gettext("make-up day, works like %(weekday)s") % {"weekday": weekday_name(rule.follows)}
    if rule.kind is DayKind.CLOSED:
        return name or pgettext("calendar day", "closed")
    if rule.kind is DayKind.HOURS:
        return name or gettext("other hours")
    return ""


def lines_of(explanation: Explanation) -> list[str]:
    """Return the arithmetic line by line, the sum last."""
    lines: list[str] = []
    for _, run in groupby(explanation.steps, key=_reason_key):
        lines.extend(_run_lines(list(run)))
    zone = explanation.calendar.zone
    lines.append(
        gettext("total %(total)s, until %(end)s")
        % {
            "total": length_name(explanation.total),
            "end": _moment(explanation.end.astimezone(zone)),
        }
    )
    return lines


def in_words(explanation: Explanation) -> str:
    """Return the arithmetic as one sentence."""
    return pgettext("between steps of an explanation", "; ").join(lines_of(explanation))


def _reason_key(step: Step) -> tuple[object, ...]:
    """Days off for one reason are told together, every other step alone."""
    if step.kind is StepKind.DAY_OFF:
        return (step.kind, step.rule.kind, step.rule.name, step.rule.estimated)
    return (step.kind, step.day, step.begins_at)


def _run_lines(run: list[Step]) -> Iterator[str]:
    step = run[0]
    if step.kind is StepKind.DAY_OFF:
        reason = rule_reason(step.rule)
        yield (
            gettext("%(days)s off: %(reason)s") % {"days": _days(run), "reason": reason}
            if reason
            else gettext("%(days)s off") % {"days": _days(run)}
        )
        return
    for step in run:
        yield _timed_line(step)


def _timed_line(step: Step) -> str:
    if step.begins_at is None or step.ends_at is None:
        return gettext("%(day)s outside business hours") % {"day": day_name(step.day)}
    words = {
        "from": _moment(step.begins_at),
        "to": _moment(step.ends_at, after=step.begins_at),
    }
    if step.kind is StepKind.PAUSED:
        return gettext("%(from)s–%(to)s paused") % words
    line = gettext("%(from)s–%(to)s counts %(length)s") % {
        **words,
        "length": length_name(step.counted),
    }
    reason = rule_reason(step.rule)
    return gettext("%(line)s (%(reason)s)") % {"line": line, "reason": reason} if reason else line


def _days(run: list[Step]) -> str:
    if len(run) > MANY_DAYS:
        return gettext("%(first)s to %(last)s") % {
            "first": day_name(run[0].day),
            "last": day_name(run[-1].day),
        }
    return pgettext("between days of a list", ", ").join(day_name(step.day) for step in run)


def _moment(at: datetime, after: datetime | None = None) -> str:
    """Return day and time; the time alone when the day is that of `after`, and midnight after it as 24:00."""
    shown = f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"
    if after is not None:
        if at.date() == after.date():
            return shown
        if shown == "00:00" and (at.date() - after.date()).days == 1:
            return "24:00"
    return f"{day_name(at.date())} {shown}"

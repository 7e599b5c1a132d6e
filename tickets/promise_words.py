"""Find a promise in what an agent wrote: 周五前给您退款, 24小时内, we will refund you by Friday."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from core.calendar import BusinessCalendar
from core.calendar.business import to_datetime
from tickets.work_enums import PromiseKind

FURTHEST = timedelta(days=120)
SOONEST = timedelta(minutes=1)
_STOP = re.compile(r"[。！？!?\n；;]|\.\s|\.$")
_DIGITS = {"一": 1, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_N = r"(?P<n>\d{1,3}|[二三四五六七八九]?十[一二三四五六七八九]?|[一两二三四五六七八九])"
_EN_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_EN_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_EN_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "a": 1, "an": 1}
_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_EN_N = r"(?P<n>\d{1,3}|one|two|three|four|five|an?)"

KINDS: tuple[tuple[PromiseKind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (PromiseKind.REFUND, r"退款|退给您|退还|refund|money back"),
        (
            PromiseKind.REPLACEMENT,
            r"补发|重发|补寄|重新寄|换新|换货|replac|resend|send (?:you )?(?:a |an )?(?:new|another)",
        ),
        (PromiseKind.COMPENSATION, r"赔付|赔偿|补偿|优惠券|compensat|voucher|coupon"),
        (PromiseKind.SHIPPING, r"发货|发出|寄出|揽收|\bship|dispatch"),
        (PromiseKind.CALL, r"回电|致电|打电话|电话联系|call you|phone you|ring you"),
        (
            PromiseKind.ANSWER,
            r"回复|答复|反馈|告知|联系您|给您(?:一个)?(?:结果|消息|说法)|get back|reply|let you know|update you|answer",
        ),
    )
)


@dataclass(frozen=True)
class Suggestion:
    """A promise found in a text: what kind, due when, in which words, in which sentence."""

    kind: PromiseKind
    due_at: datetime
    phrase: str
    sentence: str = ""


@dataclass(frozen=True)
class Moment:
    """Where a text was written: when, and in whose working hours."""

    at: datetime
    calendar: BusinessCalendar

    @property
    def today(self) -> date:
        """Return the local date."""
        return self.at.astimezone(self.calendar.zone).date()


def end_of_day(calendar: BusinessCalendar, day: date, after: datetime) -> datetime:
    """Return the last moment of work on a local day: on a closed one, of the working day before when still ahead.

    Never later than that day's 23:59:59, and a minute after `after` at least.
    """
    last = datetime.combine(day + timedelta(days=1), time(), calendar.zone).astimezone(after.tzinfo)
    last -= timedelta(seconds=1)
    for back in range(8):
        spans = calendar.open_spans(day - timedelta(days=back))
        if spans:
            closes = min(to_datetime(spans[-1][1]), last)
            if closes > after:
                return max(closes, after + SOONEST)
            break
    return max(last, after + SOONEST)


def working_day(calendar: BusinessCalendar, day: date, count: int) -> date:
    """Return the `count`-th working day after a date; plain days where there are none within a year."""
    left, found = count, day
    for _step in range(366):
        found += timedelta(days=1)
        if calendar.rule_on(found).windows:
            left -= 1
            if left == 0:
                return found
    return day + timedelta(days=count)


def _count(match: re.Match[str]) -> int:
    text = match["n"].lower()
    if text.isdecimal():
        return int(text)
    tens, has_ten, ones = text.partition("十")
    if has_ten:
        return _DIGITS.get(tens, 1) * 10 + _DIGITS.get(ones, 0)
    return _DIGITS.get(text) or _EN_NUMBERS.get(text, 1)


def _hours(match: re.Match[str], now: Moment) -> datetime:
    return now.at + timedelta(hours=_count(match))


def _minutes(match: re.Match[str], now: Moment) -> datetime:
    return now.at + timedelta(minutes=_count(match))


def _days(match: re.Match[str], now: Moment) -> datetime:
    return end_of_day(now.calendar, now.today + timedelta(days=_count(match)), now.at)


def _working_days(match: re.Match[str], now: Moment) -> datetime:
    return end_of_day(now.calendar, working_day(now.calendar, now.today, _count(match)), now.at)


def _half_hour(match: re.Match[str], now: Moment) -> datetime:
    return now.at + timedelta(minutes=30)


def _weeks(match: re.Match[str], now: Moment) -> datetime:
    return end_of_day(now.calendar, now.today + timedelta(days=7 * _count(match)), now.at)


def _this_week(match: re.Match[str], now: Moment) -> datetime:
    sunday = now.today + timedelta(days=6 - now.today.weekday() + (7 if match["next"] else 0))
    return end_of_day(now.calendar, sunday, now.at)


def _this_month(match: re.Match[str], now: Moment) -> datetime:
    first = now.today.replace(day=1)
    last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return end_of_day(now.calendar, last, now.at)


def _weekday(match: re.Match[str], now: Moment) -> datetime:
    word = match["day"].lower()
    wanted = "一二三四五六日天".find(word) if len(word) == 1 else _EN_DAYS.index(word)
    wanted = 6 if wanted == 7 else wanted
    today = now.today
    if match["next"]:
        day = today - timedelta(days=today.weekday()) + timedelta(days=7 + wanted)
    else:
        day = today + timedelta(days=(wanted - today.weekday()) % 7)
    due_at = _at_clock(match, day, now)
    if due_at is None:
        due_at = end_of_day(now.calendar, day, now.at)
    return due_at if due_at > now.at else due_at + timedelta(days=7)


NAMED = {
    "今天": 0,
    "今日": 0,
    "今晚": 0,
    "明天": 1,
    "明日": 1,
    "明早": 1,
    "后天": 2,
    "today": 0,
    "tonight": 0,
    "tomorrow": 1,
    "day": 0,
    "the day": 0,
}


def _named_day(match: re.Match[str], now: Moment) -> datetime:
    day = now.today + timedelta(days=NAMED[match["day"].lower()])
    clock = _at_clock(match, day, now)
    return clock if clock is not None and clock > now.at else end_of_day(now.calendar, day, now.at)


def _month_day(match: re.Match[str], now: Moment) -> datetime | None:
    word = match["month"]
    if word is None:
        month = now.today.month
    else:
        month = int(word) if word.isdecimal() else _EN_MONTHS.index(word.lower()[:3]) + 1
    for ahead in range(14):
        year = now.today.year + (now.today.month - 1 + ahead) // 12
        if word is None:
            month = (now.today.month - 1 + ahead) % 12 + 1
        elif ahead % 12:
            continue
        try:
            day = date(year, month, int(match["date"]))
        except ValueError:
            continue
        if day >= now.today:
            return _at_clock(match, day, now) or end_of_day(now.calendar, day, now.at)
    return None


def _at_clock(match: re.Match[str], day: date, now: Moment) -> datetime | None:
    groups = match.groupdict()
    if not groups.get("hour"):
        return None
    hour, minute = int(groups["hour"]), groups.get("minute") or "0"
    minutes = 30 if minute == "半" else int(minute)
    if groups.get("half") in {"下午", "晚上", "晚", "pm", "PM"} and hour < 12:
        hour += 12
    if hour > 23 or minutes > 59:
        return None
    return datetime.combine(day, time(hour, minutes), now.calendar.zone).astimezone(now.at.tzinfo)


_CLOCK = r"(?:\s*(?P<half>上午|早上|中午|下午|晚上|晚)?\s*(?P<hour>\d{1,2})\s*(?:点|时|[:：])(?P<minute>\d{2}|半)?分?)?"
_MARK = r"(?P<mark>之前|以前|前|内)?"
_BY = r"(?:by|before|until|no later than|latest)\s+"
_EN_CLOCK = r"(?:\s+(?:at|before|by)\s+(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?\s*(?P<half>am|pm|AM|PM)?)?"
Reading = Callable[[re.Match[str], Moment], datetime | None]
READINGS: tuple[tuple[re.Pattern[str], Reading, bool], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), reading, is_limit)
    for pattern, reading, is_limit in (
        (rf"{_N}\s*(?:个?\s*小时|h)\s*(?:之|以)?内", _hours, True),
        (r"半\s*个?\s*小时(?:之|以)?内", _half_hour, True),
        (rf"{_N}\s*分钟(?:之|以)?内", _minutes, True),
        (rf"{_N}\s*个?\s*工作日(?:之|以)?内?", _working_days, True),
        (rf"{_N}\s*[天日](?:之|以)?内", _days, True),
        (rf"{_N}\s*个?\s*(?:周|星期|礼拜)(?:之|以)?内", _weeks, True),
        (r"(?:(?P<next>下)|这|本)(?:周|星期|礼拜)(?:之?内|底前?|结束前)", _this_week, True),
        (r"(?<!上)(?<!上个)(?:本|这个)?月(?:底|末)(?:之?前)?", _this_month, False),
        (rf"(?P<next>下)?(?:这|本)?(?:周|星期|礼拜)(?P<day>[一二三四五六日天]){_CLOCK}{_MARK}", _weekday, False),
        (rf"(?P<month>\d{{1,2}})\s*月\s*(?P<date>\d{{1,2}})\s*[日号]{_CLOCK}{_MARK}", _month_day, False),
        (rf"(?P<month>(?!))?(?P<date>\d{{1,2}})\s*号{_CLOCK}(?P<mark>之前|以前|前)", _month_day, True),
        (rf"(?P<day>今天|今日|今晚|明天|明日|明早|后天)(?:下班)?{_CLOCK}{_MARK}", _named_day, False),
        (rf"(?:with)?in (?:the next )?{_EN_N} hours?", _hours, True),
        (rf"(?:with)?in (?:the next )?{_EN_N} minutes?", _minutes, True),
        (rf"(?:with)?in (?:the next )?{_EN_N} (?:working|business) days?", _working_days, True),
        (rf"(?:with)?in (?:the next )?{_EN_N} days?", _days, True),
        (rf"(?:with)?in (?:the next )?{_EN_N} weeks?", _weeks, True),
        (rf"{_BY}(?:the )?end of (?:this |the |(?P<next>next ))?week", _this_week, True),
        (rf"{_BY}(?:the )?end of (?:this |the )?month", _this_month, True),
        (rf"{_BY}(?P<next>next )?(?:the end of )?(?P<day>{'|'.join(_EN_DAYS)})\b{_EN_CLOCK}", _weekday, True),
        (rf"(?:on )?(?P<next>next )?(?P<day>{'|'.join(_EN_DAYS)})\b{_EN_CLOCK}", _weekday, False),
        (rf"{_BY}(?P<date>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {_MONTH}", _month_day, True),
        (rf"{_BY}{_MONTH} (?P<date>\d{{1,2}})(?:st|nd|rd|th)?\b", _month_day, True),
        (
            rf"{_BY}(?:the )?(?:end of )?(?P<day>today|tonight|tomorrow|(?<=end of )(?:the )?day)\b{_EN_CLOCK}",
            _named_day,
            True,
        ),
        (rf"\b(?P<day>today|tonight|tomorrow)\b{_EN_CLOCK}", _named_day, False),
    )
)


def find_promise(text: str, *, at: datetime, calendar: BusinessCalendar, is_surely: bool = False) -> Suggestion | None:
    """Return the first promise with a date in a text, None when there is none.

    A bare day ("on Friday") counts only beside something one can promise; a limit ("by Friday") always does.
    With `is_surely` somebody said that the text promises something: then a bare day is one, too.
    """
    now = Moment(at, calendar)
    best: tuple[int, Suggestion] | None = None
    for pattern, reading, is_limit in READINGS:
        for match in pattern.finditer(text):
            sentence = _sentence(text, match)
            kind = kind_of(sentence)
            limited = is_limit or bool(match.groupdict().get("mark"))
            if kind is None and not limited and not is_surely:
                continue
            try:
                due_at = reading(match, now)
            except (OverflowError, ValueError):
                continue
            if due_at is None or not at < due_at <= at + FURTHEST:
                continue
            if best is None or match.start() < best[0]:
                best = (
                    match.start(),
                    Suggestion(kind or PromiseKind.OTHER, due_at, match[0].strip(), sentence.strip()),
                )
            break
    return best[1] if best else None


def kind_of(text: str) -> PromiseKind | None:
    """Return what is promised in a text, by its words; None when nothing known is."""
    return next((kind for kind, pattern in KINDS if pattern.search(text)), None)


def _sentence(text: str, match: re.Match[str]) -> str:
    """Return the sentence a match stands in."""
    begins = [stop.end() for stop in _STOP.finditer(text, 0, match.start())]
    end = _STOP.search(text, match.end())
    return text[begins[-1] if begins else 0 : end.start() if end else len(text)]

"""Due times read from an agent's words, within the shop's hours."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calendar import ALL_DAY, BusinessCalendar, DayKind, DayRule, Window
from tickets.promise_words import end_of_day, find_promise, working_day
from tickets.selectors.promises import propose_promise
from tickets.services import promises as services

pytestmark = pytest.mark.django_db
SHOP_HOURS = BusinessCalendar("Asia/Shanghai", ((Window(9 * 60, 18 * 60),),) * 5 + ((), ()))
# 2026-11-18 is a Wednesday; 10:00 in Shanghai
WEDNESDAY = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHOP_HOURS.zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("words", "kind", "due"),
    [
        ("您好，我们周五前给您退款。", "refund", "2026-11-20T18:00"),
        ("周五之前补发一个新的", "replacement", "2026-11-20T18:00"),
        ("下周三给您回电", "call", "2026-11-25T18:00"),
        ("24小时内给您答复", "answer", "2026-11-19T10:00"),
        ("两小时内回复您", "answer", "2026-11-18T12:00"),
        ("3个工作日内退款到账", "refund", "2026-11-23T18:00"),
        ("三天内发货", "shipping", "2026-11-20T18:00"),
        ("明天下午3点前给您回电", "call", "2026-11-19T15:00"),
        ("今天下班前给您结果", "answer", "2026-11-18T18:00"),
        ("12月3日前完成赔付", "compensation", "2026-12-03T18:00"),
        ("25号前发货", "shipping", "2026-11-25T18:00"),
        ("周六前给您退款", "refund", "2026-11-20T18:00"),
        ("We will refund you by Friday.", "refund", "2026-11-20T18:00"),
        ("You will get a replacement by next Monday.", "replacement", "2026-11-23T18:00"),
        ("I will get back to you within 24 hours.", "answer", "2026-11-19T10:00"),
        ("We ship in two business days", "shipping", "2026-11-20T18:00"),
        ("The refund is done by 3 December", "refund", "2026-12-03T18:00"),
        ("I call you tomorrow at 3 pm", "call", "2026-11-19T15:00"),
        ("This is done by tomorrow.", "other", "2026-11-19T18:00"),
        ("四十八小时内给您答复", "answer", "2026-11-20T10:00"),
        ("48h内回复", "answer", "2026-11-20T10:00"),
        ("半小时内给您回电", "call", "2026-11-18T10:30"),
        ("十五天内退款", "refund", "2026-12-03T18:00"),
        ("一周内补发", "replacement", "2026-11-25T18:00"),
        ("本周内给您结果", "answer", "2026-11-20T18:00"),
        ("下周内退款", "refund", "2026-11-27T18:00"),
        ("月底前退款", "refund", "2026-11-30T18:00"),
        ("We refund within a week", "refund", "2026-11-25T18:00"),
        ("By end of day I will call you", "call", "2026-11-18T18:00"),
        ("The refund is there by the end of the week", "refund", "2026-11-20T18:00"),
        ("It ships by the end of this month", "shipping", "2026-11-30T18:00"),
    ],
)
def test_dates_in_words_are_read(words: str, kind: str, due: str) -> None:
    found = find_promise(words, at=WEDNESDAY, calendar=SHOP_HOURS)
    assert found is not None
    assert (found.kind, found.due_at) == (kind, local(due))


@pytest.mark.parametrize(
    "words",
    [
        "谢谢您的耐心。",
        "您周五下的订单已经签收。",
        "Your order of Monday has arrived.",
        "13月45日前退款",
        "",
        "请看 2026 年款式",
        "您上月底买的杯子",
    ],
)
def test_other_words_promise_nothing(words: str) -> None:
    assert find_promise(words, at=WEDNESDAY, calendar=SHOP_HOURS) is None


@pytest.mark.parametrize(
    ("words", "kind", "due", "kept"),
    [
        ("您好！明天。谢谢", "other", "2026-11-19T18:00", "明天"),
        ("收到了。我们周五前给您退款，请放心。再见", "refund", "2026-11-20T18:00", "我们周五前给您退款，请放心"),
        ("Sorry. We refund you by Friday. Bye.", "refund", "2026-11-20T18:00", "We refund you by Friday"),
        ("We call you tomorrow at 3 pm", "call", "2026-11-19T15:00", "We call you tomorrow at 3 pm"),
        ("我们给您退款", "refund", "2026-11-19T18:00", "我们给您退款"),
        ("好的", "answer", "2026-11-19T18:00", "好的"),
    ],
)
def test_what_somebody_calls_a_promise_gets_a_date(words: str, kind: str, due: str, kept: str) -> None:
    found = propose_promise(words, said_at=WEDNESDAY, now=WEDNESDAY, calendar=SHOP_HOURS)
    assert (found.kind, found.due_at, found.words) == (kind, local(due), kept)


def test_a_date_said_and_gone_is_not_proposed() -> None:
    later = WEDNESDAY + timedelta(days=5)  # Monday, long after that Friday
    found = propose_promise("周五前退款", said_at=WEDNESDAY, now=later, calendar=SHOP_HOURS)
    assert (found.due_at, found.phrase) == (local("2026-11-24T18:00"), "")


ZONES = ["UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "America/Santiago", "Australia/Lord_Howe",
         "Asia/Kathmandu", "Pacific/Chatham"]  # fmt: skip


windows = st.lists(st.tuples(st.integers(0, 1439), st.integers(1, 1440)), max_size=1).map(
    lambda pairs: tuple(Window(start, start + length) for start, length in pairs)
)


calendars = st.builds(
    lambda tz, week, closed: BusinessCalendar(
        tz, tuple(week), tuple((date(2026, 10, day), DayRule(DayKind.CLOSED)) for day in sorted(closed))
    ),
    st.sampled_from(ZONES),
    st.lists(st.one_of(windows, st.just(ALL_DAY)), min_size=7, max_size=7),
    st.sets(st.integers(1, 31), max_size=6),
)


moments = st.integers(0, 57_000_000).map(lambda seconds: datetime(2026, 2, 1, tzinfo=UTC) + timedelta(seconds=seconds))


@given(calendar=calendars, at=moments, ahead=st.integers(0, 40))
def test_the_end_of_a_day_lies_ahead_and_not_after_that_day(calendar: Any, at: datetime, ahead: int) -> None:
    day = at.astimezone(calendar.zone).date() + timedelta(days=ahead)
    due_at = end_of_day(calendar, day, at)
    assert due_at > at
    assert due_at.astimezone(calendar.zone).date() <= day or due_at <= at + timedelta(minutes=1)
    spans = calendar.open_spans(day)
    if ahead and spans and due_at.astimezone(calendar.zone).date() == day:
        assert due_at.astimezone(calendar.zone).hour <= 23


@given(calendar=calendars, at=moments, count=st.integers(1, 10))
def test_working_days_are_counted_forward(calendar: Any, at: datetime, count: int) -> None:
    day = at.astimezone(calendar.zone).date()
    found = working_day(calendar, day, count)
    between = [day + timedelta(days=n) for n in range(1, (found - day).days + 1)]
    if any(calendar.rule_on(one).windows for one in between):
        assert sum(bool(calendar.rule_on(one).windows) for one in between) == count
        assert calendar.rule_on(found).windows
    else:
        assert found == day + timedelta(days=count)


PHRASES = st.sampled_from(
    ["周五前退款", "今天给您回复", "明天下午3点前回电", "24小时内答复", "3个工作日内退款", "by Friday we refund",
     "within 2 days", "refund by tomorrow", "下周日前补发", "30号前退款"]
)  # fmt: skip


@given(calendar=calendars, at=moments, words=PHRASES)
def test_a_promise_found_is_always_due_ahead(calendar: Any, at: datetime, words: str) -> None:
    found = find_promise(words, at=at, calendar=calendar)
    assert found is not None
    assert at < found.due_at <= at + timedelta(days=120)
    assert at <= services.warning_time(at, found.due_at) <= found.due_at

"""Calendars as people edit them: validation, the concurrency token, holidays that survive re-seeding, events."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path
from runpy import run_path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from core.actors import SYSTEM, Actor
from core.calendar import due, elapsed, explain, in_words
from core.calendar.holiday_source import published_days
from core.calendar.jobs import refresh_holidays_of_all_countries
from core.calendar.models import CalendarDefinition, HolidayDay
from core.calendar.selectors import default_calendar, load_calendar, load_calendars, warm_calendars
from core.calendar.services import (
    CalendarInput,
    add_exception,
    refresh_holidays,
    remove_exception,
    restore_holiday,
    save_calendar,
    set_holiday,
)
from core.errors import InvalidInput, NotFound, StaleEdit
from core.models import Event
from tests.factories.calendars import NOW, OFFICE_DAY, OFFICE_WEEK, make_calendar

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
SHANGHAI = ZoneInfo("Asia/Shanghai")
SUPERVISOR = Actor.staff(7)
LATER = NOW + timedelta(minutes=5)


def whats() -> list[tuple[str, int, int]]:
    rows = Event.objects.filter(kind="calendar.changed").order_by("id").values_list("data", "subject_id")
    return [(data["what"], data["version"], subject) for data, subject in rows]


def test_the_first_calendar_is_the_default_and_says_so() -> None:
    first = make_calendar(actor=SUPERVISOR)
    second = make_calendar(name="夜班", weekly=[[["22:00", "06:00"]]] * 7)
    assert (first.is_default, second.is_default, first.version) == (True, False, 1)
    assert whats() == [("made", 1, first.pk), ("made", 1, second.pk)]
    assert Event.objects.filter(actor_type="staff", actor_id=7).count() == 1


def test_a_new_default_takes_over_and_the_last_cannot_step_down() -> None:
    first = make_calendar()
    second = make_calendar(name="夜班", is_default=True)
    first.refresh_from_db()
    assert (first.is_default, second.is_default) == (False, True)
    again = CalendarInput(name="夜班", timezone="Asia/Shanghai", weekly=OFFICE_WEEK, is_default=False)
    kept = save_calendar(values=again, calendar_id=second.pk, version=1, actor=SYSTEM, at=LATER)
    assert kept.is_default
    assert kept.version == 1  # nothing changed, nothing told


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("name", {"name": "  "}),
        ("name", {"name": "x" * 81}),
        ("name", {"name": "客服一组"}),
        ("timezone", {"timezone": "Mars/Olympus"}),
        ("holidays_country", {"holidays_country": "XX"}),
        ("weekly", {"weekly": [OFFICE_DAY] * 6}),
        ("weekly", {"weekly": [[]] * 7}),
        ("weekly", {"weekly": [[["9", "12:00"]]] + [[]] * 6}),
        ("weekly", {"weekly": [[["09:00", "12:00"], ["11:00", "13:00"]]] + [[]] * 6}),
    ],
)
def test_what_cannot_be_a_calendar_is_refused_at_its_field(field: str, values: dict[str, object]) -> None:
    make_calendar()
    with pytest.raises(InvalidInput) as refusal:
        make_calendar(**{"name": "Other", **values})
    assert list(refusal.value.fields) == [field]
    assert CalendarDefinition.objects.count() == 1


def test_a_stale_edit_shows_both_and_changes_nothing() -> None:
    calendar = make_calendar()
    mine = CalendarInput(name="我的", timezone="Asia/Shanghai", weekly=OFFICE_WEEK)
    theirs = CalendarInput(name="她的", timezone="Asia/Shanghai", weekly=OFFICE_WEEK, is_default=True)
    save_calendar(values=theirs, calendar_id=calendar.pk, version=1, actor=SYSTEM, at=LATER)
    with pytest.raises(StaleEdit) as refusal:
        save_calendar(values=mine, calendar_id=calendar.pk, version=1, actor=SYSTEM, at=LATER)
    assert {"field": "name", "yours": "我的", "theirs": "她的"} in refusal.value.changes
    assert load_calendar(calendar.pk).name == "她的"


def test_exceptions_go_before_holidays_and_move_deadlines_both_ways() -> None:
    calendar = make_calendar(holidays_country="CN")
    begin = datetime(2026, 12, 31, 17, tzinfo=SHANGHAI)
    add_exception(calendar_id=calendar.pk, on=date(2026, 12, 31), kind="closed", label="盘点", actor=SYSTEM, at=LATER)
    new_year = add_exception(
        calendar_id=calendar.pk, on=date(2027, 1, 1), kind="hours", windows=[["10:00", "11:00"]], actor=SYSTEM, at=LATER
    )
    makeup = add_exception(
        calendar_id=calendar.pk, on=date(2027, 1, 2), kind="makeup", follows_weekday=0, actor=SYSTEM, at=LATER
    )
    assert due(load_calendar(calendar.pk), begin, timedelta(hours=2)) == datetime(2027, 1, 2, 10, tzinfo=SHANGHAI)
    remove_exception(exception_id=new_year.pk, actor=SYSTEM, at=LATER)
    remove_exception(exception_id=makeup.pk, actor=SYSTEM, at=LATER)
    assert due(load_calendar(calendar.pk), begin, timedelta(hours=2)) == datetime(2027, 1, 4, 11, tzinfo=SHANGHAI)
    assert [what for what, _, _ in whats()] == ["made", *["exception_added"] * 3, *["exception_removed"] * 2]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("kind", {"kind": "party"}),
        ("windows", {"kind": "hours"}),
        ("windows", {"kind": "hours", "windows": [["10:00", "x"]]}),
        ("follows_weekday", {"kind": "makeup"}),
        ("follows_weekday", {"kind": "makeup", "follows_weekday": 7}),
        ("on", {"kind": "closed", "on": date(2026, 12, 25)}),
    ],
)
def test_an_exception_that_means_nothing_is_refused(field: str, values: dict[str, object]) -> None:
    calendar = make_calendar()
    add_exception(calendar_id=calendar.pk, on=date(2026, 12, 25), kind="closed", actor=SYSTEM, at=NOW)
    with pytest.raises(InvalidInput) as refusal:
        add_exception(**{"calendar_id": calendar.pk, "on": date(2026, 12, 26), "actor": SYSTEM, "at": NOW, **values})
    assert list(refusal.value.fields) == [field]


def test_what_is_gone_is_not_found() -> None:
    with pytest.raises(NotFound):
        load_calendar(0)
    with pytest.raises(NotFound):
        add_exception(calendar_id=0, on=date(2026, 1, 1), kind="closed", actor=SYSTEM, at=NOW)
    with pytest.raises(NotFound):
        remove_exception(exception_id=0, actor=SYSTEM, at=NOW)
    with pytest.raises(NotFound):
        restore_holiday(holiday_id=0, actor=SYSTEM, at=NOW)


def test_the_announced_year_2026_is_the_state_councils() -> None:
    days = published_days([2026])
    off = {day.on for day in days if day.kind == "holiday"}
    blocks = [((1, 1), 3), ((2, 15), 9), ((4, 4), 3), ((5, 1), 5), ((6, 19), 3), ((9, 25), 3), ((10, 1), 7)]
    assert off == {date(2026, *first) + timedelta(days=n) for first, length in blocks for n in range(length)}
    assert {day.on: day.follows_weekday for day in days if day.kind == "workday"} == {
        date(2026, 1, 4): 4,
        date(2026, 2, 14): 4,
        date(2026, 2, 28): 0,
        date(2026, 5, 9): 1,
        date(2026, 9, 20): 1,
        date(2026, 10, 10): 2,
    }
    assert {day.source for day in days} == {"official"}
    assert {day.name_zh for day in days if date(2026, 10, 1) <= day.on <= date(2026, 10, 7)} == {"国庆节"}


def test_a_year_nobody_announced_is_estimated() -> None:
    assert {day.source for day in published_days([2049])} == {"estimated"}


def test_golden_week_is_closed_and_its_make_up_saturday_works_like_wednesday() -> None:
    half_wednesday = [OFFICE_DAY, OFFICE_DAY, [["09:00", "12:00"]], OFFICE_DAY, OFFICE_DAY, OFFICE_DAY, []]
    calendar = load_calendar(make_calendar(weekly=half_wednesday, holidays_country="CN").pk)
    begin = datetime(2026, 9, 30, 11, tzinfo=SHANGHAI)
    assert elapsed(calendar, begin, datetime(2026, 10, 8, tzinfo=SHANGHAI)) == timedelta(hours=1)  # also on Saturday
    saturday = datetime(2026, 10, 10, tzinfo=SHANGHAI)
    assert elapsed(calendar, saturday, saturday + timedelta(days=1)) == timedelta(hours=3)


def test_the_companys_own_holidays_survive_a_refresh() -> None:
    calendar = make_calendar(holidays_country="CN")
    set_holiday(on=date(2026, 10, 7), kind="ordinary", actor=SUPERVISOR, at=LATER)
    own = set_holiday(on=date(2026, 11, 11), kind="holiday", name_zh="大促后休整", actor=SUPERVISOR, at=LATER)
    HolidayDay.objects.filter(on=date(2026, 10, 1)).delete()
    HolidayDay.objects.filter(on=date(2026, 10, 2)).update(name_zh="旧名", source="estimated")
    HolidayDay.objects.create(on=date(2026, 7, 1), kind="holiday", source="estimated", updated_at=NOW)
    result = refresh_holidays(years=[2026], actor=SYSTEM, at=LATER)
    assert (result.added, result.changed, result.removed, result.kept) == (1, 1, 1, 2)
    value = load_calendar(calendar.pk)
    wednesday = datetime(2026, 10, 7, tzinfo=SHANGHAI)
    assert elapsed(value, wednesday, wednesday + timedelta(days=1)) == timedelta(hours=7.5)
    assert value.rule_on(date(2026, 11, 11)).name.zh == "大促后休整"
    again = refresh_holidays(years=[2026], actor=SYSTEM, at=LATER)
    assert (again.added, again.changed, again.removed) == (0, 0, 0)
    assert [what for what, _, _ in whats()] == ["made", "holidays", "holidays", "holidays"]
    restore_holiday(holiday_id=own.pk, actor=SUPERVISOR, at=LATER)
    assert not HolidayDay.objects.filter(on=date(2026, 11, 11)).exists()
    restore_holiday(holiday_id=HolidayDay.objects.get(on=date(2026, 10, 7)).pk, actor=SUPERVISOR, at=LATER)
    assert load_calendar(calendar.pk).rule_on(date(2026, 10, 7)).name.zh == "国庆节"


def test_a_holiday_that_means_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput) as refusal:
        set_holiday(on=date(2026, 1, 1), kind="workday", country="XX", actor=SYSTEM, at=NOW)
    assert sorted(refusal.value.fields) == ["country", "follows_weekday"]


def test_calendars_without_holidays_are_left_alone_by_a_refresh() -> None:
    calendar = make_calendar()
    set_holiday(on=date(2026, 11, 11), kind="holiday", actor=SYSTEM, at=LATER)
    calendar.refresh_from_db()
    assert calendar.version == 1


def test_the_daily_job_seeds_the_countries_in_use(time_machine: object) -> None:
    time_machine.move_to(NOW)
    make_calendar(holidays_country="CN")
    HolidayDay.objects.all().delete()
    refresh_holidays_of_all_countries(period_start=NOW)
    assert sorted(HolidayDay.objects.values_list("on__year", flat=True).distinct()) == [2025, 2026, 2027]


def test_loading_costs_one_query_and_building_once(django_assert_num_queries: Any) -> None:
    calendar, other = make_calendar(holidays_country="CN"), make_calendar(name="B")
    first = load_calendar(calendar.pk)
    with django_assert_num_queries(1):
        assert load_calendar(calendar.pk) is first
    with django_assert_num_queries(2):  # the versions, and the exceptions of the one not built yet
        assert set(load_calendars([calendar.pk, other.pk, 0])) == {calendar.pk, other.pk}
    assert default_calendar() is first


def test_without_any_calendar_all_time_counts() -> None:
    assert default_calendar().is_around_the_clock


def test_a_rolled_back_change_is_not_remembered() -> None:
    calendar = make_calendar()
    for name, keep in (("draft", False), ("final", True)):
        values = CalendarInput(name=name, timezone="Asia/Shanghai", weekly=OFFICE_WEEK, is_default=True)
        with transaction.atomic():
            save_calendar(values=values, calendar_id=calendar.pk, version=1, actor=SYSTEM, at=LATER)
            assert load_calendar(calendar.pk).name == name
            transaction.set_rollback(not keep)
    assert load_calendar(calendar.pk).name == "final"


def test_the_database_refuses_what_no_service_would_write() -> None:
    calendar = make_calendar()
    for values in ({"kind": "party"}, {"kind": "makeup"}, {"kind": "closed", "follows_weekday": 1}):
        with pytest.raises(IntegrityError), transaction.atomic():
            calendar.exceptions.create(on=date(2026, 1, 1), **values)
    with pytest.raises(IntegrityError), transaction.atomic():
        CalendarDefinition.objects.create(name="X", is_default=True, updated_at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        HolidayDay.objects.create(on=NOW, kind="holiday", source="rumour", updated_at=NOW)


@pytest.mark.django_db(transaction=True)
def test_two_editors_at_once_one_wins_and_one_is_told() -> None:
    calendar = make_calendar()

    def edit(name: str) -> str:
        values = CalendarInput(name=name, timezone="Asia/Shanghai", weekly=OFFICE_WEEK, is_default=True)
        try:
            save_calendar(values=values, calendar_id=calendar.pk, version=1, actor=SYSTEM, at=LATER)
        except StaleEdit:
            return "stale"
        finally:
            connections.close_all()
        return "saved"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(edit, "abcd")) == ["saved", "stale", "stale", "stale"]
    calendar.refresh_from_db()
    assert calendar.version == 2


def test_an_explanation_reads_as_a_colleague_would_say_it() -> None:
    calendar = make_calendar(holidays_country="CN")
    add_exception(calendar_id=calendar.pk, on=date(2026, 10, 9), kind="closed", label="盘点", actor=SYSTEM, at=LATER)
    explanation = explain(
        load_calendar(calendar.pk),
        datetime(2026, 9, 30, 17, 30, tzinfo=SHANGHAI),
        target=timedelta(hours=9),
        pauses=[(datetime(2026, 10, 8, 10, tzinfo=SHANGHAI), datetime(2026, 10, 8, 11, tzinfo=SHANGHAI))],
    )
    with translation.override("en"):
        assert in_words(explanation) == (
            "Wed 30 Sep 17:30–18:00 counts 30 min; Thu 1 Oct to Wed 7 Oct off: National Day; "
            "Thu 8 Oct 09:00–10:00 counts 1 h; Thu 8 Oct 10:00–11:00 paused; Thu 8 Oct 11:00–12:00 counts 1 h; "
            "Thu 8 Oct 13:30–18:00 counts 4 h 30 min; Fri 9 Oct off: 盘点; "
            "Sat 10 Oct 09:00–11:00 counts 2 h (make-up day, works like Wed); "
            "total 9 h, until Sat 10 Oct 11:00"
        )
    with translation.override("zh-hans"):
        assert in_words(explanation) == (
            "9月30日周三 17:30–18:00 计 30 分钟；10月1日周四至10月7日周三 休息（国庆节）；"
            "10月8日周四 09:00–10:00 计 1 小时；10月8日周四 10:00–11:00 暂停计时；10月8日周四 11:00–12:00 计 1 小时；"
            "10月8日周四 13:30–18:00 计 4 小时 30 分钟；10月9日周五 休息（盘点）；"
            "10月10日周六 09:00–11:00 计 2 小时（调休上班，按周三的时间）；"
            "合计 9 小时，到 10月10日周六 11:00"
        )


def test_a_server_that_begins_has_read_the_calendars_before_its_first_page() -> None:
    make_calendar()
    hooks = run_path(str(ROOT / "deploy" / "gunicorn.conf.py"))
    with CaptureQueriesContext(connection) as reading:
        warmed = warm_calendars()
    assert warmed == CalendarDefinition.objects.count() > 0
    with CaptureQueriesContext(connection) as again:
        warm_calendars()
    assert (len(reading) > 1, len(again)) == (True, 1)
    assert callable(hooks["post_worker_init"])

"""The calendar settings as a supervisor uses them, and as nobody else can."""

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.actors import SYSTEM
from core.calendar.models import CalendarDefinition, CalendarException, HolidayDay
from core.calendar.services import CalendarInput, add_exception, save_calendar
from tests.factories.accounts import make_staff
from tests.factories.calendars import NOW, OFFICE_WEEK, make_calendar

pytestmark = pytest.mark.django_db
LIST = "/settings/calendars/"
TYPED = {
    "name": "客服二组",
    "timezone": "Asia/Shanghai",
    "follows_holidays": "on",
    **{f"day_{n}": "9:00-12:00，13:30～18:00" for n in range(5)},
    "day_5": "22:00 – 06:00",
    "day_6": "",
}


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(make_staff(roles=["supervisor"]))
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


@pytest.mark.parametrize("address", [LIST, f"{LIST}new/", "/settings/holidays/"])
def test_strangers_and_agents_stay_outside(client: Client, address: str) -> None:
    assert client.get(address).status_code == 302
    client.force_login(make_staff(roles=["agent"]))
    assert client.get(address).status_code == 403


def test_wrong_methods_are_refused(boss: Client) -> None:
    calendar = make_calendar()
    assert boss.post(LIST).status_code == 405
    assert boss.get(f"{LIST}{calendar.pk}/exceptions/").status_code == 405
    assert boss.get("/settings/holidays/refresh/").status_code == 405
    assert boss.get(f"{LIST}999999/").status_code == 404


def test_a_calendar_is_made_from_hours_as_people_type_them(boss: Client) -> None:
    assert boss.get(LIST).status_code == 200
    assert boss.get(f"{LIST}new/").status_code == 200
    answer = boss.post(f"{LIST}new/", TYPED)
    row = CalendarDefinition.objects.get()
    assert (answer.status_code, answer.url) == (302, f"{LIST}{row.pk}/")
    assert row.weekly == [[["09:00", "12:00"], ["13:30", "18:00"]]] * 5 + [[["22:00", "06:00"]], []]
    assert (row.holidays_country, row.is_default, row.timezone) == ("CN", True, "Asia/Shanghai")
    page = boss.get(f"{LIST}{row.pk}/").content.decode()
    assert 'value="09:00–12:00, 13:30–18:00"' in page
    assert 'id="trial"' in page


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("day_2", "9 bis 5", "Write periods like"),
        ("day_2", "09:00-12:00 11:00-13:00", "Write periods like"),
        ("name", "", "This field is required"),
        ("timezone", "Mars/Base", "Select a valid choice"),
        ("name", "客服一组", "There is already a calendar with this name"),
    ],
)
def test_what_is_wrong_is_said_beside_what_was_typed(boss: Client, field: str, value: str, words: str) -> None:
    make_calendar()
    answer = boss.post(f"{LIST}new/", TYPED | {field: value})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert CalendarDefinition.objects.count() == 1


def test_a_week_that_is_never_open_is_refused(boss: Client) -> None:
    answer = boss.post(f"{LIST}new/", {"name": "X", "timezone": "UTC"})
    assert answer.status_code == 422
    assert "at least one day" in answer.content.decode()


def test_a_preview_shows_the_effect_and_saves_nothing(boss: Client) -> None:
    calendar = make_calendar()
    shorter = TYPED | {"version": 1, "preview": "1", "start": "2026-11-20T17:30", "hours": "8"}
    shorter |= {"day_0": "10:00-11:00", "day_5": ""}
    answer = boss.post(f"{LIST}{calendar.pk}/", shorter)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Mon 23 Nov 10:00–11:00 counts 1 h" in page  # with the changes
    assert "Mon 23 Nov 13:30–18:00 counts 4 h 30 min" in page  # as saved
    calendar.refresh_from_db()
    assert (calendar.version, calendar.weekly) == (1, OFFICE_WEEK)


def test_a_deadline_can_be_tried(boss: Client) -> None:
    calendar = make_calendar()
    page = boss.get(f"{LIST}{calendar.pk}/?start=2026-11-20T17:30&hours=8").content.decode()
    assert "total 8 h, until Mon 23 Nov 18:00" in page
    assert "In plain hours that is 72 h 30 min." in page
    for odd in ("start=never&hours=x", "start=9999-12-31T23:59&hours=8", "start=0001-01-01T00:00&hours=8", "hours=1e9"):
        answer = boss.get(f"{LIST}{calendar.pk}/?{odd}")
        assert answer.status_code == 200
        assert 'class="field-error"' in answer.content.decode()
    address = f"{LIST}{make_calendar(name='B', weekly=[[['09:00', '09:01']]] + [[]] * 6).pk}/"
    assert "not be due within ten years" in boss.get(f"{address}?start=2026-11-20T17:30&hours=2000").content.decode()


def test_a_stale_edit_keeps_what_was_typed_and_shows_the_other(boss: Client) -> None:
    calendar = make_calendar()
    theirs = CalendarInput(name="夜班", timezone="UTC", weekly=[*OFFICE_WEEK[:4], [], [], []], is_default=True)
    save_calendar(values=theirs, calendar_id=calendar.pk, version=1, actor=SYSTEM, at=NOW)
    answer = boss.post(f"{LIST}{calendar.pk}/", TYPED | {"version": 1})
    page = answer.content.decode()
    assert answer.status_code == 409
    for words in ('value="客服二组"', "夜班", "Mon–Thu 09:00–12:00, 13:30–18:00", 'name="version" value="2"'):
        assert words in page
    assert boss.post(f"{LIST}{calendar.pk}/", TYPED | {"version": 2}).status_code == 302


def test_single_dates_come_and_go(boss: Client) -> None:
    calendar = make_calendar()
    address = f"{LIST}{calendar.pk}/exceptions/"
    day = f"{timezone.now().year + 1}-01-04"
    assert (
        boss.post(address, {"on": day, "kind": "hours", "windows": "10:00-16:00", "label": "盘点"}).status_code == 302
    )
    again = boss.post(address, {"on": day, "kind": "closed"})
    assert again.status_code == 422
    assert "already has an exception" in again.content.decode()
    assert boss.post(address, {"on": "x", "kind": "party"}).status_code == 422
    page = boss.get(f"{LIST}{calendar.pk}/").content.decode()
    assert "盘点" in page
    assert "10:00–16:00" in page
    row = CalendarException.objects.get()
    assert boss.post(f"{LIST}exceptions/{row.pk}/remove/").status_code == 302
    assert not CalendarException.objects.exists()


def test_holidays_are_shown_set_restored_and_refreshed(boss: Client) -> None:
    assert boss.get("/settings/holidays/").status_code == 200
    assert boss.post("/settings/holidays/refresh/").status_code == 302
    page = boss.get("/settings/holidays/?year=2026").content.decode()
    assert "National Day" in page
    typed = {"on": "2026-10-08", "kind": "holiday", "name_zh": "大促后休整"}
    assert boss.post("/settings/holidays/", typed).url == "/settings/holidays/?year=2026"
    assert boss.post("/settings/holidays/", typed | {"kind": "workday"}).status_code == 422
    row = HolidayDay.objects.get(on=date(2026, 10, 8))
    assert boss.post(f"/settings/holidays/{row.pk}/restore/").status_code == 302
    assert not HolidayDay.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("count", [1, 3])
def test_the_pages_ask_the_same_number_of_questions(boss: Client, django_assert_num_queries: Any, count: int) -> None:
    for n in range(count):
        calendar = make_calendar(name=f"C{n}", holidays_country="CN", is_default=True)
        for day in range(n + 1):
            add_exception(calendar_id=calendar.pk, on=date(2031, 1, day + 1), kind="closed", actor=SYSTEM, at=NOW)
    boss.get(f"{LIST}{calendar.pk}/")
    with CaptureQueriesContext(connection) as shell:  # session, user and the rail: this page asks nothing itself
        boss.get(f"{LIST}new/")
    with django_assert_num_queries(len(shell) + 1):
        boss.get(LIST)
    with django_assert_num_queries(len(shell) + 3):  # the calendar for the form, again for the trial, its dates
        boss.get(f"{LIST}{calendar.pk}/")
    with django_assert_num_queries(len(shell) + 2):
        boss.get("/settings/holidays/")

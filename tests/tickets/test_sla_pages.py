"""Reply times on their pages: policies, their effect first, new terms in batches, and why a ticket is due."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from core.actors import SYSTEM
from core.calendar import services as calendar_services
from core.calendar.models import HolidayDay
from core.calendar.selectors import load_calendar
from core.jobs import drain
from core.models import Job
from tests.factories.accounts import make_staff
from tests.factories.calendars import make_calendar
from tests.factories.tickets import make_reply, make_ticket
from tickets import services
from tickets.models import RepriceRun, SlaClock, SlaPolicy
from tickets.services.sla.explaining import explain_clocks
from tickets.services.sla.policies import PolicyTerms, preview_policy_change, save_policy
from tickets.services.sla.rebuilding import differences

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)  # a Friday, 10:00 in Shanghai
HOUR = timedelta(hours=1)


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(make_staff(roles=["manager"]))
    return client


def default_terms(**fields):
    given = {"name": "默认", "first_response_minutes": 120, "next_response_minutes": 240, "resolution_minutes": 2880}
    return PolicyTerms(**{**given, **fields})


def posted(**fields):
    given = {
        "name": "Default", "first_response_minutes": "2 h", "next_response_minutes": "4小时",
        "resolution_minutes": "2天", "close_after_days": 7, "warn_percent": 75, "breach_move": "keep", "version": 1,
    }  # fmt: skip
    return {**given, **fields}


def test_the_list_shows_policies_in_their_order_and_moves_them(boss):
    one = SlaPolicy.objects.create(name="Gold", tiers=["gold"], position=10)
    two = SlaPolicy.objects.create(name="Mail", channels=["email"], position=20)
    page = boss.get(reverse("tickets:settings_sla")).content.decode()
    assert page.index("Gold") < page.index("Mail") < page.index("其他策略都不符合的工单")
    assert boss.post(reverse("tickets:settings_sla_move", args=[two.pk]), {"to": "up"}).status_code == 302
    assert list(SlaPolicy.objects.filter(is_default=False).order_by("position")) == [two, one]


def test_a_policy_is_made_and_wrong_terms_are_refused(boss):
    url = reverse("tickets:settings_sla_new")
    fields = posted(name="Complaints", priorities=["40"], channels=["email", "form"], is_active="on")
    assert boss.post(url, fields | {"resolution_minutes": "60 min"}).status_code == 422
    assert boss.post(url, fields | {"breach_move": "team"}).status_code == 422
    assert boss.post(url, fields).status_code == 302
    made = SlaPolicy.objects.get(name="Complaints")
    assert (made.priorities, made.channels, made.is_default) == ([40], ["email", "form"], False)


def test_a_stranger_to_settings_is_refused(client):
    client.force_login(make_staff())
    for name in ("settings_sla", "settings_sla_new", "settings_sla_progress"):
        assert client.get(reverse(f"tickets:{name}")).status_code == 403


def test_the_effect_is_shown_first_and_nothing_is_saved(boss):
    now = timezone.now()
    for age in (1, 3, 5):
        make_ticket(at=now - age * HOUR)
    policy = SlaPolicy.objects.get(is_default=True)
    page = boss.post(
        reverse("tickets:settings_sla_edit", args=[policy.pk]), posted(first_response_minutes="半小时", preview="1")
    ).content.decode()
    assert "6 个进行中的时限里有 3 个会变动：3 个提前，0 个延后。" in page
    assert "目前超时 2 个，调整后超时 3 个。" in page
    policy.refresh_from_db()
    assert (policy.first_response_minutes, RepriceRun.objects.count()) == (120, 0)


@pytest.mark.django_db(transaction=True)
def test_new_terms_reach_running_clocks_in_batches_and_leave_answered_ones(boss, monkeypatch):
    monkeypatch.setattr("tickets.services.sla.repricing.BATCH", 2)
    now = timezone.now()
    answered, *others = [make_ticket(at=now - HOUR) for _ in range(4)]
    make_reply(answered, make_staff(), at=now)
    policy = SlaPolicy.objects.get(is_default=True)
    expected = preview_policy_change(pk=policy.pk, terms=default_terms(first_response_minutes=300), at=now)
    url = reverse("tickets:settings_sla_edit", args=[policy.pk])
    held_back = boss.post(url, posted(first_response_minutes="5 小时"))  # its effect is shown before it is saved
    assert (held_back.status_code, RepriceRun.objects.count()) == (200, 0)
    mark = held_back.context["seen"]
    assert boss.post(url, posted(first_response_minutes="301 分钟", seen=mark)).status_code == 200  # that was not shown
    assert boss.post(url, posted(first_response_minutes="5 小时", seen=mark)).status_code == 302
    drain(seconds=10)
    run = RepriceRun.objects.get()
    assert (run.done_count, run.earlier_count, run.later_count) == (4, expected.earlier, expected.later) == (4, 0, 3)
    assert run.finished_at is not None
    for ticket in others:
        ticket.refresh_from_db()
        assert ticket.first_response_due_at == ticket.next_due_at == ticket.opened_at + 5 * HOUR
        assert differences(ticket, at=now) == []
    answered.refresh_from_db()
    assert answered.first_response_due_at == answered.opened_at + 2 * HOUR
    last_look = Job.objects.get(name="tickets.reprice_clocks", state="ready")
    assert last_look.payload["is_last"] is True
    shown = boss.get(reverse("tickets:settings_sla_progress"))
    assert [row.pk for row in shown.context["runs"]] == [run.pk]


@pytest.mark.django_db(transaction=True)
def test_a_calendar_change_moves_its_clocks_and_only_those():
    office, other = make_calendar(), make_calendar(name="别处")
    SlaPolicy.objects.update(is_business_time=True, calendar_id=office.pk)
    SlaPolicy.objects.create(
        name="别处", channels=["email"], is_business_time=True, calendar_id=other.pk, position=1,
    )  # fmt: skip
    mine, theirs = make_ticket(at=AT), make_ticket(at=AT, channel="email")
    before = theirs.resolution_due_at
    calendar_services.add_exception(
        calendar_id=office.pk, on=AT.date() + timedelta(days=3), kind="closed", actor=SYSTEM, at=AT
    )
    drain(seconds=10)
    old = mine.resolution_due_at
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert mine.resolution_due_at > old
    assert theirs.resolution_due_at == before
    clock = SlaClock.objects.get(ticket=mine, kind="resolution")
    assert clock.calendar_version == office.version + 1
    assert differences(mine, at=AT) == []
    assert load_calendar(office.pk).rule_on(AT.date() + timedelta(days=3)).windows == ()


SHANGHAI = ZoneInfo("Asia/Shanghai")
HALF_DAYS = {f"day_{n}": "00:00-12:00" for n in range(7)}


@pytest.fixture
def follower():
    """Return a calendar open round the clock that follows public holidays, and the default policy counting in it."""
    calendar = make_calendar(weekly=[[["00:00", "24:00"]]] * 7, holidays_country="CN", at=timezone.now())
    SlaPolicy.objects.update(is_business_time=True, calendar_id=calendar.pk, resolution_minutes=20 * 24 * 60)
    return calendar


def ordinary_day() -> date:
    """Return a day before the solution is due, after the first reply is, that is no public holiday."""
    first = timezone.now().astimezone(SHANGHAI).date()
    days = [first + timedelta(days=n) for n in range(2, 18)]
    return next(day for day in days if not HolidayDay.objects.filter(on=day).exists())


def changes_of(kind: str, calendar):
    """Return the address and the fields of a change that moves deadlines of the next days."""
    if kind == "hours":
        fields = {"name": calendar.name, "timezone": calendar.timezone, "follows_holidays": "on", "is_default": "on"}
        return reverse("core:calendar_edit", args=[calendar.pk]), fields | HALF_DAYS | {"version": calendar.version}
    if kind == "date":
        return reverse("core:calendar_exception_add", args=[calendar.pk]), {"on": ordinary_day(), "kind": "closed"}
    if kind == "holiday":
        return reverse("core:holidays"), {"on": ordinary_day(), "kind": "holiday", "name_zh": "店庆"}
    if kind == "remove":
        made = calendar_services.add_exception(
            calendar_id=calendar.pk, on=ordinary_day(), kind="closed", actor=SYSTEM, at=timezone.now()
        )
        return reverse("core:calendar_exception_remove", args=[made.pk]), {}
    day = calendar_services.set_holiday(
        on=ordinary_day(), kind="holiday", actor=SYSTEM, at=timezone.now(), name_zh="店庆"
    )
    return reverse("core:holiday_restore", args=[day.pk]), {}


@pytest.mark.parametrize(
    ("kind", "later"), [("hours", True), ("date", True), ("holiday", True), ("remove", False), ("restore", False)]
)
@pytest.mark.django_db(transaction=True)
def test_a_calendar_is_changed_only_after_its_effect_was_shown_and_then_does_that(boss, follower, kind, later):
    ticket = make_ticket(at=timezone.now())
    url, fields = changes_of(kind, follower)
    drain(seconds=10)
    follower.refresh_from_db()
    fields = fields | ({"version": follower.version} if "version" in fields else {})
    ticket.refresh_from_db()
    before = ticket.resolution_due_at

    held_back = boss.post(url, fields)
    page = held_back.content.decode()
    effect = "0 个提前，1 个延后" if later else "1 个提前，0 个延后"
    if kind == "hours":  # half the hours a day also move the first reply, when it is afternoon
        assert "0 个提前" in page
    else:
        assert effect in page
    assert "再按一次" in page
    old = follower.version
    follower.refresh_from_db()
    assert follower.version == old
    assert RepriceRun.objects.filter(finished_at__isnull=True).count() == 0
    runs = RepriceRun.objects.count()

    answer = boss.post(url, fields | {"seen": held_back.context["seen"] if kind != "date" else seen_in(page)})
    assert answer.status_code == 302
    drain(seconds=10)
    ticket.refresh_from_db()
    run = RepriceRun.objects.order_by("-pk")[0]
    assert RepriceRun.objects.count() == runs + 1
    if kind == "hours":
        assert run.earlier_count == 0 < run.later_count
    else:
        assert (run.earlier_count, run.later_count) == ((0, 1) if later else (1, 0))
    assert (ticket.resolution_due_at > before) is later
    assert differences(ticket, at=timezone.now()) == []


def seen_in(page: str) -> str:
    found = re.search(r'name="seen" value="(\w+)"', page)
    assert found
    return found[1]


def test_a_date_that_moves_no_clock_is_taken_at_once_and_can_be_looked_at_first(boss, follower):
    url = reverse("core:calendar_exception_add", args=[follower.pk])
    fields = {"kind": "closed", "on": ordinary_day()}
    assert "没有进行中的时限" in boss.post(url, fields | {"preview": "1"}).content.decode()
    assert follower.exceptions.count() == 0
    assert boss.post(url, fields).status_code == 302
    assert follower.exceptions.count() == 1


@pytest.mark.parametrize(
    ("language", "paused", "beside"),
    [("zh-hans", "等待客户回复", "营业时间"), ("en", "Waiting for the customer", "Counted day and night")],
)
def test_the_explanation_tells_start_pauses_hours_and_result(language, paused, beside):
    calendar = make_calendar()
    SlaPolicy.objects.update(is_business_time=True, calendar_id=calendar.pk, resolution_minutes=600)
    staff, ticket = make_staff(), make_ticket(at=AT)
    services.change_status(ticket_id=ticket.pk, status="waiting_customer", actor=SYSTEM, at=AT + HOUR)
    services.change_status(ticket_id=ticket.pk, status="open", actor=SYSTEM, at=AT + 2 * HOUR)
    make_reply(ticket, staff, at=AT + 3 * HOUR)
    with translation.override(language):
        solution, first = explain_clocks(ticket, now=AT + 3 * HOUR, language=language)
    ticket.refresh_from_db()
    assert (solution.clock.kind, first.clock.kind) == ("resolution", "first_response")
    assert [str(pause.reason) for pause in solution.pauses] == [paused] if language == "en" else solution.pauses
    told = "\n".join(solution.lines)
    assert solution.clock.due_at == ticket.resolution_due_at
    assert ("暂停" if language != "en" else "paused") in told
    assert ("周六" if language != "en" else "Sat") in told  # days off are told too
    assert solution.beside
    assert solution.is_repriced is False
    if language == "en":
        assert beside in solution.beside


def test_the_dialog_is_opened_from_the_clock_and_works_as_a_page(client):
    client.force_login(make_staff(roles=["manager"]))
    ticket = make_ticket()
    url = reverse("tickets:clocks", args=[ticket.pk])
    assert url in client.get(reverse("tickets:ticket", args=[ticket.pk])).content.decode()
    page = client.get(url).content.decode()
    assert "到期时间怎么算的" in page
    assert "计算过程" in page
    part = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith("<dialog")
    assert "<html" not in part
    assert client.get(reverse("tickets:clocks", args=[999_999])).status_code == 404


def test_a_stale_edit_shows_what_others_saved(boss):
    policy = SlaPolicy.objects.get(is_default=True)
    save_policy(pk=policy.pk, terms=default_terms(first_response_minutes=90), at=AT, version=policy.version)
    answer = boss.post(reverse("tickets:settings_sla_edit", args=[policy.pk]), posted(first_response_minutes="1h"))
    assert answer.status_code == 422
    assert "1 小时 30 分钟" in answer.content.decode()

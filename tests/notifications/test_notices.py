"""One notice: the next channel when one fails, each once; quiet hours, cap and expiry; never twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from core.actors import SYSTEM
from core.jobs import drain
from core.models import Event, Job
from notifications.models import Delivery, Notice, NoticeCount
from notifications.quiet import end_of_quiet
from notifications.selectors.notices import notice_policy
from notifications.services import drop_notice, save_notice_policy
from notifications.services.accounts import PolicyDraft
from notifications.services.deliveries import address_index
from notifications.services.notices import follow_delivery
from notifications.services.suppressions import suppress_address
from tests.factories.notices import PHONE, make_account, make_notice_row, make_words, run_all
from tests.providers import Provider, provider_server
from tests.smtp import Sink

pytestmark = pytest.mark.django_db(transaction=True)
CHINA = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT, MORNING = time(22), time(8)


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    settings.OUTGOING_ALLOW = ["127.0.0.1"]
    make_words()
    with provider_server() as server:
        for channel in ("push", "wechat", "sms"):
            make_account(channel, server)
        yield server


def states() -> list[tuple[str, str]]:
    return list(Delivery.objects.order_by("pk").values_list("channel", "state"))


def test_the_next_channel_is_tried_once_each_until_one_takes_it(provider: Provider, sink: Sink) -> None:
    answers: dict[str, Any] = {
        "push": (410, {}),
        "wechat": {"errcode": 43004},
        "sms": {"Code": "isv.AMOUNT_NOT_ENOUGH"},
    }
    provider.answer = lambda what, params: answers.get(what)
    notice = make_notice_row(provider)
    run_all(3)
    notice.refresh_from_db()
    assert states() == [("push", "failed"), ("wechat", "failed"), ("sms", "failed"), ("email", "sent")]
    assert (notice.state, notice.channel, len(sink.mails)) == ("sent", "email", 1)
    assert "List-Unsubscribe" in sink.mails[0]
    assert [skip["reason"] for skip in notice.skips] == ["push.410", "wx.43004", "isv.AMOUNT_NOT_ENOUGH"]


def test_no_channel_at_all_is_said(provider: Provider) -> None:
    provider.answer = lambda what, params: {"Code": "isv.AMOUNT_NOT_ENOUGH"}
    notice = make_notice_row(provider, channels=("sms",))
    run_all()
    notice.refresh_from_db()
    assert (notice.state, notice.reason) == ("failed", "no_way")
    assert Event.objects.get(kind="notice.failed").data["reason"] == "no_way"
    assert make_notice_row(provider, channels=()).state == "dropped"


def test_a_blocked_address_is_passed_over(provider: Provider) -> None:
    suppress_address(
        address_index=address_index(PHONE, "sms"), channel="sms", purpose="notice", reason="unsubscribe", actor=SYSTEM,
        at=timezone.now(),
    )  # fmt: skip
    make_notice_row(provider, channels=("sms", "wechat"))
    run_all(2)
    assert states() == [("sms", "failed"), ("wechat", "sent")]
    assert provider.sms == []


def test_a_channel_that_is_down_gives_way_after_its_chance(provider: Provider) -> None:
    provider.answer = lambda what, params: (503, {}) if what == "sms" else None
    make_notice_row(provider, channels=("sms", "wechat"))
    run_all(6)
    assert states() == [("sms", "failed"), ("wechat", "sent")]
    assert Delivery.objects.get(channel="sms").attempts == 4


def test_the_same_key_in_parallel_is_one_notice(provider: Provider) -> None:
    start, ids = threading.Barrier(6), []

    def work() -> None:
        try:
            start.wait()
            ids.append(make_notice_row(provider, key="order:1:shipped:0", channels=("sms",)).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run_all()
    assert len(set(ids)) == 1
    assert list(provider.out_ids().values()) == [1]


@pytest.mark.parametrize(
    ("local", "zone", "end"),
    [
        ("2026-11-23T21:59", CHINA, None),
        ("2026-11-23T22:00", CHINA, "2026-11-24T08:00"),
        ("2026-11-23T23:59", CHINA, "2026-11-24T08:00"),
        ("2026-11-24T00:00", CHINA, "2026-11-24T08:00"),
        ("2026-11-24T07:59", CHINA, "2026-11-24T08:00"),
        ("2026-11-24T08:00", CHINA, None),
        ("2026-12-31T23:00", CHINA, "2027-01-01T08:00"),
        ("2026-03-28T23:00", BERLIN, "2026-03-29T08:00"),  # the night the clock goes forward: nine hours are eight
        ("2026-10-24T23:00", BERLIN, "2026-10-25T08:00"),  # and back: nine hours are ten
    ],
)
def test_quiet_hours_end_by_the_clock_of_the_place(local: str, zone: ZoneInfo, end: str | None) -> None:
    moment = datetime.fromisoformat(local).replace(tzinfo=zone)
    found = end_of_quiet(moment.astimezone(UTC), zone.key, NIGHT, MORNING)
    assert found == (datetime.fromisoformat(end).replace(tzinfo=zone).astimezone(UTC) if end else None)


def test_quiet_hours_around_a_clock_change_never_end_before_now() -> None:
    moment = datetime(2026, 3, 28, 0, 0, tzinfo=UTC)
    for step in range(0, 60 * 24 * 2, 5):
        now = moment + timedelta(minutes=step)
        for ends in (time(2, 30), time(3, 0), time(8, 0)):
            end = end_of_quiet(now, "Europe/Berlin", NIGHT, ends)
            assert end is None or now < end <= now + timedelta(hours=11)
    autumn = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
    for step in range(0, 60 * 8, 5):
        now = autumn + timedelta(minutes=step)
        end = end_of_quiet(now, "Europe/Berlin", NIGHT, time(2, 30))
        assert end is None or now < end <= now + timedelta(hours=11)


def test_a_notice_at_night_waits_for_the_morning_and_an_urgent_one_does_not(provider: Provider) -> None:
    with time_machine.travel(datetime(2026, 11, 23, 23, 30, tzinfo=CHINA), tick=False):
        make_notice_row(provider, channels=("sms",), is_urgent=False)
        urgent = make_notice_row(provider, channels=("sms",), is_urgent=True)
        due = Job.objects.filter(name="notifications.send_delivery").order_by("pk").values_list("due_at", flat=True)
        assert list(due) == [datetime(2026, 11, 24, 8, 0, tzinfo=CHINA), timezone.now()]
        assert urgent.state == "open"


def test_a_try_that_falls_into_the_night_is_held_back(provider: Provider) -> None:
    make_policy(time(0), time(0))
    notice = make_notice_row(provider, channels=("sms",), is_urgent=False)
    make_policy((datetime.now(CHINA) - timedelta(hours=1)).time(), (datetime.now(CHINA) + timedelta(hours=1)).time())
    run_all()
    assert (states(), provider.sms) == ([("sms", "queued")], [])
    held = Job.objects.get(key__contains=".held.")
    assert timedelta(minutes=55) < held.due_at - timezone.now() <= timedelta(hours=1)
    make_policy(time(0), time(0))
    Job.objects.filter(pk=held.pk).update(due_at=timezone.now())
    run_all()
    notice.refresh_from_db()
    assert (notice.state, list(provider.out_ids().values())) == ("sent", [1])


def make_policy(begins: time, ends: time, cap: int = 5) -> None:
    draft = PolicyDraft(begins != ends, begins, ends, cap, ["sms", "email", "push", "wechat"])
    save_notice_policy(draft=draft, version=notice_policy().version, actor=SYSTEM, at=timezone.now())


def test_what_would_come_too_late_is_not_sent(provider: Provider) -> None:
    night = datetime(2026, 11, 23, 23, 30, tzinfo=CHINA)
    late = make_notice_row(
        provider, at=night, channels=("sms",), is_urgent=False, expires_at=night + timedelta(hours=8)
    )
    assert (late.state, late.reason, Delivery.objects.count()) == ("expired", "too_late", 0)
    past = make_notice_row(provider, channels=("sms",), expires_at=timezone.now() - timedelta(seconds=1))
    assert past.state == "expired"


def test_the_daily_cap_holds_for_notices_at_once_and_spares_critical_ones(provider: Provider) -> None:
    make_policy(time(0), time(0), cap=3)
    start, at = threading.Barrier(8), timezone.now()  # one day for all of them, at midnight too

    def work(number: int) -> None:
        try:
            start.wait()
            make_notice_row(provider, at=at, key=f"cap:{number}", channels=("sms",))
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(Notice.objects.values_list("state", flat=True)) == ["dropped"] * 5 + ["open"] * 3
    assert NoticeCount.objects.get().count == 3
    assert make_notice_row(provider, at=at, channels=("sms",), is_critical=True).state == "open"
    other = make_notice_row(provider, at=at, channels=("sms",), customer_id=8)
    assert other.state == "open"


def test_a_notice_that_was_overtaken_is_taken_back_and_no_other_channel_tried(provider: Provider) -> None:
    at = datetime.now(CHINA).replace(hour=23, minute=0) + timedelta(days=1)
    notice = make_notice_row(provider, at=at, is_urgent=False)
    assert drop_notice(notice_id=notice.pk, reason="overtaken", at=timezone.now())
    Job.objects.filter(state="ready").update(due_at=timezone.now())
    run_all(2)
    notice.refresh_from_db()
    assert (notice.state, states()) == ("dropped", [("push", "failed")])
    assert provider.pushes == []
    assert not drop_notice(notice_id=notice.pk, reason="overtaken", at=timezone.now())


def test_one_for_every_channel_is_sent_on_each_once_from_many_workers(provider: Provider, sink: Sink) -> None:
    start, ids = threading.Barrier(4), []

    def work() -> None:
        try:
            start.wait()
            ids.append(make_notice_row(provider, key="order:1:confirmation:0", is_everywhere=True).pk)
            drain(seconds=15)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run_all()
    assert len(set(ids)) == 1
    assert states() == [("push", "sent"), ("wechat", "sent"), ("sms", "sent"), ("email", "sent")]
    assert (set(provider.out_ids().values()), len(sink.mails)) == ({1}, 1)
    assert Notice.objects.get().state == "sent"


def test_one_for_every_channel_stands_where_its_best_message_stands(provider: Provider, sink: Sink) -> None:
    provider.answer = lambda what, params: {"Code": "isv.AMOUNT_NOT_ENOUGH"} if what == "sms" else None
    notice = make_notice_row(provider, is_everywhere=True, channels=("sms", "email"))
    run_all()
    notice.refresh_from_db()
    assert states() == [("sms", "failed"), ("email", "sent")]
    assert (notice.state, notice.channel) == ("sent", "email")
    mail = Delivery.objects.get(channel="email")
    Delivery.objects.filter(pk=mail.pk).update(state="failed", failed_at=timezone.now(), provider_code="smtp.550")
    for _ in range(2):
        follow_delivery(delivery_id=mail.pk, at=timezone.now())
    notice.refresh_from_db()
    assert (notice.state, notice.reason) == ("failed", "no_way")
    assert Event.objects.filter(kind="notice.failed").count() == 1


def test_one_for_every_channel_is_taken_back_on_all_or_none(provider: Provider) -> None:
    now = timezone.now()
    waiting = make_notice_row(provider, is_everywhere=True, channels=("wechat", "sms"))
    gone = make_notice_row(provider, is_everywhere=True, channels=("wechat", "sms"))
    first = gone.deliveries.order_by("pk")[0]
    Delivery.objects.filter(pk=first.pk).update(state="sent", sent_at=now)
    assert drop_notice(notice_id=waiting.pk, reason="overtaken", at=now)
    assert not drop_notice(notice_id=gone.pk, reason="overtaken", at=now)
    assert [one.state for one in waiting.deliveries.all()] == ["failed", "failed"]
    follow_delivery(delivery_id=waiting.deliveries.all()[0].pk, at=now)
    waiting.refresh_from_db()
    assert waiting.state == "dropped"

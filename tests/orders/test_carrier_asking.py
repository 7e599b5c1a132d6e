"""Follow parcels at a provider over the wire: subscribe, push, query, and every way it goes wrong."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Notification
from core.actors import SYSTEM
from core.jobs import drain
from core.models import Event
from cs_portal.demo.carrier_account import open_account
from cs_portal.demo.doors import CarrierCounter
from orders.carriers import adapter_for
from orders.carrying_enums import TrackingState
from orders.models import CarrierAccount, CarrierPush, Parcel, Scan, Tracking
from orders.selectors import carrier_ids
from orders.services import ParcelData
from orders.services.carrying import (
    ask_due,
    end_arrived,
    follow_parcels,
    owe_due_asking,
    push_url,
    resume_carrier_account,
)
from orders.services.carrying.asking import ask_one, lease_due
from orders.services.carrying.pacing import take_turn
from orders.services.ingesting import apply_pushes
from tests.factories.accounts import make_staff
from tests.factories.carrying import make_account, provider_server, steps
from tests.factories.orders import make_order, make_parcel

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def provider(settings, live_server):
    settings.PUBLIC_URL = live_server.url
    with provider_server(settings) as server:
        yield server


def follow(provider, *, count=1, kind="kuaidi100", **fields):
    """Make an account and parcels under way, and follow them; returns (account, parcels)."""
    account = make_account(kind, provider.url, **fields)
    parcels = [make_parcel(make_order(), created_at=timezone.now()) for _ in range(count)]
    assert follow_parcels(at=timezone.now()) == count
    return account, parcels


def make_due(at=None):
    Tracking.objects.filter(state__in=["waiting", "subscribed"]).update(next_query_at=at or timezone.now())


def row_of(parcel):
    return Tracking.objects.get(tracking_number=parcel.tracking_number)


def test_a_number_is_subscribed_pushed_and_ends_when_it_arrived(provider):
    account, [parcel] = follow(provider)
    number = parcel.tracking_number
    assert ask_due(account_id=account.pk) == 1
    assert row_of(parcel).state == TrackingState.SUBSCRIBED
    story, begun = provider.stories[number], timezone.now() - timedelta(hours=9)
    story.steps = steps(begun, 3)
    assert provider.push(number) == [(200, '{"result":true,"returnCode":"200","message":"成功"}')]
    drain_pushes()
    parcel.refresh_from_db()
    assert (parcel.status, parcel.scans.count(), parcel.place) == ("in_transit", 3, "上海 上海市")
    row = row_of(parcel)
    assert row.pushed_at is not None
    assert row.fresh_at == row.pushed_at
    assert timedelta(minutes=60) < row.next_query_at - row.fresh_at < timedelta(hours=2)
    story.steps = steps(begun, 5)
    provider.push(number)
    drain_pushes()
    parcel.refresh_from_db()
    assert (parcel.status, parcel.scans.count(), row_of(parcel).state) == ("delivered", 5, TrackingState.ENDED)
    assert [push.state for push in CarrierPush.objects.all()] == ["applied", "applied"]
    assert provider.asked == {f"subscribe:{number}": 1}


def drain_pushes():
    assert apply_pushes(at=timezone.now()) is False


def test_two_orders_in_one_box_share_one_number(provider):
    account = make_account(url=provider.url)
    first, second = make_parcel(make_order(), tracking="SF5550001"), make_parcel(make_order(), tracking="SF5550001")
    follow_parcels(at=timezone.now())
    assert Tracking.objects.count() == 1
    ask_due(account_id=account.pk)
    provider.stories["SF5550001"].steps = steps(timezone.now() - timedelta(hours=6), 4)
    provider.push("SF5550001")
    drain_pushes()
    for parcel in (first, second):
        parcel.refresh_from_db()
        assert (parcel.status, parcel.scans.count()) == ("out_for_delivery", 4)


def test_without_a_push_the_number_is_asked_for_and_not_again_within_half_an_hour(provider):
    provider.mood.locks_out = True
    account, [parcel] = follow(provider)
    ask_due(account_id=account.pk)
    provider.stories[parcel.tracking_number].steps = steps(timezone.now() - timedelta(hours=6), 2)
    make_due()
    assert ask_due(account_id=account.pk) == 1
    row = row_of(parcel)
    assert (row.fresh_at is not None, row.pushed_at) == (True, None)
    for _ in range(3):
        make_due()
        assert ask_due(account_id=account.pk) == 0
    row.refresh_from_db()
    assert row.next_query_at >= row.queried_at + timedelta(minutes=30)
    assert provider.asked[f"query:{parcel.tracking_number}"] == 1
    assert provider.locked == set()


def test_a_number_the_provider_locked_rests_and_harms_no_other(provider):
    account, [parcel] = follow(provider)
    ask_due(account_id=account.pk)
    provider.locked.add(parcel.tracking_number)
    make_due()
    ask_due(account_id=account.pk)
    row = row_of(parcel)
    assert (row.state, row.error_code) == (TrackingState.SUBSCRIBED, "locked")
    assert row.locked_until > timezone.now() + timedelta(minutes=50)
    assert row.next_query_at > row.locked_until
    account.refresh_from_db()
    assert (account.failures, account.halted_code) == (0, "")


def test_subscribed_already_is_done_and_nothing_known_yet_is_an_answer(provider):
    provider.mood.already = True
    account, [parcel] = follow(provider)
    ask_due(account_id=account.pk)
    assert row_of(parcel).state == TrackingState.SUBSCRIBED
    make_due()
    ask_due(account_id=account.pk)
    row = row_of(parcel)
    assert (row.state, row.error_code, row.fresh_at is not None) == (TrackingState.SUBSCRIBED, "", True)


def test_a_number_the_provider_refuses_is_left_alone_until_a_person_begins_anew(provider, client):
    account = make_account(url=provider.url)
    parcel, other = make_parcel(make_order()), make_parcel(make_order())
    provider.mood.refused = frozenset({parcel.tracking_number})
    follow_parcels(at=timezone.now())
    ask_due(account_id=account.pk)
    assert (row_of(parcel).state, row_of(parcel).error_code, row_of(other).state) == ("refused", "700", "subscribed")
    assert follow_parcels(at=timezone.now() + timedelta(days=1)) == 0
    provider.mood.refused = frozenset()
    client.force_login(make_staff(roles=["admin"]))
    client.post(reverse("orders:carrier_number_again", args=[row_of(parcel).pk]))
    ask_due(account_id=account.pk)
    assert row_of(parcel).state == TrackingState.SUBSCRIBED


def test_an_account_the_provider_refuses_is_halted_once_and_supervisors_hear_of_it(provider):
    boss, agent = make_staff(roles=["supervisor"]), make_staff(roles=["agent"])
    account, _parcels = follow(provider, count=3)
    provider.mood.stopped = "601"
    ask_due(account_id=account.pk)
    ask_due(account_id=account.pk)
    account.refresh_from_db()
    assert account.halted_code == "601"
    assert sum(provider.asked.values()) == 1
    assert Tracking.objects.filter(state="waiting", leased_until=None).count() == 3
    assert list(Notification.objects.values_list("staff_id", "kind")) == [(boss.pk, "carrier.halted")]
    assert not Notification.objects.filter(staff=agent).exists()
    assert owe_due_asking(now=timezone.now()) == 0
    provider.mood.stopped = ""
    resume_carrier_account(account_id=account.pk, actor=SYSTEM, at=timezone.now())
    assert ask_due(account_id=account.pk) == 3
    assert Event.objects.filter(kind="carrier_account.halted").count() == 1


def test_the_breaker_opens_after_five_faults_lets_one_probe_and_closes(provider):
    make_staff(roles=["supervisor"])
    account, _parcels = follow(provider, count=8)
    provider.mood.is_down = True
    ask_due(account_id=account.pk)
    account.refresh_from_db()
    assert account.failures == 5
    assert account.open_until > timezone.now() + timedelta(seconds=20)
    make_due()
    assert ask_due(account_id=account.pk) == 0  # open: nobody asks
    assert Tracking.objects.exclude(leased_until=None).count() == 0
    assert Notification.objects.filter(kind="carrier.paused").count() == 1
    CarrierAccount.objects.update(open_until=timezone.now() - timedelta(seconds=1))
    assert [take_turn(account.pk).is_given, take_turn(account.pk).is_given] == [True, False]  # one probe
    CarrierAccount.objects.update(open_until=timezone.now() - timedelta(seconds=1))
    ask_due(account_id=account.pk)
    account.refresh_from_db()
    assert account.failures == 6
    assert Notification.objects.filter(kind="carrier.paused").count() == 1  # told once
    provider.mood.is_down = False
    CarrierAccount.objects.update(open_until=timezone.now() - timedelta(seconds=1))
    make_due()
    assert ask_due(account_id=account.pk) == 8
    account.refresh_from_db()
    assert (account.failures, account.open_until) == (0, None)


def test_the_bucket_keeps_all_workers_to_the_account_s_pace(provider):
    account, _parcels = follow(provider, count=1, per_minute=60)
    CarrierAccount.objects.update(tokens=4, tokens_at=timezone.now())

    def take(_):
        try:
            return take_turn(account.pk).is_given
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(take, range(40)))
    assert 4 <= sum(given) <= 6  # four in the bucket, and what a second or two adds
    wait = take_turn(account.pk)
    assert not wait.is_given
    assert 0 < wait.wait <= 1


def test_two_workers_never_ask_for_the_same_number(provider):
    account, parcels = follow(provider, count=24)
    provider.mood.seconds = 0.02

    def work(_):
        try:
            return ask_due(account_id=account.pk, seconds=5)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        asked = sum(pool.map(work, range(4)))
    assert asked == 24
    make_due()
    with ThreadPoolExecutor(4) as pool:
        asked = sum(pool.map(work, range(4)))
    assert asked == 24
    assert set(provider.asked.values()) == {1}
    assert len(provider.asked) == 48
    assert len(parcels) == Tracking.objects.filter(state="subscribed", leased_until=None).count()


def test_an_answer_that_comes_after_the_lease_changes_nothing_of_the_next_holder(provider):
    account, [_parcel] = follow(provider)
    [held] = lease_due(account.pk, at=timezone.now())
    Tracking.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    [newer] = lease_due(account.pk, at=timezone.now())
    assert ask_one(account, adapter_for("kuaidi100"), held) == 0
    assert ask_one(account, adapter_for("kuaidi100"), newer) == 1
    assert sum(provider.asked.values()) == 1


@pytest.mark.slow
def test_a_worker_killed_in_mid_query_costs_no_second_query(provider, settings):
    account, [parcel] = follow(provider)
    ask_due(account_id=account.pk)
    make_due()
    provider.mood.seconds, before = 6.0, provider.reached
    worker = subprocess.Popen([sys.executable, "-c", _WORKER, str(account.pk)], env=_environment(settings), cwd=ROOT)
    name = f"query:{parcel.tracking_number}"
    try:
        wait_until(lambda: provider.reached > before, seconds=90)  # it starts Django first
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    row = row_of(parcel)
    assert row.leased_until > timezone.now()
    provider.mood.seconds = 0.0
    make_due()
    assert ask_due(account_id=account.pk) == 0  # still leased
    Tracking.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert ask_due(account_id=account.pk) == 0  # and then its half hour
    wait_until(lambda: provider.asked[name] == 1)
    row.refresh_from_db()
    assert row.next_query_at >= row.queried_at + timedelta(minutes=30)
    Tracking.objects.update(queried_at=timezone.now() - timedelta(minutes=31))
    make_due()
    assert ask_due(account_id=account.pk) == 1
    assert provider.asked[name] == 2


_WORKER = """
import sys
import django
django.setup()
from orders.services.carrying import ask_due
ask_due(account_id=int(sys.argv[1]))
"""


def _environment(settings):
    from tests import servers

    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "cs_portal.settings.test",
        "DATABASE_URL": servers.database_url(servers.database_name()),
        "OUTGOING_ALLOW": ",".join(settings.OUTGOING_ALLOW),
        "PUBLIC_URL": settings.PUBLIC_URL,
    }


def wait_until(is_so, seconds=20):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_corrected_company_moves_the_number_and_its_parcel(provider):
    account, [parcel] = follow(provider)
    ask_due(account_id=account.pk)
    story = provider.stories[parcel.tracking_number]
    story.steps, story.real_company = steps(timezone.now() - timedelta(hours=4), 2), "zhongtong"
    provider.push(parcel.tracking_number)
    drain_pushes()
    ids = carrier_ids()
    parcel.refresh_from_db()
    row = row_of(parcel)
    assert (parcel.carrier_id, row.carrier_id, row.state) == (ids["zhongtong"], ids["zhongtong"], "subscribed")
    assert parcel.scans.count() == 2
    assert Event.objects.filter(kind="parcel.carrier_corrected", subject_id=parcel.pk).count() == 1
    story.company, story.real_company = "zhongtong", ""
    story.steps = steps(timezone.now() - timedelta(hours=4), 3)
    provider.push(parcel.tracking_number)
    drain_pushes()
    assert Event.objects.filter(kind="parcel.carrier_corrected").count() == 1
    assert CarrierPush.objects.filter(state="applied").count() == 2


def test_a_company_we_have_no_carrier_for_is_followed_under_its_name(provider):
    account, [parcel] = follow(provider)
    ask_due(account_id=account.pk)
    story = provider.stories[parcel.tracking_number]
    story.steps, story.real_company = steps(timezone.now() - timedelta(hours=4), 2), "danniao"
    provider.push(parcel.tracking_number)
    drain_pushes()
    row = row_of(parcel)
    assert (row.company, row.carrier_id) == ("danniao", parcel.carrier_id)
    story.company, story.real_company = "danniao", ""
    provider.push(parcel.tracking_number)
    drain_pushes()
    assert parcel.scans.count() == 2
    assert not CarrierPush.objects.exclude(state="applied").exists()


def test_the_second_provider_of_another_shape_does_the_same(provider):
    account, [parcel] = follow(provider, kind="aftership")
    number = parcel.tracking_number
    assert ask_due(account_id=account.pk) == 1
    assert row_of(parcel).state == TrackingState.SUBSCRIBED
    story = provider.stories[number]
    assert story.company == "sf-express"
    story.callback = push_url(account)
    story.steps = steps(timezone.now().replace(microsecond=0) - timedelta(hours=9), 4)
    assert provider.hook(number, event_id="evt-one-0001", times=3) == [(200, '{"received":true}')] * 3
    assert provider.hook(number, forged=True)[0][0] == 401
    drain_pushes()
    parcel.refresh_from_db()
    assert (parcel.status, parcel.scans.count()) == ("out_for_delivery", 4)
    assert CarrierPush.objects.count() == 1
    make_due()
    ask_due(account_id=account.pk)
    assert parcel.scans.count() == 4  # the query tells the same scans, those without a zone too
    Tracking.objects.update(queried_at=None)
    provider.stories.clear()
    make_due()
    ask_due(account_id=account.pk)
    assert row_of(parcel).state in {"waiting", "subscribed"}
    provider.key = "another"
    Tracking.objects.update(queried_at=None)
    make_due()
    ask_due(account_id=account.pk)
    account.refresh_from_db()
    assert account.halted_code == "401"


def test_the_reaction_and_the_job_follow_and_ask_without_anybody(provider):
    make_account(url=provider.url)
    told = ParcelData(carrier="shunfeng", tracking_number="SF7770001234")
    order = make_order(at=timezone.now(), placed_at=timezone.now() - timedelta(hours=1), parcels=(told,))
    parcel = order.parcels.get()
    drain(seconds=10)
    assert row_of(parcel).state == TrackingState.WAITING
    assert owe_due_asking(now=timezone.now()) == 1
    assert owe_due_asking(now=timezone.now()) == 0
    drain(seconds=10)
    assert row_of(parcel).state == TrackingState.SUBSCRIBED
    Parcel.objects.update(status="delivered")
    assert end_arrived(at=timezone.now()) == 1
    assert Scan.objects.count() == 0


def test_reordered_and_repeated_pushes_end_in_the_same_parcel(provider):
    account, [parcel] = follow(provider)
    ask_due(account_id=account.pk)
    begun, number = timezone.now() - timedelta(hours=9), parcel.tracking_number
    story = provider.stories[number]
    bodies = []
    for count in (1, 3, 5, 2, 5, 4):
        story.steps = steps(begun, count)
        bodies.append(provider.push_body(story))
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    threads = [threading.Thread(target=provider.tell, args=(story.callback, body, kind)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drain_pushes()
    parcel.refresh_from_db()
    assert (parcel.status, parcel.scans.count()) == ("delivered", 5)
    assert CarrierPush.objects.count() == 5  # the same words twice are one push


def test_the_trials_carrier_scans_a_parcel_and_its_provider_pushes_it(provider):
    provider.mood.pushes_at_once = 0.05
    account = open_account(provider, at=timezone.now())
    assert open_account(provider, at=timezone.now()).pk == account.pk  # after a restart: the same account, new secrets
    parcel, counter = make_parcel(make_order()), CarrierCounter(provider.url)
    told = {"status": "picked_up", "code": "103", "text": "【杭州市】快件已揽收", "place": "杭州市"}
    assert counter.scan(parcel.tracking_number, told) == {"scans": 1, "pushed": []}  # nobody follows it yet
    follow_parcels(at=timezone.now())
    ask_due(account_id=account.pk)
    wait_until(lambda: CarrierPush.objects.count() == 1)  # told at once, as they do
    told |= {"status": "in_transit", "code": "1002", "text": "【杭州转运中心】快件已发出"}
    assert counter.scan(parcel.tracking_number, told, 2) == {"scans": 2, "pushed": [200, 200]}
    drain_pushes()
    parcel.refresh_from_db()
    assert (parcel.status, parcel.scans.count(), CarrierPush.objects.count()) == ("in_transit", 2, 2)


def test_a_forged_push_is_counted_and_leaves_no_row(provider):
    account, [parcel] = follow(provider)
    ask_due(account_id=account.pk)
    provider.stories[parcel.tracking_number].steps = steps(timezone.now() - timedelta(hours=2), 1)
    assert provider.push(parcel.tracking_number, forged=True)[0][0] == 401
    account.refresh_from_db()
    assert (account.forged, CarrierPush.objects.count()) == (1, 0)
    assert Client().post(f"/api/v1/hooks/carriers/{'A' * 32}/").status_code == 401

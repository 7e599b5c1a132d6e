"""The push door, accounts and the board of freshness: what people see and what the database refuses."""

import threading
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import IntegrityError, connections, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.actors import SYSTEM
from core.errors import InvalidInput, NotFound, StaleEdit, TransitionNotAllowed
from core.models import Event
from core.system.metrics import exposition
from core.system.selectors import all_health
from cs_portal.demo.carrier import Provider, Story, md5
from orders.carriers import credentials_of
from orders.models import CarrierAccount, CarrierCompany, CarrierPush, Tracking
from orders.selectors import carrier_ids
from orders.selectors.carrying import freshness
from orders.services.carrying import (
    AccountDraft,
    follow_parcels,
    replay_push,
    save_carrier_account,
    store_push,
    sweep_ended,
    sweep_pushes,
)
from orders.services.ingesting import apply_pushes, wake_waiting
from tests.factories.accounts import make_staff
from tests.factories.carrying import KUAIDI, make_account, steps
from tests.factories.orders import make_order, make_parcel

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


def push_of(number, *, count=2, company="shunfeng", salt=KUAIDI["salt"]):
    """Return a push as it goes over the wire."""
    story = Story(company, number, steps(timezone.now().replace(microsecond=0) - timedelta(hours=9), count))
    return Provider.push_body(_Quiet(), story, salt=salt)


class _Quiet(Provider):
    """A provider that only writes."""

    def __init__(self):
        pass


def url_of(account):
    return reverse("api-carrier-push", args=[account.push_token])


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_the_same_push_ten_thousand_times_is_one_row():
    account, parcel = make_account(), make_parcel(make_order())
    body = push_of(parcel.tracking_number)
    news: list[bool] = []

    def tell():
        try:
            news.extend(store_push(account=account, headers={}, body=body, at=timezone.now()) for _ in range(2500))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(news), sum(news), CarrierPush.objects.count()) == (10_000, 1, 1)
    apply_pushes(at=timezone.now())
    assert parcel.scans.count() == 2


def test_a_push_is_answered_in_their_words_and_kept_as_it_came(client):
    account, parcel = make_account(), make_parcel(make_order())
    body = push_of(parcel.tracking_number)
    for _ in range(2):
        answer = client.post(url_of(account), body, content_type=FORM)
        assert (answer.status_code, answer.json()) == (
            200, {"result": True, "returnCode": "200", "message": "成功"},
        )  # fmt: skip
    push = CarrierPush.objects.get()
    assert push.state == "stored"
    assert parcel.tracking_number.encode() not in bytes(push.body_enc)


@pytest.mark.parametrize("token", ["A" * 32, "short", "../../etc", "x" * 200, "%00" * 11])
def test_an_unknown_address_takes_nothing(client, token):
    assert client.post(f"/api/v1/hooks/carriers/{token}/", b"x", content_type=FORM).status_code in {401, 404}
    assert CarrierPush.objects.count() == 0


def test_forgers_are_counted_slowed_down_and_leave_no_row(client):
    account, parcel = make_account(), make_parcel(make_order())
    body = push_of(parcel.tracking_number, salt="guess")
    answers = [client.post(url_of(account), body, content_type=FORM).status_code for _ in range(62)]
    assert (answers[0], answers[-1]) == (401, 429)
    account.refresh_from_db()
    assert (account.forged, CarrierPush.objects.count()) == (62, 0)
    assert client.post(url_of(account), b"x" * (1024 * 1024 + 1), content_type=FORM).status_code == 413
    CarrierAccount.objects.update(is_active=False)
    good = push_of(parcel.tracking_number)
    assert Client(REMOTE_ADDR="10.0.0.9").post(url_of(account), good, content_type=FORM).status_code == 401


def test_what_cannot_be_applied_is_kept_with_its_reason_and_applied_again_by_hand(client):
    account = make_account()
    client.post(url_of(account), push_of("SF9990001"), content_type=FORM)
    param = "no json"
    client.post(url_of(account), urlencode({"param": param, "sign": md5(param + KUAIDI["salt"])}), content_type=FORM)
    apply_pushes(at=timezone.now())
    assert list(CarrierPush.objects.order_by("pk").values_list("state", "error_code")) == [
        ("waiting", ""), ("refused", "push_not_json"),
    ]  # fmt: skip
    first, second = CarrierPush.objects.order_by("pk")
    client.force_login(make_staff(roles=["supervisor"]))
    page = client.get(reverse("orders:carrier_board"))
    assert "push_not_json" in page.content.decode()
    assert client.post(reverse("orders:carrier_push_again", args=[second.pk])).status_code == 302
    with pytest.raises(TransitionNotAllowed):
        replay_push(push_id=second.pk, at=timezone.now())  # it is on its way
    apply_pushes(at=timezone.now())
    second.refresh_from_db()
    assert (second.state, second.error_code) == ("refused", "push_not_json")
    parcel = make_parcel(make_order(), tracking="SF9990001")
    assert wake_waiting() == 1
    apply_pushes(at=timezone.now())
    first.refresh_from_db()
    assert (first.state, first.scan_count, parcel.scans.count()) == ("applied", 2, 2)
    replay_push(push_id=first.pk, at=timezone.now())
    apply_pushes(at=timezone.now())
    assert parcel.scans.count() == 2
    with pytest.raises(NotFound):
        replay_push(push_id=987654321, at=timezone.now())


def test_what_is_done_with_is_forgotten_after_a_month_and_what_waits_is_not():
    account, at = make_account(), timezone.now()
    for key, state, age in (("a", "applied", 31), ("b", "stored", 31), ("c", "applied", 29)):
        done = None if state == "stored" else at
        CarrierPush.objects.create(
            account=account, message_key=key, body_enc=b"x", state=state, received_at=at - timedelta(days=age),
            applied_at=done,
        )  # fmt: skip
    assert sweep_pushes(at=at) == 1
    made = {"account": account, "carrier_id": carrier_ids()["shunfeng"], "state": "ended"}
    for age in (29, 31):
        Tracking.objects.create(**made, tracking_number=f"SF{age}", ended_at=at - timedelta(days=age))
    assert (sweep_ended(at=at), Tracking.objects.get().tracking_number) == (1, "SF29")
    assert sorted(CarrierPush.objects.values_list("message_key", flat=True)) == ["b", "c"]


def test_the_database_refuses_what_no_state_can_be():
    account = make_account()
    shunfeng, now = carrier_ids()["shunfeng"], timezone.now()
    good = {"account": account, "carrier_id": shunfeng, "tracking_number": "SF1", "next_query_at": now}
    wrong = [
        lambda: Tracking.objects.create(**good | {"state": "gone"}),
        lambda: Tracking.objects.create(**good | {"next_query_at": None}),
        lambda: Tracking.objects.create(**good | {"state": "subscribed"}),
        lambda: Tracking.objects.create(**good | {"subscribed_at": now}),
        lambda: Tracking.objects.create(**good | {"state": "refused", "next_query_at": None}),
        lambda: Tracking.objects.create(**good | {"state": "refused", "error_code": "700"}),
        lambda: Tracking.objects.create(**good | {"state": "ended", "next_query_at": None}),
        lambda: Tracking.objects.create(**good | {"ended_at": now}),
        lambda: Tracking.objects.create(**good | {"tracking_number": ""}),
        lambda: CarrierPush.objects.create(account=account, message_key="", body_enc=b"", received_at=now),
        lambda: _push(account, state="applied"),
        lambda: _push(account, applied_at=now),
        lambda: _push(account, state="refused", applied_at=now),
        lambda: _push(account, state="applied", applied_at=now, error_code="x"),
        lambda: CarrierAccount.objects.filter(pk=account.pk).update(push_token="guessable"),
        lambda: CarrierAccount.objects.filter(pk=account.pk).update(halted_code="x"),
        lambda: CarrierAccount.objects.filter(pk=account.pk).update(open_until=now),
        lambda: CarrierAccount.objects.filter(pk=account.pk).update(per_minute=0),
        lambda: CarrierAccount.objects.filter(pk=account.pk).update(forged=1),
        lambda: CarrierCompany.objects.create(account=account, carrier_id=shunfeng, code="other"),
        lambda: CarrierCompany.objects.create(account=account, carrier_id=carrier_ids()["jd"], code="shunfeng"),
    ]
    taken = []
    for index, break_it in enumerate(wrong):
        try:
            with transaction.atomic():
                break_it()
        except IntegrityError:
            continue
        taken.append(index)
    assert taken == []
    Tracking.objects.create(**good)
    with pytest.raises(IntegrityError), transaction.atomic():
        Tracking.objects.create(**good)


def _push(account, **fields):
    return CarrierPush.objects.create(
        account=account, message_key="k", body_enc=b"", received_at=timezone.now(), **fields
    )


def test_credentials_are_written_and_never_shown_and_empty_keeps_them(client):
    client.force_login(make_staff(roles=["supervisor"]))
    new = reverse("orders:carrier_account_new", args=["kuaidi100"])
    assert client.get(new).status_code == 200
    shunfeng = carrier_ids()["shunfeng"]
    told = {
        "name": "快递100", "base_url": "https://poll.kuaidi100.com", "per_minute": "120", "is_active": "on",
        "key": "the-secret-key", "customer": "CUSTOMER-1", "salt": "a-long-salt", f"company_{shunfeng}": "shunfeng",
    }  # fmt: skip
    assert client.post(new, told | {"salt": ""}).status_code == 422
    assert client.post(new, told | {"base_url": "http://poll.kuaidi100.com"}).status_code == 422
    assert client.post(new, told | {"base_url": "ftp://x"}).status_code == 422
    assert client.post(new, told).status_code == 302
    account = CarrierAccount.objects.get()
    assert b"the-secret-key" not in bytes(account.credentials_enc)
    page = client.get(reverse("orders:carrier_account", args=[account.pk])).content.decode()
    assert "the-secret-key" not in page
    assert "a-long-salt" not in page
    assert account.push_token in page
    edit = reverse("orders:carrier_account", args=[account.pk])
    kept = told | {"key": "", "customer": "", "salt": "another-salt", "version": "1", "name": "快递100 主账户"}
    assert client.post(edit, kept).status_code == 302
    account.refresh_from_db()
    assert credentials_of(account) == {"key": "the-secret-key", "customer": "CUSTOMER-1", "salt": "another-salt"}
    assert client.post(edit, kept).status_code == 409  # somebody saved meanwhile
    event = Event.objects.get(kind="carrier_account.changed")
    assert sorted(event.data["fields"]) == ["credentials", "name"]
    token = account.push_token
    client.post(reverse("orders:carrier_account_renew", args=[account.pk]))
    account.refresh_from_db()
    assert account.push_token != token
    assert client.post(reverse("orders:carrier_account_stop", args=[account.pk])).status_code == 302
    account.refresh_from_db()
    assert account.halted_code == "by_hand"
    client.post(reverse("orders:carrier_account_resume", args=[account.pk]))
    account.refresh_from_db()
    assert account.halted_code == ""


def test_an_account_s_names_are_its_own():
    first = make_account(name="One")
    ids = carrier_ids()
    draft = AccountDraft(
        provider="kuaidi100", name="One", base_url="https://poll.kuaidi100.com", credentials=KUAIDI
    )  # fmt: skip
    with pytest.raises(InvalidInput) as taken:
        save_carrier_account(account_id=None, draft=draft, actor=SYSTEM, at=timezone.now())
    assert "name" in taken.value.fields
    twice = AccountDraft(
        provider="kuaidi100", name="Two", base_url="https://poll.kuaidi100.com", credentials=KUAIDI,
        companies={ids["shunfeng"]: "same", ids["jd"]: "same"},
    )  # fmt: skip
    with pytest.raises(InvalidInput) as twins:
        save_carrier_account(account_id=None, draft=twice, actor=SYSTEM, at=timezone.now())
    assert "companies" in twins.value.fields
    with pytest.raises(StaleEdit):
        save_carrier_account(account_id=first.pk, draft=draft, version=7, actor=SYSTEM, at=timezone.now())


@pytest.mark.parametrize("role", ["agent", "qa", "analyst"])
def test_only_who_may_change_settings_sees_the_board(client, role):
    client.force_login(make_staff(roles=[role]))
    assert client.get(reverse("orders:carrier_board")).status_code == 403


def test_the_board_counts_what_is_fresh_by_the_row(client, django_assert_max_num_queries):
    now = timezone.now()
    make_account()
    order = make_order()
    make_parcel(order, created_at=now - timedelta(days=1), refreshed_at=now - timedelta(minutes=90))
    heard = make_parcel(order, created_at=now - timedelta(days=1))
    silent = make_parcel(order, created_at=now - timedelta(days=1), refreshed_at=now - timedelta(hours=3))
    make_parcel(order, created_at=now - timedelta(minutes=5))  # just appeared
    make_parcel(order, created_at=now - timedelta(days=90), shipped_at=now - timedelta(days=80))  # history
    make_parcel(order, status="delivered", rank=60)
    follow_parcels(at=now)
    Tracking.objects.filter(tracking_number=heard.tracking_number).update(fresh_at=now - timedelta(minutes=10))
    Tracking.objects.exclude(tracking_number=heard.tracking_number).update(created_at=now - timedelta(days=1))
    [row] = freshness(now)
    assert (row.under_way, row.fresh, row.stale, row.followed) == (4, 3, 1, 4)
    assert row.oldest == silent.refreshed_at
    client.force_login(make_staff(roles=["supervisor"]))
    with django_assert_max_num_queries(20):
        page = client.get(reverse("orders:carrier_board"))
    assert page.status_code == 200
    behind = client.get(reverse("orders:carrier_numbers", args=[silent.carrier_id]) + "?what=stale")
    assert silent.tracking_number in behind.content.decode()
    assert heard.tracking_number not in behind.content.decode()
    assert client.get(reverse("orders:carrier_numbers", args=[987654321])).status_code == 404
    lines = {str(line["label"]): line for line in all_health()}
    assert any(line["value"] == "75 %" and line["state"] == "bad" for line in lines.values())
    text = exposition().decode()
    assert 'cs_parcels_under_way{carrier="shunfeng"} 4.0' in text
    assert 'cs_parcels_fresh{carrier="shunfeng"} 3.0' in text
    assert "cs_carrier_account_up{" in text

"""Text messages, WeChat and push leave through real connections to a stand-in that checks them by itself."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from core.actors import SYSTEM
from core.errors import InvalidInput
from core.jobs import drain
from core.models import Event, Job
from notifications.channels import reference_of
from notifications.enums import DeliveryState
from notifications.models import ChannelAccount, Delivery, Notice, PushSubscription, Suppression
from notifications.services import retry_delivery, save_account, subscribe_push
from tests.factories.notices import make_account, make_notice_row, make_words, run_all
from tests.notifications.test_listener import ROOT, environment
from tests.providers import KEY_ID, Provider, provider_server
from tests.smtp import Sink

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    settings.OUTGOING_ALLOW = ["127.0.0.1"]
    make_words()
    with provider_server() as server:
        yield server


def sole() -> Delivery:
    return Delivery.objects.get()


def test_a_text_message_is_signed_and_carries_the_providers_template(provider: Provider) -> None:
    make_account("sms", provider)
    notice = make_notice_row(provider, channels=("sms",))
    run_all()
    delivery = sole()
    (sms,) = provider.sms
    params = json.loads(sms.pop("TemplateParam"))
    assert params == {"order_number": "A1001", "url": "https://shop.example/track/x"}
    assert sms == {
        "PhoneNumbers": "13800138000",
        "SignName": "青禾",
        "TemplateCode": "T_sms",
        "OutId": reference_of(delivery),
    }
    notice.refresh_from_db()
    assert (delivery.state, delivery.provider_ref, notice.state, notice.channel) == ("sent", "1^0", "sent", "sms")
    assert delivery.to_masked == "138****8000"
    assert Event.objects.get(kind="delivery.sent").data["channel"] == "sms"


@pytest.mark.parametrize(
    ("code", "state", "blocks"),
    [
        ("isv.MOBILE_NUMBER_ILLEGAL", "failed", True),
        ("isv.AMOUNT_NOT_ENOUGH", "failed", False),
        ("isp.RAM_PERMISSION_DENY", "failed", False),
        ("isv.BUSINESS_LIMIT_CONTROL", "queued", False),
        ("Throttling.User", "queued", False),
    ],
)
def test_refusals_for_good_and_for_now_are_told_apart(provider: Provider, code: str, state: str, blocks: bool) -> None:
    make_account("sms", provider)
    provider.answer = lambda what, params: (400, {"Code": code})
    make_notice_row(provider, channels=("sms",))
    run_all()
    delivery = sole()
    assert (delivery.state, delivery.provider_code, Suppression.objects.exists()) == (state, code, blocks)
    assert ChannelAccount.objects.get().last_error_code == ("" if blocks else code)


def test_a_lost_answer_is_looked_up_before_anything_is_sent_again(provider: Provider) -> None:
    make_account("sms", provider)
    provider.losing = True
    make_notice_row(provider, channels=("sms",))
    run_all()
    assert (sole().state, sole().provider_code, len(provider.sms)) == ("queued", "no_answer", 1)
    wait = Job.objects.get(name="notifications.send_delivery").retry_at
    assert wait is not None
    assert wait > timezone.now() + timedelta(seconds=50)
    provider.losing = False
    run_all(2)
    assert (sole().state, len(provider.sms), len(provider.queries)) == ("sent", 1, 1)


def test_a_look_that_fails_sends_nothing(provider: Provider) -> None:
    make_account("sms", provider)
    provider.losing = True
    make_notice_row(provider, channels=("sms",))
    run_all()
    provider.losing = False
    provider.answer = lambda what, params: {"Code": "InternalError"} if what == "query" else None
    run_all(2)
    assert (sole().state, len(provider.sms)) == ("queued", 1)
    provider.answer = lambda what, params: None
    provider.status_of = {reference_of(sole()): 3}
    run_all(2)
    assert (sole().state, len(provider.sms)) == ("delivered", 1)


DIES = """
import os, django
django.setup()
from core.jobs import drain
from notifications.services import sending

def die(**facts):
    os._exit(9)

sending.settle_delivery = die
drain(seconds=10)
"""


@pytest.mark.slow
@pytest.mark.parametrize("channel", ["sms", "wechat", "push"])
def test_death_between_the_providers_yes_and_our_commit_tells_once(provider: Provider, channel: str) -> None:
    make_account(channel, provider)
    make_notice_row(provider, channels=(channel,))
    done = subprocess.run(
        [sys.executable, "-c", DIES], cwd=ROOT, check=False, capture_output=True,
        env=environment(PYTHONPATH=str(ROOT), OUTGOING_ALLOW="127.0.0.1"),
    )  # fmt: skip
    assert done.returncode == 9, done.stderr.decode()
    assert sole().state == "sending"
    Job.objects.filter(state="running").update(lease_until=timezone.now())
    run_all(2)
    assert (sole().state, sole().attempts) == ("sent", 2)
    if channel == "sms":
        assert list(provider.out_ids().values()) == [1]
    elif channel == "wechat":
        assert len(provider.wechat) == 1
    else:  # a push service takes the second in place of the first, and the browser shows one of a tag
        assert len({head["Topic"] for head in provider.push_headers}) == 1
        assert len({one["tag"] for one in provider.pushes}) == 1


def test_two_workers_send_one_message(provider: Provider) -> None:
    make_account("sms", provider)
    provider.delay = 0.3
    for _ in range(4):
        make_notice_row(provider, channels=("sms",), is_critical=True)
    start = threading.Barrier(3)

    def work() -> None:
        try:
            start.wait()
            drain(seconds=10)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run_all()
    assert sorted(provider.out_ids().values()) == [1, 1, 1, 1]
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}


def test_a_provider_that_is_down_for_a_while_loses_nothing(provider: Provider) -> None:
    make_account("sms", provider)
    provider.is_down = True
    make_notice_row(provider, channels=("sms",))
    run_all(2)
    assert (sole().state, sole().attempts) == ("queued", 2)
    provider.is_down = False
    run_all(2)
    assert (sole().state, list(provider.out_ids().values())) == ("sent", [1])


def test_wechat_renews_a_token_once_and_shares_it(provider: Provider) -> None:
    make_account("wechat", provider)
    make_notice_row(provider, channels=("wechat",))
    run_all()
    provider.tokens += 1  # somebody else renewed it: ours is no longer taken
    make_notice_row(provider, channels=("wechat",))
    run_all()
    assert [one["data"] for one in provider.wechat] == [{"number": {"value": "订单 A1001"}}] * 2
    assert provider.tokens == 3
    assert set(Delivery.objects.values_list("state", "provider_ref")) == {("sent", "1000"), ("sent", "1001")}
    make_notice_row(provider, channels=("wechat",))
    run_all()
    assert provider.tokens == 3


@pytest.mark.parametrize(
    ("errcode", "state", "blocks"),
    [(43004, "failed", False), (45009, "failed", False), (40003, "failed", True), (-1, "queued", False)],
)
def test_what_wechat_refuses(provider: Provider, errcode: int, state: str, blocks: bool) -> None:
    make_account("wechat", provider)
    provider.answer = lambda what, params: {"errcode": errcode}
    make_notice_row(provider, channels=("wechat",))
    run_all()
    assert (sole().state, sole().provider_code, Suppression.objects.exists()) == (state, f"wx.{errcode}", blocks)


def test_wechat_refuses_the_account(provider: Provider) -> None:
    make_account("wechat", provider, app_secret="wrong")
    make_notice_row(provider, channels=("wechat",))
    run_all()
    assert (sole().state, sole().provider_code) == ("failed", "wx.token.40125")


def test_only_the_browser_can_read_a_push_notice(provider: Provider) -> None:
    make_account("push", provider)
    make_notice_row(provider, channels=("push",), expires_at=timezone.now() + timedelta(hours=2))
    run_all()
    (told,) = provider.pushes
    assert told == {
        "title": "订单 A1001",
        "body": "订单 A1001 已发货\n\nhttps://shop.example/track/x",
        "url": "https://shop.example/track/x",
        "tag": reference_of(sole()),
    }
    head = provider.push_headers[0]
    assert (head["Content-Encoding"], 7100 < int(head["TTL"]) <= 7200) == ("aes128gcm", True)
    assert sole().to_masked == "127.0.0.1"


@pytest.mark.parametrize(
    ("status", "state", "blocks"), [(410, "failed", True), (429, "queued", False), (403, "failed", False)]
)
def test_what_a_push_service_refuses(provider: Provider, status: int, state: str, blocks: bool) -> None:
    make_account("push", provider)
    provider.answer = lambda what, params: (status, {"no": 1})
    make_notice_row(provider, channels=("push",))
    run_all()
    assert (sole().state, sole().provider_code, Suppression.objects.exists()) == (state, f"push.{status}", blocks)


def test_a_browser_that_subscribes_again_stays_one(provider: Provider) -> None:
    for customer_id in (1, 1, 2):
        subscribe_push(customer_id=customer_id, subscription=provider.subscription(), at=timezone.now())
    assert PushSubscription.objects.get().customer_id == 2


def test_a_place_inside_is_not_asked(provider: Provider, settings: Any) -> None:
    make_account("sms", provider)
    settings.OUTGOING_ALLOW = []
    make_notice_row(provider, channels=("sms",))
    run_all()
    assert (sole().state, sole().provider_code, provider.sms) == ("failed", "forbidden_place", [])


def test_a_kept_secret_goes_nowhere_new(provider: Provider) -> None:
    account = make_account("sms", provider)
    values = {"access_key_id": KEY_ID, "access_key_secret": "", "sign_name": "青禾", "endpoint": "https://evil.example"}
    act = {"channel": "sms", "is_active": True, "actor": SYSTEM, "at": timezone.now()}
    with pytest.raises(InvalidInput):
        save_account(version=account.version, values=values, **act)  # type: ignore[arg-type]
    kept = save_account(version=account.version, values=values | {"endpoint": provider.url}, **act)  # type: ignore[arg-type]
    assert kept.version == 2
    assert b"aliyun-secret" not in bytes(kept.sealed)


def test_a_failed_notice_sent_again_by_hand_follows(provider: Provider, sink: Sink) -> None:
    make_account("sms", provider)
    provider.answer = lambda what, params: {"Code": "isv.AMOUNT_NOT_ENOUGH"}
    notice = make_notice_row(provider, channels=("sms",))
    run_all()
    notice.refresh_from_db()
    assert (notice.state, notice.reason) == ("failed", "no_way")
    provider.answer = lambda what, params: None
    retry_delivery(delivery_id=sole().pk, actor=SYSTEM, at=timezone.now())
    run_all()
    notice.refresh_from_db()
    assert (notice.state, sole().state) == ("sent", DeliveryState.SENT)
    assert Notice.objects.count() == 1

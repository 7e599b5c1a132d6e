"""What providers tell afterwards: each receipt once, early ones too, forged ones never; customers' answers are kept."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from core.models import Event
from customers.models import ContactChoice
from notifications.channels import Outcome, reference_of
from notifications.channels.telling import read_flat_xml
from notifications.models import Delivery, InboundText, Notice, ProviderReceipt, Suppression
from notifications.selectors.providers import credentials_of, find_account
from notifications.services import match_waiting_receipts
from notifications.services.sending import claim_delivery, settle_delivery
from tests.factories.customers import make_customer
from tests.factories.notices import PHONE, make_account, make_notice_row, make_words, run_all
from tests.providers import TOKEN, Provider, provider_server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    settings.OUTGOING_ALLOW = ["127.0.0.1"]
    make_words()
    with provider_server() as server:
        make_account("sms", server)
        make_account("wechat", server)
        yield server


def key_of(channel: str) -> str:
    return str(credentials_of(find_account(channel))["hook_key"])


def report(delivery: Delivery, *, good: bool = True, code: str = "DELIVERED", key: str = "", **fields: Any) -> int:
    row = {
        "phone_number": "13800138000", "send_time": "2026-11-23 10:00:00", "report_time": "2026-11-23 10:00:03",
        "success": good, "err_code": code, "err_msg": "x", "sms_size": "1", "biz_id": delivery.provider_ref,
        "out_id": reference_of(delivery), **fields,
    }  # fmt: skip
    return post(f"/hooks/sms/{key or key_of('sms')}/reports/", json.dumps([row]))


def post(path: str, body: str, content_type: str = "application/json") -> int:
    return int(Client().post(path, body, content_type=content_type).status_code)


def wechat_told(msgid: str, status: str = "success") -> str:
    return (
        "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o1]]></FromUserName>"
        f"<CreateTime>{int(time.time())}</CreateTime><MsgType><![CDATA[event]]></MsgType>"
        f"<Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event><MsgID>{msgid}</MsgID>"
        f"<Status><![CDATA[{status}]]></Status></xml>"
    )


def signed(token: str = TOKEN, stamp: int | None = None, **more: str) -> str:
    stamp = int(time.time()) if stamp is None else stamp
    words = "".join(sorted([token, str(stamp), "n0nce"])).encode()
    query = {"timestamp": str(stamp), "nonce": "n0nce", "signature": hashlib.sha1(words).hexdigest(), **more}
    return "&".join(f"{name}={value}" for name, value in query.items())


def sent(provider: Provider, channel: str = "sms", **fields: Any) -> Delivery:
    notice = make_notice_row(provider, channels=(channel,), **fields)
    run_all()
    return Delivery.objects.get(notice=notice)


def test_a_receipt_told_many_times_at_once_is_one(provider: Provider) -> None:
    delivery = sent(provider)
    start, answers = threading.Barrier(5), []

    def work() -> None:
        try:
            start.wait()
            answers.append(report(delivery))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run_all()
    delivery.refresh_from_db()
    assert (answers, delivery.state) == ([200] * 5, "delivered")
    assert ProviderReceipt.objects.get().state == "applied"
    assert Event.objects.filter(kind="delivery.delivered").count() == 1
    assert Notice.objects.get().state == "delivered"


def test_a_bad_receipt_has_the_next_channel_tried(provider: Provider) -> None:
    notice = make_notice_row(provider, channels=("sms", "wechat"))
    run_all()
    assert report(Delivery.objects.get(), good=False, code="MK:0001") == 200
    run_all(2)
    notice.refresh_from_db()
    found = list(Delivery.objects.order_by("pk").values_list("channel", "state", "provider_code"))
    assert found == [("sms", "failed", "r.MK.0001"), ("wechat", "sent", "wx.0")]
    assert (notice.state, notice.channel) == ("sent", "wechat")


@pytest.mark.parametrize("good", [True, False])
def test_a_receipt_before_our_own_commit_counts_and_the_late_answer_changes_nothing(
    provider: Provider, good: bool
) -> None:
    make_notice_row(provider, channels=("sms",))
    delivery = Delivery.objects.get()
    claim_delivery(delivery_id=delivery.pk, at=timezone.now())
    assert report(delivery, good=good, code="DELIVERED" if good else "X", biz_id="9^0") == 200
    outcome = Outcome(True, code="OK", reference="9^0")
    settle_delivery(delivery_id=delivery.pk, outcome=outcome, is_last_try=False, at=timezone.now())
    delivery.refresh_from_db()
    assert (delivery.state, delivery.provider_ref) == ("delivered" if good else "failed", "9^0")
    run_all()
    assert provider.sms == []


def test_wechats_receipt_waits_for_the_name_of_the_message(provider: Provider) -> None:
    path = f"/hooks/wechat/{key_of('wechat')}/?{signed()}"
    assert post(path, wechat_told("1000"), "text/xml") == 200
    assert ProviderReceipt.objects.get().state == "waiting"
    delivery = sent(provider, "wechat")  # WeChat's answer names 1000
    delivery.refresh_from_db()
    assert (delivery.state, ProviderReceipt.objects.get().state) == ("delivered", "applied")


def test_a_receipt_that_missed_the_commit_is_found_by_the_tick(provider: Provider) -> None:
    delivery = sent(provider, "wechat")
    Delivery.objects.filter(pk=delivery.pk).update(provider_ref="")
    post(f"/hooks/wechat/{key_of('wechat')}/?{signed()}", wechat_told("1000", "failed:user block"), "text/xml")
    Delivery.objects.filter(pk=delivery.pk).update(provider_ref="1000")
    assert match_waiting_receipts(now=timezone.now()) == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.provider_code) == ("failed", "wx.user_block")
    post(f"/hooks/wechat/{key_of('wechat')}/?{signed()}", wechat_told("4711"), "text/xml")
    match_waiting_receipts(now=timezone.now() + timedelta(days=2))
    assert ProviderReceipt.objects.get(provider_ref="4711").state == "unknown"


def test_forged_receipts_change_nothing(provider: Provider) -> None:
    delivery, other = sent(provider), sent(provider, "wechat")
    assert report(delivery, key="A" * 32) == 404
    for out_id in (f"{delivery.pk}xaaaaaaaaaaaaaaaa", str(delivery.pk), "x", "1x", "٣xa"):
        assert report(delivery, out_id=out_id, biz_id="") == 200
    assert report(other, biz_id="") == 200  # another channel's message
    path = f"/hooks/wechat/{key_of('wechat')}/"
    body = wechat_told(other.provider_ref)
    old = int(time.time()) - 3600
    for query in ("", signed("guess"), signed(stamp=old), signed(stamp=-5), signed(signature=""), "timestamp=9" * 3):
        assert post(f"{path}?{query}", body, "text/xml") == 404
    assert post(f"/hooks/wechat/{'B' * 32}/?{signed()}", body, "text/xml") == 404
    states = dict(Delivery.objects.values_list("channel", "state"))
    assert states == {"sms": "sent", "wechat": "sent"}


@pytest.mark.parametrize("body", ["", "{", "{}", "[1, null, []]", '[{"success": "true", "out_id": "1"}]', "[" * 5000])
def test_odd_bodies_never_break_the_door(provider: Provider, body: str) -> None:
    assert post(f"/hooks/sms/{key_of('sms')}/reports/", body) in {200, 404}
    assert post(f"/hooks/sms/{key_of('sms')}/replies/", body) in {200, 404}
    assert post(f"/hooks/wechat/{key_of('wechat')}/?{signed()}", body, "text/xml") == 200
    assert not ProviderReceipt.objects.exists()


def test_xml_with_a_document_type_says_nothing() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><xml><Event>&b;</Event></xml>'
    assert read_flat_xml(bomb.encode()) == {}
    assert read_flat_xml(b"<xml><a><b>in</b></a><c> out </c></xml>") == {"c": "out"}


def test_wechats_proof_of_address_is_answered_when_signed(provider: Provider) -> None:
    path = f"/hooks/wechat/{key_of('wechat')}/"
    good = Client().get(f"{path}?{signed(echostr='12345')}")
    assert (good.status_code, good.content) == (200, b"12345")
    assert Client().get(f"{path}?{signed('guess', echostr='12345')}").status_code == 404


def test_an_answer_by_text_message_is_kept_once_and_said(provider: Provider) -> None:
    customer = make_customer(phone=PHONE)
    delivery = sent(provider, customer_id=customer.pk, order_id=5)
    row = {
        "phone_number": "13800138000", "content": "什么时候到？", "send_time": "2026-11-23 10:00:00",
        "dest_code": "1", "sign_name": "青禾", "sequence_id": 77,
    }  # fmt: skip
    path = f"/hooks/sms/{key_of('sms')}/replies/"
    for _ in range(2):
        assert post(path, json.dumps([row])) == 200
    text = InboundText.objects.get()
    assert (text.text, text.delivery_id, text.customer_id, text.order_id) == (
        "什么时候到？",
        delivery.pk,
        customer.pk,
        5,
    )
    assert text.from_masked == "138****8000"
    event = Event.objects.get(kind="text.received")
    assert (event.data["is_stop"], event.order_id) == (False, 5)
    assert not Suppression.objects.exists()


def test_td_stops_notices_by_text_message(provider: Provider) -> None:
    customer = make_customer(phone=PHONE)
    sent(provider, customer_id=customer.pk)
    row = {"phone_number": "13800138000", "content": " 退订 ", "send_time": "", "sequence_id": 78}
    assert post(f"/hooks/sms/{key_of('sms')}/replies/", json.dumps([row])) == 200
    assert Suppression.objects.filter(purpose="notice", channel="sms").count() == 1
    assert ContactChoice.objects.get(purpose="notice", is_current=True).is_allowed is False
    notice = make_notice_row(provider, channels=("sms",), customer_id=customer.pk)
    run_all()
    notice.refresh_from_db()
    assert (notice.state, len(provider.sms)) == ("failed", 1)

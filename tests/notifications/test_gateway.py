"""In the trial the stand-ins of the providers are real interfaces: signed, sealed, with receipts; elsewhere 404."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.models import Job
from cs_portal.demo.channels import set_channels_up
from notifications.models import CaughtNote, Delivery
from notifications.services import NoticeDraft, Place, give_notice
from notifications.services.gateway import trial_subscription
from tests.factories.notices import PHONE, run_all

pytestmark = pytest.mark.django_db(transaction=True)


def tell(channel: str, to: str) -> None:
    draft = NoticeDraft(
        key=f"trial:{channel}", template="order.shipped", language="zh-hans", zone="Asia/Shanghai",
        places=[Place(channel, to)], context={"order_number": "A1", "url": "https://shop.example/track/1"},
        is_urgent=True, customer_id=3,
    )  # fmt: skip
    give_notice(draft=draft, at=timezone.now())


def test_phones_of_the_trial_show_what_was_sent_and_report_back(live_server: Any, settings: Any) -> None:
    settings.TRIAL, settings.PUBLIC_URL = True, live_server.url
    settings.OUTGOING_ALLOW = ["localhost", "127.0.0.1"]
    set_channels_up(timezone.now())
    for channel, to in (("sms", PHONE), ("wechat", "oTrial12345"), ("push", trial_subscription("phone-3"))):
        tell(channel, to)
    run_all()
    assert dict(Delivery.objects.values_list("channel", "state")) == dict.fromkeys(("sms", "wechat", "push"), "sent")
    notes = {note.channel: note for note in CaughtNote.objects.all()}
    assert {name: note.recipient for name, note in notes.items()} == {
        "sms": "13800138000", "wechat": "oTrial12345", "push": "phone-3",
    }  # fmt: skip
    assert "A1" in notes["push"].text
    Job.objects.filter(name="notifications.trial_receipt").update(due_at=timezone.now())
    run_all()
    assert Delivery.objects.get(channel="sms").state == "delivered"
    page = Client().get("/mail/phones/", headers={"Accept-Language": "en"}).content.decode()
    assert page.count("<article") == 3


def test_the_trials_gateway_takes_nothing_unsigned_and_is_shut_elsewhere(settings: Any) -> None:
    settings.TRIAL = True
    set_channels_up(timezone.now())
    paths = ("sms/?OutId=1", "wechat/cgi-bin/message/template/send?access_token=x", "push/phone-3/")
    answers = [Client().post(f"/mail/gateway/{path}", "{}", content_type="application/json") for path in paths]
    assert [answer.status_code for answer in answers] == [400, 200, 400]
    assert answers[1].json()["errcode"] == 40001
    assert not CaughtNote.objects.exists()
    settings.TRIAL = False
    for path in (*paths, "wechat/cgi-bin/stable_token"):
        assert Client().post(f"/mail/gateway/{path}", "{}", content_type="application/json").status_code == 404
    assert Client().get("/mail/phones/").status_code == 404

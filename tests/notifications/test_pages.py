"""Settings pages of messages: who may, what they show, how many queries, what they do."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.jobs import drain
from notifications.models import Delivery, InboundMail, Mailbox, MessageTemplate, Suppression
from notifications.selectors.inbound import Target
from notifications.selectors.mailboxes import own_account
from notifications.services import receive_mail
from tests.factories.accounts import make_staff, make_team
from tests.factories.notifications import TEMPLATE, mail_bytes, make_mailbox, make_template, queue
from tests.notifications.odd_mails import nested
from tests.smtp import Sink

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(make_staff(roles=["manager"]))
    return client


def mailbox_values(**changes: Any) -> dict[str, Any]:
    values = {
        "address": "care@service.example", "name_zh": "客服", "name_en": "Care", "shop_id": "", "signature_zh": "",
        "signature_en": "", "is_active": "on", "server": "shared", "host": "", "port": "", "security": "tls",
        "username": "", "password": "",
    }  # fmt: skip
    return {**values, **changes}


@pytest.mark.parametrize("name", ["mailboxes", "mailbox_new", "templates", "deliveries", "inbound"])
def test_page_is_for_those_who_manage_settings(name: str, client: Client) -> None:
    url = reverse(f"notifications:{name}")
    assert client.get(url).status_code == 302
    client.force_login(make_staff(roles=["agent"]))
    assert client.get(url).status_code == 403
    client.force_login(make_staff(roles=["supervisor"]))
    assert client.get(url).status_code == 200


@pytest.mark.parametrize("name", ["mailboxes", "deliveries", "inbound", "templates"])
def test_list_needs_the_same_queries_for_one_row_and_many(name: str, staff: Client) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    url = reverse(f"notifications:{name}")

    def add() -> None:
        number = Mailbox.objects.count()
        make_mailbox()
        queue()
        raw = mail_bytes(subject=f"mail {number}")
        receive_mail(raw=raw, sender="a@b.example", targets=[Target("x@y.example", 2)], peer="", at=timezone.now())

    add()
    staff.get(url)  # warms what is read once
    with CaptureQueriesContext(
        connection,
    ) as one:
        assert staff.get(url).status_code == 200
    for _ in range(3):
        add()
    with CaptureQueriesContext(connection) as many:
        assert staff.get(url).status_code == 200
    assert len(one) == len(many)
    assert len(many) <= 12


def test_mailbox_is_made_changed_and_guarded_against_stale_edits(staff: Client) -> None:
    answer = staff.post(reverse("notifications:mailbox_new"), mailbox_values())
    box = Mailbox.objects.get()
    assert answer.status_code == 302
    assert (box.is_default, box.version, box.address) == (True, 1, "care@service.example")
    url = reverse("notifications:mailbox", args=[box.pk])
    assert staff.get(url).status_code == 200
    values = mailbox_values(version=1, name_zh="新名字", is_default="on")
    assert staff.post(url, values).status_code == 302
    stale = staff.post(url, values | {"name_zh": "别的名字"})
    assert stale.status_code == 409
    assert "新名字" in stale.content.decode()
    assert "别的名字" in stale.content.decode()
    assert staff.post(url, values | {"version": 2, "name_zh": "别的名字"}).status_code == 302
    again = staff.post(reverse("notifications:mailbox_new"), mailbox_values())
    assert again.status_code == 422
    assert staff.post(reverse("notifications:mailbox_new"), mailbox_values(address="no address")).status_code == 422


def test_own_server_is_sealed_and_its_password_never_shown(staff: Client) -> None:
    own = {"server": "own", "host": "smtp.example", "port": "465", "username": "care", "password": "s3cret-word"}
    staff.post(reverse("notifications:mailbox_new"), mailbox_values(**own))
    box = Mailbox.objects.get()
    assert b"s3cret-word" not in bytes(box.smtp_sealed)
    url = reverse("notifications:mailbox", args=[box.pk])
    assert "s3cret-word" not in staff.get(url).content.decode()
    kept = mailbox_values(**own | {"password": ""}, version=1, is_default="on")
    assert staff.post(url, kept).status_code == 302
    account = own_account(Mailbox.objects.get())
    assert account is not None
    assert account.password == "s3cret-word"
    elsewhere = kept | {"version": 2, "host": "evil.example"}
    staff.post(url, elsewhere)
    account = own_account(Mailbox.objects.get())
    assert account is not None
    assert (account.host, account.password) == ("evil.example", "")
    missing = staff.post(reverse("notifications:mailbox_new"), mailbox_values(address="b@c.example", server="own"))
    assert missing.status_code == 422


def test_test_send_shows_what_the_server_said(staff: Client, sink: Sink) -> None:
    box = make_mailbox("care@service.example")
    url = reverse("notifications:mailbox_test", args=[box.pk])
    good = staff.post(url, {"to": "me@shop.example"}, headers={"HX-Request": "true"})
    assert good.status_code == 200
    assert "alert-good" in good.content.decode()
    assert sink.mails[0]["To"] == "me@shop.example"
    sink.answer_to = lambda address: "550 5.7.1 no"
    bad = staff.post(url, {"to": "me@shop.example"})
    assert "to.550-5.7.1" in bad.content.decode()
    box.refresh_from_db()
    assert box.tested_at is not None
    assert box.last_error_code == "to.550-5.7.1"
    assert staff.post(url, {"to": "nowhere"}).status_code == 422


def test_template_is_changed_previewed_and_reset(staff: Client, sink: Sink) -> None:
    make_template()
    url = reverse("notifications:template", args=["email", TEMPLATE, "zh-hans"])
    assert staff.get(url).status_code == 200
    preview = staff.post(f"{url}preview/", {"subject": "s", "body": "<b>您好</b> {customer_name}"})
    assert "&lt;b&gt;您好&lt;/b&gt; 王小明" in preview.content.decode()
    assert "sandbox" in preview.headers["Content-Security-Policy"]
    assert preview.headers["X-Frame-Options"] == "SAMEORIGIN"
    values = {"version": 0, "subject": "新：{subject}", "body": "{text}"}
    assert staff.post(url, values).status_code == 302
    assert staff.post(url, values).status_code == 409
    assert queue().subject == "新：杯子"
    assert staff.post(f"{url}reset/").status_code == 302
    assert not MessageTemplate.objects.exists()
    assert queue().subject == "关于您的问题 杯子"
    assert staff.post(url, values | {"subject": ""}).status_code == 422
    assert staff.get(url.replace("zh-hans", "fr")).status_code == 404
    assert staff.get(url.replace("tests.note", "tests.none")).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_failed_message_is_found_allowed_and_sent_again(staff: Client, sink: Sink) -> None:
    sink.answer_to = lambda address: "550 5.1.1 no"
    delivery = queue()
    drain(seconds=10)
    listed = reverse("notifications:deliveries")
    assert delivery.subject in staff.get(listed, {"to": "WANG@customer.example"}).content.decode()
    assert delivery.subject not in staff.get(listed, {"to": "li@customer.example"}).content.decode()
    page = staff.get(listed, {"state": "failed"}).content.decode()
    assert "w***@customer.example" in page
    assert "wang@customer.example" not in page
    url = reverse("notifications:delivery", args=[delivery.pk])
    assert "to.550-5.1.1" in staff.get(url).content.decode()
    stop = Suppression.objects.get()
    assert staff.post(f"{url}allow/{stop.pk}/").status_code == 302
    sink.answer_to = lambda address: None
    assert staff.post(f"{url}retry/").status_code == 302
    drain(seconds=10)
    assert Delivery.objects.get().state == "sent"
    assert staff.post(f"{url}retry/").status_code in {400, 409}
    assert Delivery.objects.get().state == "sent"
    assert "sandbox" in staff.get(f"{url}html/").headers["Content-Security-Policy"]


def test_message_of_another_teams_shop_is_not_found(client: Client) -> None:
    delivery = queue(shop_id=8)
    client.force_login(make_staff(roles=["supervisor"], teams=[make_team(shop_ids=[7])]))
    url = reverse("notifications:delivery", args=[delivery.pk])
    assert client.get(url).status_code == 404
    assert client.post(f"{url}retry/").status_code == 404
    assert client.get(f"{url}html/").status_code == 404
    assert delivery.subject not in client.get(reverse("notifications:deliveries")).content.decode()


def test_quarantined_mail_is_let_in_by_hand(staff: Client) -> None:
    row, _new = receive_mail(
        raw=nested(70), sender="a@b.example", targets=[Target("x@y.example", 2)], peer="", at=timezone.now()
    )
    assert (row.state, row.reason) == ("quarantined", "too_deep")
    url = reverse("notifications:inbound_mail", args=[row.pk])
    assert staff.get(url).status_code == 200
    assert staff.post(f"{url}decide/", {"action": "release"}).status_code == 302
    assert InboundMail.objects.get().state == "received"

"""Bounces find their message, absence notes and lists are left aside, forged addresses prove nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from core.jobs import drain
from core.models import Event
from notifications import read_reply_address, reply_address
from notifications.addresses import bounce_address
from notifications.models import Delivery, InboundMail, Suppression
from notifications.selectors.inbound import find_target
from notifications.services import receive_mail, release_mail
from notifications.services.deliveries import loop_mark
from tests.factories.notifications import mail_bytes, make_mailbox, queue
from tests.smtp import Sink

pytestmark = pytest.mark.django_db(transaction=True)


def take(raw: bytes, to: str = "care@service.example", sender: str = "wang@customer.example") -> InboundMail:
    target = find_target(to)
    assert target is not None
    return receive_mail(raw=raw, sender=sender, targets=[target], peer="127.0.0.1", at=timezone.now())[0]


def dsn(message_id: str, *, action: str = "failed", status: str = "5.1.1") -> bytes:
    return (
        "From: MAILER-DAEMON@mx.example\r\nTo: care@service.example\r\nSubject: Undelivered\r\n"
        f"Message-ID: <dsn-{action}-{status}@mx.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt did not work.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; wang@customer.example\r\nAction: {action}\r\nStatus: {status}\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {message_id}\r\nSubject: x\r\n\r\n--b--\r\n"
    ).encode()


@pytest.fixture
def sent(sink: Sink) -> Delivery:
    make_mailbox("care@service.example")
    delivery = queue(ticket_id=5, customer_id=9)
    drain(seconds=10)
    delivery.refresh_from_db()
    assert delivery.state == "sent"
    return delivery


def test_bounce_marks_its_message_and_blocks_the_address(sent: Delivery) -> None:
    row = take(dsn(sent.message_id), sender="")
    drain(seconds=10)
    sent.refresh_from_db()
    row.refresh_from_db()
    assert (sent.state, sent.provider_code) == ("failed", "bounce.5.1.1")
    assert (row.kind, row.state, row.ticket_id) == ("bounce", "applied", 5)
    assert Suppression.objects.get().customer_id == 9
    assert Event.objects.get(kind="delivery.failed").ticket_id == 5


def test_full_mailbox_blocks_nothing(sent: Delivery) -> None:
    take(dsn(sent.message_id, status="5.2.2"), sender="")
    drain(seconds=10)
    sent.refresh_from_db()
    assert (sent.state, Suppression.objects.count()) == ("failed", 0)


def test_delay_changes_nothing(sent: Delivery) -> None:
    row = take(dsn(sent.message_id, action="delayed", status="4.4.1"), sender="")
    drain(seconds=10)
    sent.refresh_from_db()
    row.refresh_from_db()
    assert (sent.state, row.state, row.reason) == ("sent", "ignored", "delayed")


def test_receipt_marks_the_message_as_delivered(sent: Delivery) -> None:
    take(dsn(sent.message_id, action="delivered", status="2.0.0"), sender="")
    drain(seconds=10)
    sent.refresh_from_db()
    assert sent.state == "delivered"


def test_free_text_bounce_is_known_by_its_return_address(sent: Delivery) -> None:
    raw = mail_bytes(sender="PostMaster@qq.example", subject="系统退信", text="收件人邮件地址不存在 550 user unknown")
    take(raw, to=bounce_address(sent.pk), sender="")
    drain(seconds=10)
    sent.refresh_from_db()
    assert (sent.state, Suppression.objects.count()) == ("failed", 1)


def test_bounce_of_a_strangers_mail_does_nothing(sent: Delivery) -> None:
    row = take(dsn("<not-ours@elsewhere.example>"), sender="")
    assert (row.state, row.reason) == ("ignored", "unknown_message")
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Auto-Submitted": "auto-replied"}, "auto"),
        ({"Precedence": "auto_reply"}, "auto"),
        ({"X-Autoreply": "yes"}, "auto"),
        ({"subject": "自动回复：我在休假"}, "auto"),
        ({"List-Id": "<news.shop.example>"}, "list"),
    ],
)
def test_machines_are_left_aside_and_can_be_let_in(headers: dict[str, Any], kind: str) -> None:
    make_mailbox("care@service.example")
    row = take(mail_bytes(**headers))
    assert (row.kind, row.state) == (kind, "ignored")
    assert not Event.objects.filter(kind="mail.received").exists()
    release_mail(inbound_id=row.pk, actor=SYSTEM, at=timezone.now())
    row.refresh_from_db()
    assert (row.kind, row.state) == ("message", "received")
    assert Event.objects.filter(kind="mail.received").count() == 1


def test_own_mail_is_a_loop() -> None:
    make_mailbox("care@service.example")
    row = take(mail_bytes(X_Loop=loop_mark()))
    assert (row.kind, row.state, row.reason) == ("loop", "ignored", "own_mail")


def test_mail_to_a_reply_address_is_never_a_list() -> None:
    row = take(mail_bytes(List_Id="<x.example>"), to=reply_address(4))
    assert (row.kind, row.reply_ticket_id) == ("message", 4)


def test_reply_address_proves_its_ticket_only() -> None:
    address = reply_address(12)
    assert read_reply_address(address.upper()) == 12
    assert read_reply_address(f"<{address}>") == 12
    assert read_reply_address(address.replace("+12.", "+13.")) is None
    assert read_reply_address(address.replace("service.example", "evil.example")) is None
    assert read_reply_address("reply+12.@service.example") is None
    assert read_reply_address(address.replace("reply", "bounce")) is None
    assert find_target(address.replace("+12.", "+13.")) is None
    assert find_target("bounce+1.aaaaaaaaaaaaaaaa@service.example") is None


def test_mailbox_takes_tags_and_stops_when_put_away() -> None:
    box = make_mailbox("care@service.example")
    target = find_target("Care+summer@Service.Example")
    assert target is not None
    assert target.mailbox_id == box.pk
    assert find_target("other@service.example") is None
    assert find_target("postmaster@service.example") is not None
    box.is_active = box.is_default = False
    box.save()
    assert find_target("care@service.example") is None

"""Messages leave by real SMTP, once, and every answer of a server is written down."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from core.jobs import drain
from core.models import Event, Job
from notifications.channels.smtp import SmtpAccount, transmit
from notifications.enums import DeliveryState
from notifications.errors import BadHeader
from notifications.models import Delivery, Suppression
from tests.factories.notifications import make_mailbox, queue
from tests.smtp import Sink

pytestmark = pytest.mark.django_db(transaction=True)


def retry_now() -> None:
    Job.objects.filter(state="ready").update(retry_at=None)
    drain(seconds=10)


def test_queued_message_arrives_as_a_whole_mail(sink: Sink) -> None:
    make_mailbox("care@service.example", signature_zh="客服中心\n工作日 9:00–21:00")
    delivery = queue(ticket_id=12)
    assert drain(seconds=10) >= 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.provider_code) == (DeliveryState.SENT, 1, "250")
    (mail,) = sink.mails
    assert mail["To"] == "wang@customer.example"
    assert mail["From"] == "客服中心 <care@service.example>"
    assert mail["Subject"] == "关于您的问题 杯子"
    assert mail["Message-ID"] == delivery.message_id
    assert str(mail["Reply-To"]).startswith("reply+12.")
    assert mail["Auto-Submitted"] == "auto-generated"
    plain, html = mail.get_body(["plain"]), mail.get_body(["html"])
    assert plain is not None
    assert html is not None
    assert "王小明，您好：" in plain.get_content()
    assert "https://shop.example/t/1" in plain.get_content()
    assert "工作日 9:00–21:00" in html.get_content()
    assert sink.envelopes[0].mail_from.startswith(f"bounce+{delivery.pk}.")  # type: ignore[union-attr]
    event = Event.objects.get(kind="delivery.sent")
    assert (event.ticket_id, event.data["cause"]) == (12, "250")


def test_transient_refusal_is_tried_again(sink: Sink) -> None:
    answers = iter(["421 4.3.2 Not now"])
    sink.answer_to = lambda address: next(answers, None)
    delivery = queue()
    drain(seconds=10)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.provider_code) == (DeliveryState.QUEUED, "to.421-4.3.2")
    retry_now()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, len(sink.mails)) == (DeliveryState.SENT, 2, 1)


def test_unreachable_server_is_tried_again_until_given_up(settings: Any) -> None:
    settings.SMTP = {**settings.SMTP, "host": "127.0.0.1", "port": 1}
    delivery = queue()
    drain(seconds=10)
    for _ in range(9):
        retry_now()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.provider_code) == (DeliveryState.FAILED, 10, "no_connection")
    assert Event.objects.filter(kind="delivery.failed").count() == 1
    assert not Job.objects.filter(state="quarantined").exists()


def test_unknown_address_fails_for_good_and_blocks_the_address(sink: Sink) -> None:
    sink.answer_to = lambda address: "550 5.1.1 No such user"
    delivery = queue()
    drain(seconds=10)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.provider_code) == (DeliveryState.FAILED, "to.550-5.1.1")
    assert Suppression.objects.get().reason == "bounce"
    sink.answer_to = lambda address: None
    second = queue()
    drain(seconds=10)
    second.refresh_from_db()
    assert (second.state, second.provider_code, sink.mails) == (DeliveryState.FAILED, "suppressed", [])


def test_refusal_by_policy_blocks_nothing(sink: Sink) -> None:
    sink.answer_to = lambda address: "550 5.7.1 Spam"
    delivery = queue()
    drain(seconds=10)
    delivery.refresh_from_db()
    assert (delivery.state, Suppression.objects.count()) == (DeliveryState.FAILED, 0)


def test_same_key_in_parallel_threads_is_one_message(sink: Sink) -> None:
    start, ids = threading.Barrier(8), []

    def work() -> None:
        try:
            start.wait()
            ids.append(queue(key="ticket:1:ack").pk)
        finally:
            connection.close()

    queue(key="warm")  # registers the template before the race
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1
    assert Delivery.objects.filter(key="ticket:1:ack").count() == 1
    drain(seconds=10)
    assert len([mail for mail in sink.mails if mail["Message-ID"] == Delivery.objects.get(pk=ids[0]).message_id]) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"to": "a@b.example\r\nBcc: all@b.example"},
        {"context": {"subject": "x\r\nBcc: all@b.example", "text": "", "customer_name": "", "url": ""}},
        {"headers": {"In-Reply-To": "<a@b>\r\nBcc: all@b.example"}},
        {"headers": {"X-Note": "a\nb"}},
    ],
)
def test_line_break_in_a_header_raises(fields: dict[str, Any]) -> None:
    with pytest.raises(BadHeader):
        queue(**fields)
    assert not Delivery.objects.exists()


def test_late_message_expires_unsent(sink: Sink) -> None:
    now = timezone.now()
    delivery = queue(at=now, expires_at=now)
    drain(seconds=10)
    delivery.refresh_from_db()
    assert (delivery.state, sink.mails) == (DeliveryState.EXPIRED, [])


def test_a_server_named_on_a_page_is_only_asked_where_it_may_be(sink: Sink, settings: Any) -> None:
    account = SmtpAccount(sink.host, sink.port)
    mail = ("a@service.example", "b@customer.example", b"Subject: x\r\n\r\nx")
    assert transmit(account, *mail).code == "forbidden_place"
    assert sink.tries == 0
    settings.OUTGOING_ALLOW = [sink.host]
    assert transmit(account, *mail).is_accepted

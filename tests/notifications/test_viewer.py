"""The trial's mail viewer: caught mail is shown safely, an answer really comes in; outside a trial it is not there."""

from __future__ import annotations

from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.jobs import drain
from cs_portal.runtime.ports import free_port, wait_until_accepts
from notifications.models import CaughtMail, InboundMail
from notifications.selectors import get_parsed_mail
from notifications.services.as_customer import CustomerMail, send_as_customer
from notifications.services.keeping import erase_customer
from notifications.services.sink import catch_mail
from tests.factories.notifications import make_mailbox, queue
from tests.notifications.odd_mails import PNG, multi, part
from tests.notifications.test_listener import listener

pytestmark = pytest.mark.django_db(transaction=True)


def test_viewer_is_only_there_in_a_trial(client: Client, settings: Any) -> None:
    paths = ["/mail/", "/mail/new/", "/mail/1/", "/mail/1/html/", "/mail/1/file/0/"]
    settings.TRIAL = False
    assert [client.get(path).status_code for path in paths] == [404] * 5
    settings.TRIAL = True
    assert [client.get(path).status_code for path in paths] == [200, 200, 404, 404, 404]


def test_caught_mail_is_shown_without_running_anything(client: Client, settings: Any) -> None:
    settings.TRIAL = True
    page = part("text/html; charset=utf-8", '<p>您好<script>x()</script><img src="cid:p1"></p>'.encode())
    import base64

    picture = part("image/png", base64.encodebytes(PNG), "base64", Content_ID="<p1>", Content_Disposition="inline")
    raw = multi("caught", "related", page, picture)
    (row,) = catch_mail(raw=raw, sender="s@service.example", recipients=["wang@customer.example"], at=timezone.now())
    url = reverse("notifications:viewer_mail", args=[row.pk])
    shown = client.get(url).content.decode()
    assert "<script>x()" not in shown
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in shown
    html = client.get(f"{url}html/")
    policy = html.headers["Content-Security-Policy"]
    assert "sandbox allow-popups" in policy
    assert "default-src 'none'" in policy
    assert f"{url}file/0/" in html.content.decode()
    assert client.get(f"{url}file/0/").content == PNG
    assert client.get(f"{url}file/9/").status_code == 404
    refused = client.post(f"{url}reply/", {"text": ""})
    assert (refused.status_code, f'data-refresh="{url}?"' in refused.content.decode()) == (422, True)
    part_of_list = client.get("/mail/", headers={"X-Part": "list"})
    assert "wang@customer.example" in part_of_list.content.decode()
    assert "<html" not in part_of_list.content.decode()
    headers = {"X-Part": "list", "If-None-Match": part_of_list.headers["ETag"]}
    assert client.get("/mail/", headers=headers).status_code == 304


@pytest.mark.slow
def test_mail_goes_out_and_the_customers_answer_comes_in(client: Client, settings: Any, mail_folder: Path) -> None:
    make_mailbox("care@service.example")
    sink_port = free_port()
    settings.TRIAL = True
    settings.SMTP = {**settings.SMTP, "host": "127.0.0.1", "port": sink_port}
    with listener(mail_folder, TRIAL="1", SMTP_URL=f"smtp://127.0.0.1:{sink_port}") as (_process, port):
        settings.INBOUND_SMTP_PORT = port
        assert wait_until_accepts("127.0.0.1", sink_port, seconds=60)
        delivery = queue(ticket_id=31, customer_id=3)
        drain(seconds=10)
        caught = CaughtMail.objects.get()
        assert (caught.recipient, caught.message_id) == ("wang@customer.example", delivery.message_id)
        photo = SimpleUploadedFile("裂纹.png", PNG, "image/png")
        url = reverse("notifications:viewer_mail", args=[caught.pk])
        answer = client.post(f"{url}reply/", {"text": "还没有收到", "files": [photo]})
        assert answer.status_code == 302
        assert client.post(f"{url}reply/", {"text": ""}).status_code == 422
        letter = {"sender": "li@customer.example", "to": "care@service.example", "subject": "发票", "text": "请开发票"}
        assert client.post("/mail/new/", letter).status_code == 302
        refused = client.post("/mail/new/", letter | {"to": "nobody@service.example"})
        assert refused.status_code == 422
    first, second = InboundMail.objects.order_by("pk")
    mail = get_parsed_mail(first.pk)
    assert (first.reply_ticket_id, mail.in_reply_to, mail.from_address) == (
        31,
        delivery.message_id,
        "wang@customer.example",
    )
    assert mail.text.startswith("还没有收到\n")
    assert [(file.name, file.content) for file in mail.attachments] == [("裂纹.png", PNG)]
    assert get_parsed_mail(second.pk).subject == "发票"
    assert erase_customer(3) >= 3
    delivery.refresh_from_db()
    assert (delivery.to, delivery.text, delivery.subject, CaughtMail.objects.count()) == ("", "", "", 0)
    first.refresh_from_db()
    assert first.raw_name == ""
    assert list(mail_folder.rglob("*.eml")) == [mail_folder / second.raw_name]


class Taken:
    """A listener's memory."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take a mail."""
        self.mails.append(envelope.content)
        return "250 OK"


def test_a_listener_that_is_only_starting_is_waited_for(settings: Any) -> None:
    settings.INBOUND_SMTP_PORT = port = free_port()
    taken = Taken()
    controller = Controller(taken, hostname="127.0.0.1", port=port)
    starting = Timer(0.6, controller.start)
    starting.start()
    letter = CustomerMail("li@customer.example", "care@service.example", "发票", "请开发票")
    try:
        assert send_as_customer(mail=letter, at=timezone.now()).is_accepted
    finally:
        starting.join()
        controller.stop()
    assert len(taken.mails) == 1

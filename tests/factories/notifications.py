"""Mailboxes, deliveries and mails for tests."""

from __future__ import annotations

import itertools
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from django.utils import timezone

from notifications.models import Delivery, Mailbox
from notifications.services import queue_message
from notifications.templates import TEMPLATES, register_template

_number = itertools.count(1)
TEMPLATE = "tests.note"


def make_template(key: str = TEMPLATE, **fields: Any) -> str:
    """Register a template once and return its key."""
    if (key, fields.get("channel", "email")) not in TEMPLATES:
        register_template(
            key,
            subject={"zh-hans": "关于您的问题 {subject}", "en": "About your question {subject}"},
            body={
                "zh-hans": "{customer_name}，您好：\n\n{text}\n\n[查看进度]({url})",
                "en": "Hello {customer_name},\n\n{text}\n\n[See the progress]({url})",
            },
            **fields,
        )
    return key


def make_mailbox(address: str = "", **fields: Any) -> Mailbox:
    """Make a mailbox; the first one is the default."""
    fields.setdefault("is_default", not Mailbox.objects.filter(is_default=True).exists())
    fields.setdefault("name_zh", "客服中心")
    return Mailbox.objects.create(address=address or f"care{next(_number)}@service.example", **fields)


def queue(*, at: datetime | None = None, **fields: Any) -> Delivery:
    """Queue a message made of the test template."""
    fields.setdefault("key", f"test:{next(_number)}")
    fields.setdefault("template", make_template())
    fields.setdefault("language", "zh-hans")
    fields.setdefault("to", "wang@customer.example")
    fields.setdefault(
        "context",
        {"customer_name": "王小明", "subject": "杯子", "text": "已经寄出。", "url": "https://shop.example/t/1"},
    )
    return queue_message(at=at or timezone.now(), **fields)


def mail_bytes(
    *,
    sender: str = "Wang <wang@customer.example>",
    to: str = "care@service.example",
    subject: str = "杯子裂了",
    text: str = "您好，收到的杯子有裂纹。",
    message_id: str | None = "",
    **headers: str,
) -> bytes:
    """Return a plain mail as its sender's program writes it; `message_id=None` leaves the header out."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"] = "Sat, 21 Nov 2026 10:00:00 +0800"
    if message_id is not None:
        message["Message-ID"] = message_id or f"<test{next(_number)}@customer.example>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()

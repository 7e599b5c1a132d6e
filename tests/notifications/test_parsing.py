"""No mail makes the parser raise; none is lost, none kept twice."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.utils import timezone

from core.models import Event
from notifications.inbound.parsing import parse_mail
from notifications.models import InboundMail
from notifications.selectors import get_parsed_mail
from notifications.selectors.inbound import Target
from notifications.services import receive_mail
from tests.notifications.odd_mails import Odd, head, multi, odd_mails, part

CORPUS = list(odd_mails())


def test_corpus_is_wide() -> None:
    assert len(CORPUS) >= 60
    assert len({one.structure for one in CORPUS}) >= 25
    assert len({one.name for one in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("odd", CORPUS, ids=lambda odd: odd.name)
def test_odd_mail_is_read(odd: Odd) -> None:
    begin = time.monotonic()
    mail = parse_mail(odd.raw)
    assert time.monotonic() - begin < 5
    assert mail.fault == odd.fault
    if odd.subject:
        assert mail.subject == odd.subject
    if odd.sender:
        assert mail.from_address == odd.sender
    assert odd.text in mail.text
    if odd.files:
        assert tuple(file.name for file in mail.attachments) == odd.files
    for name, value in odd.extra.items():
        if name == "file_count":
            assert len(mail.attachments) == value
        elif name == "inline":
            assert [file.is_inline for file in mail.attachments] == [value]
        else:
            assert getattr(mail, name) == value
    words = [mail.subject, mail.text, mail.html, mail.from_name, mail.message_id, *mail.to]
    assert not any("\x00" in text for text in words)
    for text in words:
        text.encode("utf-8")  # no lone surrogates: the database takes it


@pytest.mark.django_db
def test_corpus_is_kept_whole_and_once(settings: Any) -> None:
    settings.INBOUND_PER_SENDER = 0
    targets = [Target("care@service.example", 2)]
    for _ in range(2):
        for odd in CORPUS:
            receive_mail(
                raw=odd.raw, sender="wang@customer.example", targets=targets, peer="127.0.0.1", at=timezone.now()
            )
    assert InboundMail.objects.count() == len(CORPUS)
    by_state = {row["state"] for row in InboundMail.objects.values("state")}
    assert by_state == {"received", "quarantined"}
    assert InboundMail.objects.filter(state="quarantined").exclude(reason="").count() == len(
        [odd for odd in CORPUS if odd.fault]
    )
    assert Event.objects.filter(kind__startswith="mail.").count() == len(CORPUS)
    for row in InboundMail.objects.all():
        get_parsed_mail(row.pk)


@pytest.mark.django_db
def test_same_message_id_of_another_mail_is_not_a_duplicate() -> None:
    for subject in ("first", "second"):
        raw = head(Subject=subject, Message_ID="<always@same.example>") + b"\r\nhello"
        receive_mail(
            raw=raw, sender="a@b.example", targets=[Target("x@service.example", 2)], peer="", at=timezone.now()
        )
    assert InboundMail.objects.count() == 2


@pytest.mark.slow
def test_thirty_megabytes_are_read() -> None:
    body = part(
        "application/zip", b"A" * 76 * 1024 + b"\r\n", "base64", Content_Disposition="attachment; filename=a.zip"
    )
    raw = multi("thirty", "mixed", part("text/plain", b"hello"), *[body] * 380)
    assert 28_000_000 < len(raw) < 31_000_000
    begin = time.monotonic()
    mail = parse_mail(raw)
    assert (mail.fault, mail.text, len(mail.attachments)) == ("", "hello", 380)
    assert time.monotonic() - begin < 20

"""What the trial's catch-all server holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import policy
from email.parser import BytesHeaderParser

from core.errors import NotFound
from notifications.inbound.parsing import ParsedMail, parse_mail
from notifications.inbound.words import decode_words
from notifications.models import CaughtMail
from notifications.storage import read_raw

PAGE = 60
_URL = re.compile(r"https?://[^\s<>\"']+")


@dataclass(frozen=True)
class OpenedMail:
    """A caught mail, read."""

    row: CaughtMail
    mail: ParsedMail
    headers: list[tuple[str, str]]
    links: list[str]


def caught_mails(*, to: str = "", before: int | None = None) -> list[CaughtMail]:
    """Return caught mails, newest first, one more than a page holds; `to` is part of an address or a subject."""
    from django.db.models import Q

    rows = CaughtMail.objects.order_by("-pk")
    if to:
        rows = rows.filter(Q(recipient__icontains=to) | Q(subject__icontains=to))
    if before:
        rows = rows.filter(pk__lt=before)
    return list(rows[: PAGE + 1])


def get_caught(mail_id: int) -> CaughtMail:
    """Return a caught mail's row. Raises NotFound."""
    row = CaughtMail.objects.filter(pk=mail_id).first()
    if row is None:
        raise NotFound
    return row


def open_caught(mail_id: int) -> OpenedMail:
    """Return a caught mail with its words, files, headers and links. Raises NotFound."""
    row = get_caught(mail_id)
    try:
        raw = read_raw(row.raw_name)
    except FileNotFoundError:
        raise NotFound from None
    mail = parse_mail(raw)
    head = BytesHeaderParser(policy=policy.compat32).parsebytes(raw[:200_000])
    headers = [(name, decode_words(str(value))) for name, value in head.raw_items()]  # type: ignore[attr-defined]
    links = list(dict.fromkeys(url.rstrip(".,;)，。；）") for url in _URL.findall(mail.text)))
    return OpenedMail(row, mail, headers, links[:20])

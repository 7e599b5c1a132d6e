"""What the trial's catch-all server took."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core.live import announce
from notifications.inbound.parsing import parse_mail
from notifications.models import CaughtMail
from notifications.services.deliveries import address_index
from notifications.storage import SINK, forget_all, keep_raw

KEPT = 5000


def catch_mail(*, raw: bytes, sender: str, recipients: list[str], at: datetime) -> list[CaughtMail]:
    """Keep a mail once for each recipient, the newest five thousand of all. Raises OSError and database errors."""
    mail = parse_mail(raw)
    rows = [
        CaughtMail(
            raw_name=keep_raw(SINK, raw, at),
            size=len(raw),
            sender=sender[:320],
            recipient=recipient[:320],
            recipient_index=address_index(recipient),
            from_name=(mail.from_name or mail.from_address)[:200],
            subject=mail.subject,
            snippet=" ".join(mail.text.split())[:200],
            message_id=mail.message_id[:255],
            caught_at=at,
        )
        for recipient in recipients
    ]
    _insert(rows)
    return rows


@transaction.atomic
def _insert(rows: list[CaughtMail]) -> None:
    CaughtMail.objects.bulk_create(rows)
    for row in rows:
        announce("mail", "caught", row.pk)
    old = CaughtMail.objects.order_by("-pk").values_list("pk", flat=True)[KEPT : KEPT + 1]
    limit = next(iter(old), None)
    if limit is not None:
        past = CaughtMail.objects.filter(pk__lte=limit)
        names = list(past.values_list("raw_name", flat=True))
        past.delete()
        transaction.on_commit(lambda: forget_all(names), robust=True)

"""Senders whose messages go to spam."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.crypto import blind_index
from core.errors import InvalidInput
from core.text import mask_email, mask_phone, normalise, normalise_email, normalise_phone
from tickets.models import BlockedSender


def block_index(kind: str, value: str) -> bytes:
    """Return the digest under which a blocked value is kept."""
    return blind_index(value, f"blocked.{kind}")


@transaction.atomic
def block_sender(*, kind: str, value: str, reason: str, staff_id: int | None, at: datetime) -> BlockedSender:
    """Block a mail address, a phone or a mail domain; twice is once. Raises InvalidInput."""
    cleaned, mask = _cleaned(kind, value)
    row, _is_new = BlockedSender.objects.get_or_create(
        kind=kind,
        value_index=block_index(kind, cleaned),
        defaults={"mask": mask[:80], "reason": normalise(reason)[:120], "blocked_by_id": staff_id, "created_at": at},
    )
    return row


@transaction.atomic
def unblock_sender(*, blocked_id: int) -> bool:
    """Take a sender off the list; return whether it was on it."""
    deleted, _rows = BlockedSender.objects.filter(pk=blocked_id).delete()
    return bool(deleted)


def _cleaned(kind: str, value: str) -> tuple[str, str]:
    if kind == "email" and (address := normalise_email(value)):
        return address, mask_email(address)
    if kind == "phone" and (number := normalise_phone(value)):
        return number, mask_phone(number)
    if kind == "domain" and (probe := normalise_email(f"x@{value.strip().lstrip('@')}")):
        domain = probe.partition("@")[2]
        return domain, domain
    raise InvalidInput(fields={"value": [_("This does not look like an address, a phone number or a domain.")]})

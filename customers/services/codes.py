"""One-time codes: prove that a phone or address is yours; five tries, ten minutes, once, the same answer for all."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core import ratelimit
from core.crypto import blind_index, same
from core.errors import InvalidInput, Unavailable
from core.text import normalise_email, normalise_phone
from customers.enums import IdentityKind
from customers.models import OneTimeCode
from customers.selectors import find_identity
from notifications.services import queue_message

LIFE = timedelta(minutes=10)
TRIES = 5
PER_TARGET = ((3, timedelta(minutes=10)), (10, timedelta(days=1)))
TEMPLATE = "customers.one_time_code"


def request_code(*, purpose: str, channel: str, target: str, language: str, at: datetime) -> None:
    """Send a six-digit code to an address we know; an unknown one gets the same answer and no message.

    Raises InvalidInput, RateLimited (3 in ten minutes, 10 a day for one target), Unavailable without a sender.
    """
    value = _normalised(channel, target)
    if channel != "email":
        raise Unavailable(_("We cannot send codes by text message yet. Please use your email address."))
    for limit, period in PER_TARGET:
        ratelimit.check(f"code.{period.days or 0}", f"{purpose}:{value}", limit=limit, period=period)
    _write_code(purpose, channel, value, language, at)


@transaction.atomic
def _write_code(purpose: str, channel: str, value: str, language: str, at: datetime) -> None:
    code = f"{secrets.randbelow(1_000_000):06d}"
    index = target_index(purpose, value)
    OneTimeCode.objects.filter(purpose=purpose, target_index=index, used_at__isnull=True).update(used_at=at)
    row = OneTimeCode.objects.create(
        purpose=purpose, target_index=index, code_hash=_code_hash(index, code), expires_at=at + LIFE
    )
    known = find_identity(IdentityKind.EMAIL, value)
    if known is not None and known.customer.erased_at is None:
        queue_message(
            key=f"code:{row.pk}",
            channel=channel,
            template=TEMPLATE,
            language=language,
            to=value,
            context={"code": code, "minutes": int(LIFE.total_seconds() // 60)},
            purpose="service",
            customer_id=known.customer_id,
            at=at,
        )


@transaction.atomic
def check_code(*, purpose: str, target: str, code: str, at: datetime) -> bool:
    """Tell whether the code is the one sent last for this target, and use it up; each look costs one of five tries.

    Call it outside a transaction that may roll back, or the try is given back.
    """
    value = normalise_email(target) or normalise_phone(target)
    if value is None:
        return False
    index = target_index(purpose, value)
    rows = OneTimeCode.objects.select_for_update(no_key=True).filter(purpose=purpose, target_index=index)
    row = rows.order_by("-id").first()
    if row is None or row.used_at is not None or row.expires_at <= at or row.tries >= TRIES:
        return False
    row.tries += 1
    right = same(bytes(row.code_hash), _code_hash(index, "".join(code.split())[:12]))
    if right:
        row.used_at = at
    row.save(update_fields=["tries", "used_at"])
    return right


@transaction.atomic
def forget_codes(*, now: datetime) -> int:
    """Delete codes that expired more than a day ago; return how many."""
    deleted, _by_model = OneTimeCode.objects.filter(expires_at__lt=now - timedelta(days=1)).delete()
    return deleted


def _normalised(channel: str, target: str) -> str:
    value = normalise_email(target) if channel == "email" else normalise_phone(target)
    if value is None:
        raise InvalidInput(fields={"target": [_("This does not look like a phone number or an email address.")]})
    return value


def target_index(purpose: str, value: str) -> bytes:
    """Return the digest under which a code is kept for a target."""
    return blind_index(value, f"code.{purpose}")


def _code_hash(index: bytes, code: str) -> bytes:
    return blind_index(f"{index.hex()}:{code}", "code.value")

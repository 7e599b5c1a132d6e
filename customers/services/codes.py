"""One-time codes: prove that a phone or address is yours; five tries, ten minutes, once, the same answer for all.

The door does the same work for everybody and writes one row; who is known is looked up by a job, which makes the code
and sends it. A code answers only to the browser that asked for it, so that a stranger who asks for codes for somebody
else's phone takes nothing away from her but a part of the number of messages a day.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from core import ratelimit
from core.crypto import blind_index, decrypt, encrypt, hash_token, random_token, same
from core.errors import InvalidInput, Unavailable
from core.jobs import schedule
from core.text import mask_email, mask_phone, normalise_email, normalise_phone
from customers.models import Identity, OneTimeCode
from customers.selectors import find_identity
from notifications.enums import Channel
from notifications.selectors.providers import active_channels, lacks
from notifications.services import queue_message

LIFE = timedelta(minutes=10)
TRIES = 5
PER_TARGET = (("ten minutes", 3, timedelta(minutes=10)), ("day", 10, timedelta(days=1)))
PER_PLACE = (20, timedelta(hours=1))
PURPOSES = ("own_page", "returns", "tracking")
TEMPLATE = "customers.one_time_code"
SEND = "customers.send_code"


def takes_phones(language: str) -> bool:
    """Tell whether codes can go out by text message: an account is set up and its template is named."""
    active = active_channels()
    return Channel.SMS in active and not lacks(Channel.SMS, TEMPLATE, language, active)


def request_code(*, purpose: str, target: str, asker: str, place: str, language: str, at: datetime) -> str:
    """Owe a six-digit code to a phone or mail address; return the asker's token, which `check_code` wants.

    `asker` is the token of a browser that asked before, else "". One nobody is known by gets the same answer and no
    message. Raises InvalidInput (field target), RateLimited (3 in ten minutes and 10 a day for one target, 20 an hour
    from one place), Unavailable for a phone while text messages are not set up.
    """
    channel, value = _read(target)
    if channel == Channel.SMS and not takes_phones(language):
        raise Unavailable(_("We cannot send codes by text message yet. Please use your email address."))
    limit, period = PER_PLACE
    ratelimit.check("code.place", place, limit=limit, period=period)
    for name, limit, period in PER_TARGET:
        ratelimit.check(f"code.{name}", f"{purpose}:{value}", limit=limit, period=period)
    asker = asker or random_token()
    row = OneTimeCode(
        purpose=purpose,
        target_index=target_index(purpose, value),
        target_enc=encrypt(value),
        target_hint=(mask_phone if channel == Channel.SMS else mask_email)(value)[:80],
        asker_hash=hash_token(asker),
        expires_at=at + LIFE,
    )
    with transaction.atomic():
        waiting = OneTimeCode.objects.filter(purpose=purpose, asker_hash=row.asker_hash, used_at__isnull=True)
        waiting.update(used_at=at)
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:  # a double click: the other one's code is on its way
            return asker
        schedule(SEND, key=str(row.pk), due_at=at, payload={"code_id": row.pk, "language": language})
    return asker


@transaction.atomic
def send_code(*, code_id: int, language: str, at: datetime) -> None:
    """Make a code that was asked for and queue its message; nothing for whom we do not know, or when it is too late."""
    row = OneTimeCode.objects.select_for_update(no_key=True).filter(pk=code_id).first()
    if row is None or row.target_enc is None:
        return
    value = decrypt(row.target_enc)
    row.target_enc = None
    channel = Channel.EMAIL if "@" in value else Channel.SMS
    known = find_identity("email" if channel == Channel.EMAIL else "phone", value)
    if row.used_at is None and row.expires_at > at and known is not None and known.customer.erased_at is None:
        code = f"{secrets.randbelow(1_000_000):06d}"
        row.identity, row.code_hash = known, _code_hash(row, code)
        queue_message(
            key=f"code:{row.pk}", channel=channel, template=TEMPLATE, language=language, to=value,
            context={"code": code, "minutes": int(LIFE.total_seconds() // 60)}, purpose="service",
            customer_id=known.customer_id, at=at, expires_at=row.expires_at,
        )  # fmt: skip
    row.save(update_fields=["target_enc", "identity", "code_hash"])


def open_code(*, purpose: str, asker: str, at: datetime) -> OneTimeCode | None:
    """Return the code this browser waits for, None when there is none any more."""
    rows = OneTimeCode.objects.filter(purpose=purpose, asker_hash=hash_token(asker), used_at__isnull=True)
    return rows.filter(expires_at__gt=at, tries__lt=TRIES).first()


@transaction.atomic
def check_code(*, purpose: str, asker: str, code: str, at: datetime) -> Identity | None:
    """Return whose phone or address is proven when the code is right, and use it up; each look costs one of five tries.

    Call it outside a transaction that may roll back, or the try is given back.
    """
    rows = OneTimeCode.objects.select_for_update(no_key=True, of=("self",)).select_related("identity")
    row = rows.filter(purpose=purpose, asker_hash=hash_token(asker), used_at__isnull=True).first()
    if row is None or row.expires_at <= at or row.tries >= TRIES:
        return None
    row.tries += 1
    is_right = same(bytes(row.code_hash or b""), _code_hash(row, "".join(code.split())[:12]))
    if is_right:
        row.used_at = at
    row.save(update_fields=["tries", "used_at"])
    return row.identity if is_right else None


@transaction.atomic
def forget_codes(*, now: datetime) -> int:
    """Delete codes that expired more than a day ago; return how many."""
    deleted, _by_model = OneTimeCode.objects.filter(expires_at__lt=now - timedelta(days=1)).delete()
    return deleted


def _read(target: str) -> tuple[Channel, str]:
    if "@" in target and (address := normalise_email(target)):
        return Channel.EMAIL, address
    if "@" not in target and (phone := normalise_phone(target)):
        return Channel.SMS, phone
    raise InvalidInput(fields={"target": [_("This does not look like a phone number or an email address.")]})


def target_index(purpose: str, value: str) -> bytes:
    """Return the digest under which codes for a target are found."""
    return blind_index(value, f"code.{purpose}")


def _code_hash(row: OneTimeCode, code: str) -> bytes:
    return blind_index(f"{bytes(row.asker_hash).hex()}:{code}", "code.value")

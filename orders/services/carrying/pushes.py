"""What providers push: stored raw and answered at once, applied by a job, kept with its reason when it cannot be."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import DatabaseError, transaction
from django.db.models import F

from core.crypto import CannotDecrypt, decrypt, encrypt
from core.errors import DomainError, NotFound, NotSignedIn, TransitionNotAllowed
from core.inserting import insert_once
from core.jobs import schedule_unless_ready
from orders.carriers import adapter_for
from orders.carrying_enums import PUSH_TRANSITIONS, PushState
from orders.models import CarrierAccount, CarrierPush
from orders.services.carrying.traces import take_trace

logger = logging.getLogger(__name__)
APPLY = "orders.apply_carrier_pushes"
KEPT = timedelta(days=30)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


def account_of(push_token: str) -> CarrierAccount:
    """Return the account a push address is of. Raises NotSignedIn."""
    known = CarrierAccount.objects.filter(push_token=push_token, is_active=True)
    account = known.first() if _TOKEN.fullmatch(push_token) else None
    if account is None:
        raise NotSignedIn
    return account


def store_push(*, account: CarrierAccount, headers: Mapping[str, str], body: bytes, at: datetime) -> bool:
    """Check a push, keep it as it came and owe its application; return whether it was new.

    Raises NotSignedIn; what is forged leaves a count on the account and no row.
    """
    adapter = adapter_for(account.provider)
    try:
        adapter.verify_push(account, headers, body)
        text = body.decode("utf-8")
    except (NotSignedIn, CannotDecrypt, KeyError, UnicodeDecodeError):
        CarrierAccount.objects.filter(pk=account.pk).update(forged=F("forged") + 1, forged_at=at)
        raise NotSignedIn from None
    key = adapter.message_key(headers, body)
    with transaction.atomic():
        row = CarrierPush(account=account, message_key=key, body_enc=encrypt(text), received_at=at)
        if not insert_once(row):
            return False
        owe_pushes(at=at)
    return True


def owe_pushes(*, at: datetime) -> bool:
    """Owe an application now, one for all that comes before it begins."""
    return schedule_unless_ready(APPLY, key=uuid4().hex, due_at=at)


def owe_left_pushes(*, now: datetime) -> bool:
    """Owe an application for pushes whose own came too early or to nothing."""
    left = CarrierPush.objects.filter(state=PushState.STORED, received_at__lt=now - timedelta(seconds=10)).exists()
    return left and owe_pushes(at=now)


@transaction.atomic
def apply_push(*, push_id: int, at: datetime) -> bool:
    """Apply one stored push by itself, as one that moves a number to another carrier must be; many go by ingesting.

    Return whether nobody else applies it. What cannot be understood is kept as refused with its reason.
    """
    rows = CarrierPush.objects.select_for_update(skip_locked=True, of=("self",)).select_related("account")
    push = rows.filter(pk=push_id, state=PushState.STORED).first()
    if push is None:
        return False
    push.applied_at, push.error_code = at, ""
    try:
        with transaction.atomic():
            traces = adapter_for(push.account.provider).read_push(decrypt(push.body_enc))
            push.scan_count = sum(
                take_trace(account_id=push.account_id, trace=trace, at=push.received_at, pushed=True)
                for trace in traces
            )
        push.state = PushState.APPLIED
    except DomainError as refused:
        push.state, push.error_code = PushState.REFUSED, refused.code[:40]
    except DatabaseError:
        raise  # ours, not the push's: it is tried again
    except Exception:  # one push we stumble over must not keep the others out; a person may apply it again
        logger.exception("push.not_applied id=%s", push.pk)
        push.state, push.error_code = PushState.REFUSED, "not_applied"
    push.save(update_fields=["state", "error_code", "applied_at", "scan_count"])
    return True


@transaction.atomic
def replay_push(*, push_id: int, at: datetime) -> CarrierPush:
    """Apply a push once more by hand. Raises NotFound, TransitionNotAllowed while it still waits."""
    push = CarrierPush.objects.select_for_update().filter(pk=push_id).first()
    if push is None:
        raise NotFound
    if PushState.STORED not in PUSH_TRANSITIONS[push.state]:
        raise TransitionNotAllowed
    push.state, push.error_code, push.applied_at = PushState.STORED, "", None
    push.save(update_fields=["state", "error_code", "applied_at"])
    owe_pushes(at=at)
    return push


def sweep_pushes(*, at: datetime) -> int:
    """Delete applied and refused pushes after thirty days; return how many."""
    gone = 0
    for account_id in CarrierAccount.objects.values_list("pk", flat=True):
        old = CarrierPush.objects.filter(account_id=account_id, received_at__lt=at - KEPT)
        gone += old.exclude(state__in=[PushState.STORED, PushState.WAITING]).delete()[0]
    return gone

"""Take a PBX's message at the door: prove it, keep it raw, owe its application; what is wrong is set aside in sight."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core import ratelimit
from core.crypto import encrypt
from core.errors import NotFound, NotSignedIn
from core.jobs import schedule
from core.jobs.queue import claim, run_job
from tickets.calls_enums import PhoneEventState, PhoneEventType
from tickets.calls_errors import BadCallMessage, EventIdTaken
from tickets.models import PhoneEvent, PhoneLine
from tickets.services.calls.applying import KEPT
from tickets.services.calls.reading import MAX_BYTES, Told, read_message
from tickets.services.calls.signing import is_genuine, secrets_of

logger = logging.getLogger(__name__)
APPLY_JOB = "tickets.apply_phone_event"
SHOWN = 4096
REFUSALS = "phone.refused"
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Knock:
    """What came to a line's door: the raw body and the two headers that prove it."""

    key: str
    body: bytes
    timestamp: str
    signature: str


def open_door(*, knock: Knock, at: datetime) -> PhoneLine:
    """Return the line whose secret signed this, in time.

    Raises NotFound for an address that leads nowhere, NotSignedIn for a wrong or late signature; the line counts those.
    """
    line = PhoneLine.objects.select_related("team").filter(key=knock.key[:40], is_active=True).first()
    if line is None:
        logger.warning("phone.unknown_line")
        raise NotFound
    fits = is_genuine(
        keys=secrets_of(line, at), timestamp=knock.timestamp, signature=knock.signature, body=knock.body, at=at
    )
    if not fits:
        ratelimit.hit(REFUSALS, str(line.pk), period=DAY)
        logger.warning("phone.refused line_id=%s", line.pk)
        raise NotSignedIn(_("The signature does not fit. Check the secret, the raw body and the clock."))
    return line


def receive(*, knock: Knock, at: datetime) -> bool:
    """Take one message; return whether it was new. A ring is applied at once, so that it shows within a second.

    Raises NotFound, NotSignedIn, EventIdTaken, and BadCallMessage for one that was set aside.
    """
    line = open_door(knock=knock, at=at)
    try:
        if len(knock.body) > MAX_BYTES:
            raise BadCallMessage(code="too_large")
        told = read_message(knock.body, recording_host=line.recording_host)
    except BadCallMessage as error:
        set_aside(line_id=line.pk, body=knock.body, code=error.code, at=at)
        raise
    is_new = store_message(line_id=line.pk, body=knock.body, told=told, at=at)
    if is_new and told.kind == PhoneEventType.RINGING:
        apply_waiting()
    return is_new


@transaction.atomic
def store_message(*, line_id: int, body: bytes, told: Told, at: datetime) -> bool:
    """Keep a message that is understood and owe its application, once per id; return whether it was new.

    Raises EventIdTaken when another message had the id.
    """
    digest = hashlib.sha256(body).digest()
    event, created = PhoneEvent.objects.get_or_create(
        line_id=line_id,
        event_id=told.id,
        defaults={
            "digest": digest, "kind": told.kind, "call_ref": told.call, "body_enc": encrypt(body.decode()),
            "size": len(body), "received_at": at,
        },
    )  # fmt: skip
    if not created:
        if bytes(event.digest) != digest:
            raise EventIdTaken
        return False
    shard = hashlib.sha256(f"{line_id}:{told.call}".encode()).hexdigest()[:32]  # a call's own name may be long
    schedule(APPLY_JOB, key=str(event.pk), due_at=at, shard=shard, payload={"event_id": event.pk})
    return True


@transaction.atomic
def set_aside(*, line_id: int, body: bytes, code: str, at: datetime) -> None:
    """Keep a signed message nobody understands, the same one once, so that a person can see what was wrong."""
    digest = hashlib.sha256(body).digest()
    PhoneEvent.objects.bulk_create(
        [
            PhoneEvent(
                line_id=line_id, event_id=f"refused:{digest.hex()}", digest=digest, size=len(body), received_at=at,
                body_enc=encrypt(body[:SHOWN].decode("utf-8", "replace").replace("\x00", "�")),
                state=PhoneEventState.REFUSED, error_code=code[:40],
            )
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def apply_waiting() -> None:
    """Apply what is due at the phone's door here and now; the worker takes what this leaves.

    The job table sees to it that each message is applied once, whoever comes first. A worker may be half a minute into
    an import, and a ring cannot wait for it.
    """
    for _turn in range(8):
        claimed = claim(1, names=[APPLY_JOB])
        if not claimed:
            break
        run_job(claimed[0])


def count_refused(line_id: int) -> int:
    """Return how many messages with a wrong or late signature a line was sent today (UTC)."""
    return ratelimit.peek(REFUSALS, str(line_id), period=DAY)


def sweep_messages(*, at: datetime) -> int:
    """Delete what a PBX told more than thirty days ago; return how many messages."""
    return PhoneEvent.objects.filter(received_at__lt=at - KEPT).delete()[0]

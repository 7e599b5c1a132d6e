"""The access log of personal data: one hash chain a day (UTC), keyed, so that tampering shows."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.conf import settings
from django.db import transaction

from accounts.models import PersonalDataAccess, PersonalDataAccessDay
from core.actors import Actor

START = b"\x00" * 32


@dataclass(frozen=True)
class ChainFault:
    """The first entry of a day that does not fit; seq 0 means the day's head itself."""

    day: date
    seq: int


def _digest(previous: bytes, entry: PersonalDataAccess) -> bytes:
    text = json.dumps(
        [
            entry.day_id.isoformat(),
            entry.seq,
            entry.actor_type,
            entry.actor_id,
            entry.subject_type,
            entry.subject_id,
            entry.fields,
            entry.purpose,
            entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
            entry.ip,
        ],
        ensure_ascii=False,
    )
    return hmac.new(b"access-log:" + settings.INDEX_KEY, previous + text.encode(), hashlib.sha256).digest()


@transaction.atomic
def record_access(
    *,
    actor: Actor,
    subject_type: str,
    subject_id: int,
    fields: Iterable[str],
    purpose: str,
    at: datetime,
    ip: str | None,
) -> PersonalDataAccess:
    """Append one entry to the day's chain; the day's row is locked, so entries stand in one line."""
    day = at.astimezone(UTC).date()
    PersonalDataAccessDay.objects.bulk_create([PersonalDataAccessDay(day=day, head=START)], ignore_conflicts=True)
    head = PersonalDataAccessDay.objects.select_for_update().get(pk=day)
    entry = PersonalDataAccess(
        day_id=day,
        seq=head.entry_count + 1,
        actor_type=str(actor.type),
        actor_id=actor.id,
        subject_type=subject_type,
        subject_id=subject_id,
        fields=sorted(fields),
        purpose=purpose.strip()[:200],
        at=at,
        ip=ip,
        previous=bytes(head.head),
    )
    entry.digest = _digest(bytes(head.head), entry)
    entry.save(force_insert=True)
    head.entry_count, head.head = entry.seq, entry.digest
    head.save(update_fields=["entry_count", "head"])
    return entry


def verify_access_chain(*, since: date | None = None) -> list[ChainFault]:
    """Recompute the chains from `since` on and return the first fault of every day that has one."""
    days = PersonalDataAccessDay.objects.order_by("day")
    faults = []
    for head in days.filter(day__gte=since) if since else days:
        previous, count, fault = START, 0, None
        for entry in head.entries.order_by("seq").iterator():
            count += 1
            fits = entry.seq == count and bytes(entry.previous) == previous
            if not fits or not hmac.compare_digest(bytes(entry.digest), _digest(previous, entry)):
                fault = ChainFault(head.day, entry.seq)
                break
            previous = bytes(entry.digest)
        if fault is None and (count != head.entry_count or previous != bytes(head.head)):
            fault = ChainFault(head.day, 0)
        if fault:
            faults.append(fault)
    return faults

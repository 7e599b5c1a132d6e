"""A customer's own page in one browser: begun by a one-time code, ended by her or by time."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from core.crypto import hash_token, random_token
from customers.models import Identity, OwnSession

LASTS = timedelta(hours=24)
KEPT = timedelta(days=30)


@transaction.atomic
def begin_own_session(*, identity: Identity, at: datetime) -> str:
    """Open her own page for who proved this phone or address; return the token her browser keeps."""
    token = random_token()
    OwnSession.objects.create(token_hash=hash_token(token), identity=identity, begun_at=at, ends_at=at + LASTS)
    return token


@transaction.atomic
def end_own_session(*, token: str, at: datetime) -> bool:
    """Close her page in this browser; False when it was closed already."""
    rows = OwnSession.objects.filter(token_hash=hash_token(token), ended_at__isnull=True)
    return rows.update(ended_at=at) > 0


@transaction.atomic
def forget_own_sessions(*, now: datetime) -> int:
    """Delete what ended a month ago; return how many."""
    deleted, _by_model = OwnSession.objects.filter(ends_at__lt=now - KEPT).delete()
    return deleted

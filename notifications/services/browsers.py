"""Which browsers get push notices: one more, one less, one that got a new place; each time as its owner asked."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from core.actors import SYSTEM, Actor
from core.crypto import blind_index, encrypt
from core.errors import InvalidInput, NotFound
from core.events import Code, record
from core.posting import AddressRefused, check_address, may_go_in_the_clear
from notifications.channels import webpush
from notifications.events import PushChosen
from notifications.models import PushSubscription

LONGEST_ENDPOINT = 1000
TRIES = 3


def subscribe_push(*, customer_id: int, subscription: str, at: datetime) -> PushSubscription:
    """Have notices sent to a browser, at most five of a person: the oldest gives way.

    The same browser again is the same row and no news; one that was another person's is hers now. Raises InvalidInput
    for what is no subscription.
    """
    place, service = _read(subscription)
    for last in (False,) * (TRIES - 1) + (True,):
        try:
            with transaction.atomic():
                return _subscribe(customer_id, place, service, at)
        except IntegrityError:  # the same browser at the same moment: the next look finds it
            if last:
                raise
    raise AssertionError("unreachable")


@transaction.atomic
def renew_push(*, endpoint: str, subscription: str, at: datetime) -> PushSubscription:
    """Put a browser's new place in the stead of the old one, whoever it belongs to; knowing the old one is the proof.

    Raises NotFound for a place nobody has (any longer), InvalidInput for what is no subscription.
    """
    old = PushSubscription.objects.select_for_update().filter(digest=_digest(endpoint)).first()
    if old is None:
        raise NotFound
    place, service = _read(subscription)
    if _digest(place.endpoint) != bytes(old.digest):
        _end([old], SYSTEM, at)
    return _subscribe(old.customer_id, place, service, at)


@transaction.atomic
def end_push_here(*, customer_ids: Collection[int], endpoint: str, at: datetime) -> bool:
    """Send no more push notices to one browser of a person (under any of her ids); whether it got any."""
    rows = list(_here(customer_ids, endpoint).select_for_update())
    for row in rows:
        _end([row], Actor.customer(row.customer_id), at)
    return bool(rows)


@transaction.atomic
def end_gone_push(*, place: str, at: datetime) -> None:
    """Forget a browser whose push service says that it is gone; nothing happens when it is forgotten already."""
    try:
        digest = _digest(webpush.read_place(place).endpoint)
    except ValueError:
        return
    _end(list(PushSubscription.objects.select_for_update().filter(digest=digest)), SYSTEM, at)


def hears_push(*, customer_ids: Collection[int], endpoint: str) -> bool:
    """Say whether a browser gets a person's push notices, under any of her ids."""
    return _here(customer_ids, endpoint).exists()


def _here(customer_ids: Collection[int], endpoint: str) -> QuerySet[PushSubscription]:
    return PushSubscription.objects.filter(customer_id__in=list(customer_ids), digest=_digest(endpoint))


def _subscribe(customer_id: int, place: webpush.PushPlace, service: Code, at: datetime) -> PushSubscription:
    digest = _digest(place.endpoint)
    told = {
        "endpoint": place.endpoint,
        "keys": {"p256dh": webpush.base64url(place.p256dh), "auth": webpush.base64url(place.auth)},
    }
    words = json.dumps(told, separators=(",", ":"))
    row = PushSubscription.objects.select_for_update().filter(digest=digest).first()
    if row is not None and row.customer_id == customer_id:
        if row.place != words:  # its keys may be new
            row.place_enc = encrypt(words)
            row.save(update_fields=["place_enc"])
        return row
    if row is not None:  # somebody else's until now
        _end([row], SYSTEM, at)
    row = PushSubscription(customer_id=customer_id, digest=digest, place_enc=encrypt(words), made_at=at)
    row.save(force_insert=True)
    older = PushSubscription.objects.select_for_update().filter(customer_id=customer_id).order_by("-pk")
    _end(list(older)[PushSubscription.MOST :], SYSTEM, at)
    record("push.subscribed", subject=row, actor=Actor.customer(customer_id), at=at, data=PushChosen(service))
    return row


def _end(rows: list[PushSubscription], actor: Actor, at: datetime) -> None:
    for row in rows:
        record("push.ended", subject=row, actor=actor, at=at, data=PushChosen())
        row.delete()


def _read(subscription: str) -> tuple[webpush.PushPlace, Code]:
    """Return a browser's place and the host of its push service. Raises InvalidInput."""
    try:
        place = webpush.read_place(subscription)
        parts = check_address(place.endpoint)
    except (ValueError, RecursionError, AddressRefused):
        raise InvalidInput(code="not_a_subscription") from None
    if len(place.endpoint) > LONGEST_ENDPOINT or not may_go_in_the_clear(parts):
        raise InvalidInput(code="not_a_subscription")
    return place, Code((parts.hostname or "")[:60])


def _digest(endpoint: str) -> bytes:
    return blind_index(endpoint, "push.endpoint")

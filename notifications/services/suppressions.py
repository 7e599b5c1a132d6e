"""Addresses that get no more messages: after a bounce, a complaint, or because the customer wishes so."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from core.actors import SYSTEM, Actor
from core.errors import InvalidInput, NotFound
from core.events import Code, record
from notifications.enums import Channel, Purpose, SuppressionReason
from notifications.events import SuppressionMade
from notifications.models import Suppression
from notifications.registry import UNSUBSCRIBE
from notifications.unsubscribing import StopRequest


@transaction.atomic
def suppress_address(
    *,
    address_index: bytes,
    channel: str = Channel.EMAIL,
    purpose: str = "",
    reason: str,
    delivery_id: int | None = None,
    customer_id: int | None = None,
    actor: Actor,
    at: datetime,
) -> bool:
    """Stop messages to an address: of one purpose, or of any when `purpose` is empty; False when it was so before."""
    row = Suppression(
        address_index=address_index,
        channel=str(channel),
        purpose=purpose,
        reason=reason,
        delivery_id=delivery_id,
        customer_id=customer_id,
        at=at,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return False
    _record("suppression.made", row, actor, at)
    return True


@transaction.atomic
def lift_suppression(*, suppression_id: int, actor: Actor, at: datetime) -> None:
    """Allow messages to an address again. Raises NotFound."""
    row = Suppression.objects.select_for_update().filter(pk=suppression_id).first()
    if row is None:
        raise NotFound(suppression=suppression_id)
    _record("suppression.lifted", row, actor, at)
    row.delete()


@transaction.atomic
def unsubscribe(*, stop: StopRequest, at: datetime) -> bool:
    """Stop one purpose for one address, as its owner asks; the second time changes nothing and returns False."""
    _check_purpose(stop)
    is_new = suppress_address(
        address_index=stop.address_index,
        channel=stop.channel,
        purpose=stop.purpose,
        reason=SuppressionReason.UNSUBSCRIBE,
        customer_id=stop.customer_id,
        actor=_person(stop),
        at=at,
    )
    if is_new:
        _tell(stop, is_allowed=False, at=at)
    return is_new


@transaction.atomic
def undo_unsubscribe(*, stop: StopRequest, at: datetime) -> bool:
    """Take an unsubscription back; False when there was none. A bounced address stays blocked."""
    row = (
        Suppression.objects.select_for_update()
        .filter(
            address_index=stop.address_index,
            channel=stop.channel,
            purpose=stop.purpose,
            reason=SuppressionReason.UNSUBSCRIBE,
        )
        .first()
    )
    if row is None:
        return False
    _record("suppression.lifted", row, _person(stop), at)
    row.delete()
    _tell(stop, is_allowed=True, at=at)
    return True


def _check_purpose(stop: StopRequest) -> None:
    if stop.purpose not in Purpose.values or stop.purpose == Purpose.SERVICE or stop.channel not in Channel.values:
        raise InvalidInput


def _person(stop: StopRequest) -> Actor:
    return Actor.customer(stop.customer_id) if stop.customer_id else SYSTEM


def _tell(stop: StopRequest, *, is_allowed: bool, at: datetime) -> None:
    if stop.customer_id is None:
        return
    for function in UNSUBSCRIBE:
        function(customer_id=stop.customer_id, channel=stop.channel, purpose=stop.purpose, is_allowed=is_allowed, at=at)


def _record(kind: str, row: Suppression, actor: Actor, at: datetime) -> None:
    data = SuppressionMade(channel=Code(row.channel), purpose=Code(row.purpose), reason=Code(row.reason))
    record(kind, subject=row, actor=actor, at=at, data=data)

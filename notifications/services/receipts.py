"""What providers tell us afterwards: receipts, and answers of customers by text message.

Told twice is one row (digest). A receipt that fits no message yet waits: it may be faster than our own commit.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from core.actors import SYSTEM, Actor
from core.crypto import encrypt
from core.events import record
from core.inserting import insert_once
from core.text import normalise_phone
from notifications.channels import read_reference
from notifications.enums import Channel, Purpose, ReceiptState, SuppressionReason
from notifications.events import TextCame
from notifications.models import ChannelAccount, Delivery, InboundText, ProviderReceipt
from notifications.receipts import Receipt, TextReply
from notifications.services.deliveries import address_index, lock_delivery
from notifications.services.sending import apply_to
from notifications.services.suppressions import suppress_address, unsubscribe
from notifications.unsubscribing import StopRequest

WAITS_FOR = timedelta(days=1)
_STOP = re.compile(r"(?:td|t|n|退订|退|取消|stop|unsubscribe|no)[。.!！]?", re.IGNORECASE)
_PLAIN = re.compile(r"[^A-Za-z0-9_.\-]")


def plain_code(text: str) -> str:
    """Return a provider's code as our log takes it."""
    return _PLAIN.sub(".", text)[:60] or "unknown"


def take_receipts(*, channel: str, receipts: Sequence[Receipt], at: datetime) -> int:
    """Keep and apply receipts, each once; returns how many were new. Each in a transaction of its own."""
    new = sum(_take(channel, receipt, at) for receipt in receipts)
    if new:
        ChannelAccount.objects.filter(channel=channel).update(last_receipt_at=at)
    return new


@transaction.atomic
def _take(channel: str, told: Receipt, at: datetime) -> bool:
    words = f"{channel}\0{told.reference}\0{told.provider_ref}\0{told.is_good}\0{told.code}"
    receipt = ProviderReceipt(
        channel=channel,
        digest=hashlib.sha256(words.encode()).digest(),
        provider_ref=told.provider_ref[:64],
        is_good=told.is_good,
        code=plain_code(told.code),
        delivery_id=read_reference(told.reference),
        at=min(told.at, at),
        received_at=at,
    )
    if not insert_once(receipt):
        return False
    _apply(receipt, at)
    return True


def _apply(receipt: ProviderReceipt, at: datetime) -> bool:
    delivery_id = receipt.delivery_id or _by_reference(receipt)
    if delivery_id is None:
        return False
    delivery = lock_delivery(delivery_id) if Delivery.objects.filter(pk=delivery_id).exists() else None
    if delivery is None or delivery.channel != receipt.channel:
        return False
    apply_to(delivery, receipt, at=at)
    return True


def _by_reference(receipt: ProviderReceipt) -> int | None:
    if not receipt.provider_ref:
        return None
    rows = Delivery.objects.filter(channel=receipt.channel, provider_ref=receipt.provider_ref)
    return rows.values_list("pk", flat=True).first()


def match_waiting_receipts(*, now: datetime) -> int:
    """Try the receipts that fitted no message once more; after a day they are none of ours. Returns how many fitted."""
    rows = ProviderReceipt.objects.filter(state=ReceiptState.WAITING).order_by("received_at")
    fitted = 0
    for receipt_id in rows.values_list("pk", flat=True)[:500]:
        fitted += _match(receipt_id, now)
    return fitted


@transaction.atomic
def _match(receipt_id: int, now: datetime) -> bool:
    rows = ProviderReceipt.objects.filter(pk=receipt_id, state=ReceiptState.WAITING)
    glance = rows.first()
    if glance is None:
        return False
    delivery_id = glance.delivery_id or _by_reference(glance)
    delivery = Delivery.objects.select_for_update(no_key=True).filter(pk=delivery_id or 0).first()
    receipt = rows.select_for_update(no_key=True).first()  # the message first: settling a message locks in that order
    if receipt is None:
        return False
    if delivery is not None and delivery.channel == receipt.channel:
        apply_to(delivery, receipt, at=now)
        return True
    if receipt.received_at < now - WAITS_FOR:
        receipt.state = ReceiptState.UNKNOWN
        receipt.save(update_fields=["state"])
    return False


@transaction.atomic
def take_text(*, reply: TextReply, at: datetime) -> InboundText | None:
    """Keep a customer's text message once and say so (text.received); None when it was here already.

    A word like TD or 退订 stops notices, surveys and offers by text message to that number.
    """
    phone = normalise_phone(reply.phone) or reply.phone
    index = address_index(phone, Channel.SMS)
    words = f"{reply.name}\0{phone}\0{reply.sent_at.isoformat()}\0{reply.text}"
    last = Delivery.objects.filter(to_index=index, channel=Channel.SMS).order_by("-pk").first()
    row = InboundText(
        digest=hashlib.sha256(words.encode()).digest(),
        from_enc=encrypt(phone),
        from_index=index,
        text_enc=encrypt(reply.text[:2000]),
        is_stop=_STOP.fullmatch(reply.text.strip()) is not None,
        delivery_id=last.pk if last else None,
        customer_id=last.customer_id if last else None,
        order_id=last.order_id if last else None,
        shop_id=last.shop_id if last else None,
        sent_at=min(reply.sent_at, at),
        received_at=at,
    )
    if not insert_once(row):
        return None
    actor = Actor.customer(row.customer_id) if row.customer_id else SYSTEM
    data = TextCame(is_stop=row.is_stop, delivery_id=row.delivery_id)
    record("text.received", subject=row, actor=actor, at=at, data=data)
    if row.is_stop:
        _stop(row, actor, at)
    return row


def mark_text_applied(*, text_id: int, ticket_id: int, customer_id: int | None) -> None:
    """Note in which ticket a text message ended up, and whose it is; the second time changes nothing."""
    rows = InboundText.objects.filter(pk=text_id, ticket_id__isnull=True)
    rows.update(ticket_id=ticket_id, customer_id=customer_id)


def _stop(row: InboundText, actor: Actor, at: datetime) -> None:
    for purpose in (Purpose.NOTICE, Purpose.SURVEY, Purpose.FOLLOW_UP, Purpose.MARKETING):
        if row.customer_id:
            stop = StopRequest(bytes(row.from_index), str(Channel.SMS), str(purpose), row.customer_id)
            unsubscribe(stop=stop, at=at)
            continue
        suppress_address(
            address_index=bytes(row.from_index), channel=Channel.SMS, purpose=purpose,
            reason=SuppressionReason.UNSUBSCRIBE, actor=actor, at=at,
        )  # fmt: skip

"""Send one message: claim it, talk to the server outside any transaction, write down what was said."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core.actors import SYSTEM
from core.jobs import RetryLater, schedule
from notifications.channels import Outcome, adapter_for
from notifications.enums import Channel, DeliveryState, NoticeState, Purpose, ReceiptState, SuppressionReason
from notifications.models import ChannelAccount, Delivery, Mailbox, ProviderReceipt, Suppression
from notifications.selectors.notices import has_more_channels, quiet_end
from notifications.services.browsers import end_gone_push
from notifications.services.deliveries import SEND, announce_delivery, lock_delivery, move_delivery, record_move, unseal
from notifications.services.suppressions import suppress_address

logger = logging.getLogger(__name__)
OUT_NOTED_EVERY = timedelta(seconds=30)
LOST_AFTER = timedelta(hours=2)
UNKNOWN_PAUSE = timedelta(minutes=1)  # a provider lists what it took a little later
TRIES_BEFORE_NEXT = 4
_DONE = {DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.EXPIRED}


def send_delivery(*, delivery_id: int, is_last_try: bool) -> None:
    """Send one message. Raises RetryLater for a transient refusal unless this was the last try.

    At least once towards the server: when the process dies between the server's "250" and our commit, the next try
    sends the same mail with the same Message-ID.
    """
    delivery = claim_delivery(delivery_id=delivery_id, at=timezone.now())
    if delivery is None:
        return
    adapter = adapter_for(delivery.channel)
    # a try whose end nobody knows (no answer, or the worker died) is looked for before the message is sent again
    outcome = adapter.find_out(delivery) if delivery.attempts > 1 else None
    outcome = outcome or adapter.send(unseal(delivery))
    is_last_try = is_last_try or gives_way(delivery)
    settle_delivery(delivery_id=delivery_id, outcome=outcome, is_last_try=is_last_try, at=timezone.now())
    if outcome.is_transient and not is_last_try:
        raise RetryLater(outcome.code, UNKNOWN_PAUSE if outcome.is_unknown else None)


def gives_way(delivery: Delivery) -> bool:
    """Tell whether a notice has another channel to try and this one had its chance."""
    if delivery.attempts < TRIES_BEFORE_NEXT or delivery.notice is None:
        return False
    return delivery.notice.state == NoticeState.OPEN and has_more_channels(delivery.notice)


@transaction.atomic
def claim_delivery(*, delivery_id: int, at: datetime) -> Delivery | None:
    """Take a message for sending; None when there is nothing to send any more."""
    delivery = lock_delivery(delivery_id)
    if delivery.state in _DONE:
        return None
    if delivery.expires_at is not None and delivery.expires_at <= at:
        move_delivery(delivery, DeliveryState.EXPIRED)
        delivery.save(update_fields=["state", "sealed", "version"])
        record_move("delivery.expired", delivery, actor=SYSTEM, at=at)
        return None
    if is_suppressed(delivery):
        _fail(delivery, "suppressed", at)
        return None
    if wait := _hold(delivery, at):
        delivery.due_at = wait
        delivery.save(update_fields=["due_at"])
        key = f"{delivery.pk}.held.{wait.timestamp():.0f}"
        schedule(SEND, key=key, due_at=wait, payload={"delivery_id": delivery.pk})
        return None
    move_delivery(delivery, DeliveryState.SENDING)
    delivery.attempts += 1
    delivery.sending_at = at
    delivery.save(update_fields=["state", "attempts", "sending_at", "version"])
    announce_delivery(delivery)
    return delivery


def _hold(delivery: Delivery, at: datetime) -> datetime | None:
    """Return when a notice may go out that fell into quiet hours while it was tried again, None for now."""
    if delivery.notice is None or delivery.notice.is_urgent:
        return None
    return quiet_end(at, delivery.notice.zone)


@transaction.atomic
def settle_delivery(*, delivery_id: int, outcome: Outcome, is_last_try: bool, at: datetime) -> Delivery:
    """Write down what the server said: sent, back in the queue, or failed (and a bad address is blocked)."""
    delivery = lock_delivery(delivery_id)
    if delivery.state != DeliveryState.SENDING:  # another worker settled it while this one was frozen
        return delivery
    delivery.provider_code = outcome.code[:64]
    if outcome.is_accepted:
        note_sent(delivery, reference=outcome.reference, at=at)
        if outcome.is_arrived:
            note_arrived(delivery, at)
        apply_waiting_receipts(delivery, at=at)
        return delivery
    if outcome.is_transient and not is_last_try:
        move_delivery(delivery, DeliveryState.QUEUED)
        delivery.save(update_fields=["state", "provider_code", "version"])
        announce_delivery(delivery)
    else:
        _fail(delivery, outcome.code, at)
    if outcome.is_bad_address:
        suppress_address(
            address_index=bytes(delivery.to_index),
            channel=delivery.channel,
            reason=SuppressionReason.BOUNCE,
            delivery_id=delivery.pk,
            customer_id=delivery.customer_id,
            actor=SYSTEM,
            at=at,
        )
        if delivery.channel == Channel.PUSH:
            end_gone_push(place=delivery.to, at=at)
    else:
        note_way_out(delivery, code=outcome.code, at=at)
    logger.info("delivery.refused id=%s code=%s transient=%s", delivery.pk, outcome.code, outcome.is_transient)
    return delivery


@transaction.atomic
def confirm_delivery(*, delivery_id: int, at: datetime) -> Delivery:
    """Note that the other side reports the message as delivered; nothing happens unless it was sent."""
    delivery = lock_delivery(delivery_id)
    if delivery.state == DeliveryState.SENT:
        note_arrived(delivery, at)
    return delivery


def note_sent(delivery: Delivery, *, reference: str, at: datetime) -> None:
    """Write down that the other side took a locked message."""
    move_delivery(delivery, DeliveryState.SENT)
    delivery.sent_at = at
    delivery.provider_ref = reference or delivery.provider_ref
    delivery.save(update_fields=["state", "sealed", "sent_at", "provider_code", "provider_ref", "version"])
    record_move("delivery.sent", delivery, actor=SYSTEM, at=at)
    note_way_out(delivery, code="", at=at)


def note_arrived(delivery: Delivery, at: datetime) -> None:
    """Write down that a locked message reached its recipient."""
    move_delivery(delivery, DeliveryState.DELIVERED)
    delivery.delivered_at = at
    delivery.save(update_fields=["state", "delivered_at", "version"])
    record_move("delivery.delivered", delivery, actor=SYSTEM, at=at)


def apply_waiting_receipts(delivery: Delivery, *, at: datetime) -> None:
    """Apply what the provider told about a message before we had written down its name for it."""
    if not delivery.provider_ref:
        return
    rows = ProviderReceipt.objects.select_for_update(no_key=True).filter(
        channel=delivery.channel, provider_ref=delivery.provider_ref, state=ReceiptState.WAITING
    )
    for receipt in rows.order_by("pk"):
        apply_to(delivery, receipt, at=at)


def apply_to(delivery: Delivery, receipt: ProviderReceipt, *, at: datetime) -> None:
    """Move a locked message by a locked receipt; the second receipt about it changes nothing.

    It may come before the answer to our own request was written down: then the message was taken, whatever we know.
    """
    early = {DeliveryState.QUEUED, DeliveryState.SENDING}
    if delivery.state in early and delivery.attempts > 0:
        if delivery.state == DeliveryState.QUEUED:
            move_delivery(delivery, DeliveryState.SENDING)
        note_sent(delivery, reference=receipt.provider_ref, at=at)
    if delivery.state == DeliveryState.SENT:
        if receipt.is_good:
            note_arrived(delivery, receipt.at)
        else:
            _fail(delivery, receipt.code, at)
    receipt.state, receipt.delivery_id = ReceiptState.APPLIED, delivery.pk
    receipt.save(update_fields=["state", "delivery_id"])


@transaction.atomic
def fail_delivery(*, delivery_id: int, code: str, at: datetime) -> Delivery:
    """Note that a message came back or was given up; nothing happens when it failed before."""
    delivery = lock_delivery(delivery_id)
    if delivery.state in {DeliveryState.SENT, DeliveryState.SENDING, DeliveryState.QUEUED}:
        _fail(delivery, code, at)
    return delivery


def give_up_lost_deliveries(*, now: datetime) -> int:
    """Fail what has been "being sent" for hours: its worker died every time. Returns how many there were."""
    lost = Delivery.objects.filter(state=DeliveryState.SENDING, sending_at__lt=now - LOST_AFTER)
    ids = list(lost.values_list("pk", flat=True)[:500])
    for delivery_id in ids:
        fail_delivery(delivery_id=delivery_id, code="interrupted", at=now)
    return len(ids)


def is_suppressed(delivery: Delivery) -> bool:
    """Tell whether the address refuses messages like this one; an unsubscription never stops service messages."""
    wanted = {"", str(delivery.purpose)} - ({str(Purpose.SERVICE)} if delivery.purpose == Purpose.SERVICE else set())
    return Suppression.objects.filter(
        address_index=delivery.to_index, channel=delivery.channel, purpose__in=wanted
    ).exists()


def note_mailbox_out(mailbox_id: int | None, *, code: str, at: datetime) -> None:
    """Keep when a mailbox last sent or failed; a conditional update, so a busy mailbox's row is rarely written."""
    if mailbox_id is None:
        return
    if code:
        Mailbox.objects.filter(pk=mailbox_id).update(last_error_code=code[:64], last_error_at=at)
        return
    old = Q(last_out_at__isnull=True) | Q(last_out_at__lt=at - OUT_NOTED_EVERY) | ~Q(last_error_code="")
    Mailbox.objects.filter(old, pk=mailbox_id).update(last_out_at=at, last_error_code="")


def note_way_out(delivery: Delivery, *, code: str, at: datetime) -> None:
    """Keep when the mailbox or the provider's account last sent or failed."""
    if delivery.channel == Channel.EMAIL:
        note_mailbox_out(delivery.mailbox_id, code=code, at=at)
        return
    rows = ChannelAccount.objects.filter(channel=delivery.channel)
    if code:
        rows.update(last_error_code=code[:64], last_error_at=at)
        return
    old = Q(last_out_at__isnull=True) | Q(last_out_at__lt=at - OUT_NOTED_EVERY) | ~Q(last_error_code="")
    rows.filter(old).update(last_out_at=at, last_error_code="")


def _fail(delivery: Delivery, code: str, at: datetime) -> None:
    move_delivery(delivery, DeliveryState.FAILED)
    delivery.provider_code = (code or "unknown")[:64]
    delivery.failed_at = at
    delivery.save(update_fields=["state", "sealed", "provider_code", "failed_at", "version"])
    record_move("delivery.failed", delivery, actor=SYSTEM, at=at)

"""Take mail in: the file first, then row and event in one transaction; later, what became of it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from core.actors import SYSTEM, Actor
from core.crypto import blind_index
from core.events import Code, record
from core.live import announce
from notifications.addresses import canonical
from notifications.enums import INBOUND_MOVES, InboundState, MailKind, SuppressionReason
from notifications.errors import NotRetryable
from notifications.events import MailCame, MailSettled
from notifications.inbound.parsing import ParsedMail, parse_mail
from notifications.inbound.sorting import Sorted, digest_of, head_of, meaning_of_bounce, message_id_digest, sort_mail
from notifications.models import Delivery, InboundMail, Mailbox
from notifications.selectors.inbound import Target, choose_target, find_delivery_by_message_ids, get_parsed_mail
from notifications.services.deliveries import address_index, loop_mark
from notifications.services.sending import confirm_delivery, fail_delivery
from notifications.services.suppressions import suppress_address
from notifications.storage import INBOUND, forget_raw, keep_raw

logger = logging.getLogger(__name__)
IN_NOTED_EVERY = timedelta(seconds=30)
SENDER_WINDOW = timedelta(minutes=10)
UNTAKEN_AFTER = timedelta(days=1)
_EVENT_OF = {
    MailKind.MESSAGE: "mail.received",
    MailKind.AUTO: "mail.ignored",  # an absence note must not open or reopen anything; a person can let it in
    MailKind.BOUNCE: "mail.bounced",
    MailKind.LIST: "mail.ignored",
    MailKind.LOOP: "mail.ignored",
    MailKind.ODD: "mail.quarantined",
}


def receive_mail(
    *, raw: bytes, sender: str, targets: list[Target], peer: str, at: datetime
) -> tuple[InboundMail, bool]:
    """Keep a mail; returns its row and whether it is new. The caller says "250" only after this returned.

    The sender's second try finds the row of the first. A death between file and row leaves a file without a row, which
    the sweep removes, and the sender tries again. Raises OSError (disk) and database errors.
    """
    target = choose_target(targets)
    head = head_of(raw)
    digest = digest_of(raw, head, target.address)
    known = InboundMail.objects.filter(digest=digest).first()
    if known is not None:
        return known, False
    mail = parse_mail(raw)
    to_bounce = target.bounced_delivery_id is not None
    is_reply = target.reply_ticket_id is not None
    sort = sort_mail(mail, head, sender=sender, to_bounce=to_bounce, is_reply=is_reply, own_mark=loop_mark())
    if sort.kind == MailKind.MESSAGE:
        sort = _against_loops(mail, sort, at)
    row = InboundMail(
        digest=digest,
        letter_digest=digest_of(raw, head, ""),
        size=len(raw),
        kind=sort.kind,
        reason=sort.reason,
        mailbox_id=target.mailbox_id,
        shop_id=target.shop_id,
        message_id_digest=message_id_digest(mail.message_id),
        from_index=address_index(mail.from_address),
        sender_digest=blind_index(canonical(sender), "notifications.envelope"),
        recipient_digest=blind_index(target.address, "notifications.envelope"),
        peer_digest=blind_index(peer, "notifications.peer"),
        reply_ticket_id=target.reply_ticket_id,
        bounced_delivery_id=target.bounced_delivery_id,
        received_at=at,
    )
    if sort.kind == MailKind.BOUNCE and row.bounced_delivery_id is None:
        named = find_delivery_by_message_ids(mail.enclosed_ids)
        named = named or find_delivery_by_message_ids((mail.in_reply_to, *mail.references))
        row.bounced_delivery_id = named.pk if named else None
    row.raw_name = keep_raw(INBOUND, raw, at)
    try:
        _insert(row, at)
    except IntegrityError:  # the same mail came over two connections at once
        forget_raw(row.raw_name)
        return InboundMail.objects.get(digest=digest), False
    logger.info("mail.received id=%s kind=%s size=%s", row.pk, row.kind, row.size)
    return row, True


def set_aside_unread(*, box: Mailbox, digest: bytes, raw: bytes, size: int, reason: str, at: datetime) -> InboundMail:
    """Show a person a mail that lies at the provider and was not taken: too large, or not to be had."""
    known = InboundMail.objects.filter(digest=digest).first()
    if known is not None:
        return known
    mail = parse_mail(raw) if raw else ParsedMail()
    nobody = blind_index("", "notifications.envelope")
    row = InboundMail(
        digest=digest,
        size=min(size, 2**31 - 1),
        kind=MailKind.ODD,
        reason=reason,
        mailbox_id=box.pk,
        shop_id=box.shop_id,
        message_id_digest=message_id_digest(mail.message_id),
        from_index=address_index(mail.from_address),
        sender_digest=nobody,
        recipient_digest=blind_index(box.address, "notifications.envelope"),
        peer_digest=nobody,
        received_at=at,
    )
    row.raw_name = keep_raw(INBOUND, raw, at) if raw else ""
    _insert(row, at)
    return row


def _against_loops(mail: ParsedMail, sort: Sorted, at: datetime) -> Sorted:
    """Stop our own mail that came back without its mark, and a sender who writes faster than people do."""
    if mail.message_id and Delivery.objects.filter(message_id=mail.message_id).exists():
        return Sorted(MailKind.LOOP, "own_mail")
    limit = settings.INBOUND_PER_SENDER
    if not limit or not mail.from_address:
        return sort
    lately = InboundMail.objects.filter(
        from_index=address_index(mail.from_address), received_at__gt=at - SENDER_WINDOW, received_at__lte=at
    )
    return Sorted(MailKind.MESSAGE, "too_many") if lately[:limit].count() >= limit else sort


@transaction.atomic
def _insert(row: InboundMail, at: datetime) -> None:
    kind = _EVENT_OF[MailKind(row.kind)]
    if kind == "mail.bounced" and row.bounced_delivery_id is None:
        kind, row.reason = "mail.ignored", "unknown_message"
    if row.reason == "too_many":
        kind = "mail.quarantined"
    if kind in {"mail.ignored", "mail.quarantined"}:
        row.state = InboundState.IGNORED if kind == "mail.ignored" else InboundState.QUARANTINED
        row.settled_at = at
    row.save(force_insert=True)
    if kind in {"mail.received", "mail.bounced"}:
        _record_arrival(row, kind, at)
    else:
        _record(row, kind, SYSTEM, at)
    announce("deliveries", "inbound", row.pk)
    if row.mailbox_id:
        old = Q(last_in_at__isnull=True) | Q(last_in_at__lt=at - IN_NOTED_EVERY)
        Mailbox.objects.filter(old, pk=row.mailbox_id).update(last_in_at=at)


@transaction.atomic
def mark_mail_applied(
    inbound_id: int, ticket_id: int | None, at: datetime, customer_id: int | None = None
) -> InboundMail:
    """Note in which ticket a mail ended up; the second time changes nothing."""
    row = _lock(inbound_id)
    if row.state == InboundState.APPLIED:
        return row
    if row.state != InboundState.RECEIVED:
        _move(row, InboundState.RECEIVED)
    _move(row, InboundState.APPLIED)
    row.ticket_id, row.customer_id = ticket_id, customer_id or row.customer_id
    row.settled_at, row.reason = at, ""
    row.save(update_fields=["state", "reason", "ticket_id", "customer_id", "settled_at"])
    _record(row, "mail.applied", SYSTEM, at)
    announce("deliveries", "inbound", row.pk)
    return row


@transaction.atomic
def ignore_mail(*, inbound_id: int, reason: str, actor: Actor = SYSTEM, at: datetime) -> InboundMail:
    """Leave a mail aside for a reason (a code). Raises NotRetryable when it was applied."""
    row = _lock(inbound_id)
    if row.state != InboundState.IGNORED:
        _move(row, InboundState.IGNORED)
        row.reason, row.settled_at = reason[:64], at
        row.save(update_fields=["state", "reason", "settled_at"])
        _record(row, "mail.ignored", actor, at)
        announce("deliveries", "inbound", row.pk)
    return row


@transaction.atomic
def quarantine_mail(*, inbound_id: int, reason: str, at: datetime) -> InboundMail:
    """Put a mail aside for a person to look at, for a reason (a code)."""
    row = _lock(inbound_id)
    if row.state == InboundState.RECEIVED:
        _move(row, InboundState.QUARANTINED)
        row.reason, row.settled_at = reason[:64], at
        row.save(update_fields=["state", "reason", "settled_at"])
        _record(row, "mail.quarantined", SYSTEM, at)
        announce("deliveries", "inbound", row.pk)
    return row


def quarantine_untaken(*, now: datetime) -> int:
    """Put aside what nothing took within a day, so that a person sees it. Returns how many there were."""
    old = InboundMail.objects.filter(state=InboundState.RECEIVED, received_at__lt=now - UNTAKEN_AFTER)
    ids = list(old.order_by("pk").values_list("pk", flat=True)[:500])
    for inbound_id in ids:
        quarantine_mail(inbound_id=inbound_id, reason="not_taken", at=now)
    return len(ids)


@transaction.atomic
def release_mail(*, inbound_id: int, actor: Actor, at: datetime) -> InboundMail:
    """Take a mail that was left aside after all: it goes the way of any customer's mail. Raises NotRetryable."""
    row = _lock(inbound_id)
    if not row.raw_name:
        raise NotRetryable
    _move(row, InboundState.RECEIVED)
    row.kind, row.reason, row.settled_at = MailKind.MESSAGE, "", None
    row.save(update_fields=["state", "kind", "reason", "settled_at"])
    _record_arrival(row, "mail.received", at, actor)
    announce("deliveries", "inbound", row.pk)
    return row


@transaction.atomic
def apply_bounce(*, inbound_id: int, at: datetime) -> None:
    """Mark the message a delivery report is about, and block an address that does not exist."""
    row = _lock(inbound_id)
    if row.state != InboundState.RECEIVED:
        return
    delivery = Delivery.objects.filter(pk=row.bounced_delivery_id or 0).first()
    if delivery is None:
        ignore_mail(inbound_id=inbound_id, reason="unknown_message", at=at)
        return
    meaning = meaning_of_bounce(get_parsed_mail(inbound_id))
    if meaning.outcome == "complained":
        _suppress(delivery, SuppressionReason.COMPLAINT, at)
        mark_mail_applied(inbound_id, delivery.ticket_id, at, delivery.customer_id)
        return
    if meaning.outcome == "delayed":
        ignore_mail(inbound_id=inbound_id, reason="delayed", at=at)
        return
    if meaning.outcome == "delivered":
        confirm_delivery(delivery_id=delivery.pk, at=at)
    else:
        fail_delivery(delivery_id=delivery.pk, code=meaning.code, at=at)
        if meaning.is_bad_address:
            _suppress(delivery, SuppressionReason.BOUNCE, at)
    mark_mail_applied(inbound_id, delivery.ticket_id, at, delivery.customer_id)


def _suppress(delivery: Delivery, reason: str, at: datetime) -> None:
    suppress_address(
        address_index=bytes(delivery.to_index),
        channel=delivery.channel,
        reason=reason,
        delivery_id=delivery.pk,
        customer_id=delivery.customer_id,
        actor=SYSTEM,
        at=at,
    )


def _lock(inbound_id: int) -> InboundMail:
    return InboundMail.objects.select_for_update(no_key=True).get(pk=inbound_id)


def _move(row: InboundMail, to: str) -> None:
    if to not in INBOUND_MOVES[row.state]:
        raise NotRetryable(code="transition_not_allowed", before=row.state, after=str(to))
    row.state = to


def _record_arrival(row: InboundMail, kind: str, at: datetime, actor: Actor = SYSTEM) -> None:
    data = MailCame(mail=Code(row.kind), size=row.size, mailbox_id=row.mailbox_id, reply_ticket_id=row.reply_ticket_id)
    record(kind, subject=row, actor=actor, at=at, data=data)


def _record(row: InboundMail, kind: str, actor: Actor, at: datetime) -> None:
    data = MailSettled(why=Code(row.reason), delivery_id=row.bounced_delivery_id)
    record(kind, subject=row, actor=actor, at=at, data=data)

"""Who a mail is for, and what it says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from email.message import Message

from django.conf import settings
from django.db.models import QuerySet

from core.errors import NotFound
from notifications.addresses import canonical, domain_of, read_bounce_address, read_reply_address
from notifications.inbound.headers import headers_of
from notifications.inbound.parsing import ParsedMail, parse_mail
from notifications.inbound.words import addresses_in
from notifications.models import Delivery, InboundMail, Mailbox
from notifications.selectors.mailboxes import find_mailbox_by_address, find_mailbox_for_shop
from notifications.storage import read_raw

_POST = frozenset({"postmaster", "abuse", "mailer-daemon"})
_ADDRESSED = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Forwarded-To", "To", "Cc")


@dataclass(frozen=True)
class Target:
    """One of our addresses a mail was sent to. Lower `rank` is more specific."""

    address: str
    rank: int
    mailbox_id: int | None = None
    shop_id: int | None = None
    reply_ticket_id: int | None = None
    bounced_delivery_id: int | None = None


def find_target(address: str) -> Target | None:
    """Return what an address of ours stands for, None when it is not ours (a forged reply address is not)."""
    known = canonical(address)
    local, domain = known.rpartition("@")[0], domain_of(known)
    ours = domain == settings.MAIL_DOMAIN.lower()
    if ours and local.startswith("reply+"):
        ticket_id = read_reply_address(known)
        return Target(known, 0, reply_ticket_id=ticket_id) if ticket_id else None
    if ours and local.startswith("bounce+"):
        delivery_id = read_bounce_address(known)
        return Target(known, 1, bounced_delivery_id=delivery_id) if delivery_id else None
    box = find_mailbox_by_address(known) or _tagged_mailbox(local, domain)
    if box is not None:
        return Target(box.address, 2, box.pk, box.shop_id)
    is_post = ours and (local in _POST or known == canonical(settings.DEFAULT_FROM_EMAIL))
    if is_post and not Mailbox.objects.filter(address=known).exists():  # a mailbox that was put away takes no mail
        default = find_mailbox_for_shop(None)
        return Target(known, 3, default.pk if default else None, default.shop_id if default else None)
    return None


def targets_named_in(head: Message) -> list[Target]:
    """Return the signed addresses of ours that a fetched mail's header names; nobody can make one up."""
    found = {}
    for name in _ADDRESSED:
        for value in headers_of(head, name)[:5]:
            for _name, address in addresses_in(value)[:50]:
                if address.startswith(("reply+", "bounce+")) and (target := find_target(address)):
                    found[address] = target
    return list(found.values())


def choose_target(targets: list[Target]) -> Target:
    """Return the most specific of the addresses one mail came to at once."""
    return min(targets, key=lambda target: target.rank)


def get_inbound(inbound_id: int) -> InboundMail:
    """Return a received mail's row. Raises NotFound."""
    row = InboundMail.objects.filter(pk=inbound_id).first()
    if row is None:
        raise NotFound(mail=inbound_id)
    return row


def get_parsed_mail(inbound_id: int) -> ParsedMail:
    """Read a received mail again from its raw bytes, with what its envelope proved. Raises NotFound when they are gone.

    Reading never raises for what is in a mail; `fault` says when a person should look.
    """
    row = get_inbound(inbound_id)
    if not row.raw_name:
        raise NotFound(mail=inbound_id)
    try:
        mail = parse_mail(read_raw(row.raw_name))
    except FileNotFoundError:
        raise NotFound(mail=inbound_id) from None
    return replace(
        mail,
        kind=row.kind,
        mailbox_id=row.mailbox_id,
        shop_id=row.shop_id,
        reply_ticket_id=row.reply_ticket_id,
    )


def find_delivery_by_message_ids(ids: tuple[str, ...]) -> Delivery | None:
    """Return the message of ours that one of these ids names."""
    return Delivery.objects.filter(message_id__in=ids).order_by("pk").first() if ids else None


def inbound_of_shops(shop_ids: list[int] | None) -> QuerySet[InboundMail]:
    """Return received mail, newest first, of these shops and of none; None means all."""
    from django.db.models import Q

    rows = InboundMail.objects.select_related("mailbox").order_by("-pk")
    return rows if shop_ids is None else rows.filter(Q(shop_id__isnull=True) | Q(shop_id__in=shop_ids))


def _tagged_mailbox(local: str, domain: str) -> Mailbox | None:
    bare, plus, _tag = local.partition("+")
    return find_mailbox_by_address(f"{bare}@{domain}") if plus and bare else None

"""Which address serves whom."""

from __future__ import annotations

import json

from django.db.models import Q, QuerySet

from core.crypto import decrypt
from core.errors import NotFound
from core.kept import Kept, number_slot
from notifications.channels.smtp import SmtpAccount, default_account
from notifications.inbound.imap import ImapAccount
from notifications.models import Mailbox

_MAILBOX, _SHOP = number_slot("mailbox", 5), number_slot("shop", 6)
_finding = Kept(lambda: (_MAILBOX, _SHOP))


def find_mailbox_for_shop(shop_id: int | None) -> Mailbox | None:
    """Return the active mailbox a shop writes from: its own, else the default one, else None."""
    return find_mailbox(None, shop_id)


def find_mailbox(mailbox_id: int | None, shop_id: int | None) -> Mailbox | None:
    """Return the named mailbox when it is active, else the one its shop writes from. One kept statement."""
    found = _finding.instances("", _usable, mailbox=mailbox_id, shop=shop_id)
    return min(
        found,
        key=lambda box: (box.pk != mailbox_id, box.shop_id != shop_id or shop_id is None, not box.is_default, box.pk),
        default=None,
    )


def _usable() -> QuerySet[Mailbox]:
    wanted = Q(pk=_MAILBOX.sample) | Q(shop_id=_SHOP.sample) | Q(is_default=True)
    return Mailbox.objects.filter(wanted, is_active=True)


def find_mailbox_by_address(address: str) -> Mailbox | None:
    """Return the active mailbox with this address."""
    return Mailbox.objects.filter(address=address.strip().lower(), is_active=True).first()


def get_mailbox(mailbox_id: int) -> Mailbox:
    """Return a mailbox. Raises NotFound."""
    box = Mailbox.objects.filter(pk=mailbox_id).first()
    if box is None:
        raise NotFound(mailbox=mailbox_id)
    return box


def mailboxes_of_shops(shop_ids: list[int] | None) -> QuerySet[Mailbox]:
    """Return the mailboxes of these shops and those of no shop; None means all."""
    rows = Mailbox.objects.order_by("-is_active", "-is_default", "address")
    return rows if shop_ids is None else rows.filter(Q(shop_id__isnull=True) | Q(shop_id__in=shop_ids))


def account_of(box: Mailbox) -> SmtpAccount:
    """Return the server a mailbox sends through; its own, or the installation's when it has none."""
    own = own_account(box)
    return own or default_account()


def own_account(box: Mailbox) -> SmtpAccount | None:
    """Return the mailbox's own server, None when it uses the installation's. Raises CannotDecrypt without its key."""
    return SmtpAccount(**json.loads(decrypt(box.smtp_sealed))) if box.smtp_sealed else None


def imap_account(box: Mailbox) -> ImapAccount | None:
    """Return where a mailbox's mail is fetched, None when it is brought to us. Raises CannotDecrypt without its key."""
    if not box.imap_sealed:
        return None
    place = json.loads(decrypt(box.imap_sealed))
    return ImapAccount(**place, folder=box.imap_folder, after=box.imap_after, move_to=box.imap_move_to)

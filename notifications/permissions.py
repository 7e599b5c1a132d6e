"""The door to messages and mailboxes: the settings permission, and the rows of the shops one serves."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from accounts.models import Staff
from accounts.permissions import shop_scope
from core.errors import NotFound
from notifications.models import Delivery, InboundMail, Mailbox


def of_own_shops(staff: Staff) -> Q:
    """Return the condition for rows of the shops this person serves, and of no shop."""
    shops = shop_scope(staff)
    return Q() if shops is None else Q(shop_id__isnull=True) | Q(shop_id__in=shops)


def mailboxes_visible_to(staff: Staff) -> QuerySet[Mailbox]:
    """Return the mailboxes this person may see."""
    return Mailbox.objects.filter(of_own_shops(staff)).order_by("-is_active", "-is_default", "address")


def get_mailbox_for(staff: Staff, mailbox_id: int) -> Mailbox:
    """Return a mailbox this person may see. Raises NotFound."""
    box = mailboxes_visible_to(staff).filter(pk=mailbox_id).first()
    if box is None:
        raise NotFound
    return box


def deliveries_visible_to(staff: Staff) -> QuerySet[Delivery]:
    """Return the messages this person may see, newest first."""
    return Delivery.objects.filter(of_own_shops(staff)).order_by("-pk")


def get_delivery_for(staff: Staff, delivery_id: int) -> Delivery:
    """Return a message this person may see. Raises NotFound."""
    row = deliveries_visible_to(staff).select_related("mailbox").filter(pk=delivery_id).first()
    if row is None:
        raise NotFound
    return row


def inbound_visible_to(staff: Staff) -> QuerySet[InboundMail]:
    """Return the received mails this person may see, newest first."""
    return InboundMail.objects.filter(of_own_shops(staff)).order_by("-pk")


def get_inbound_for(staff: Staff, inbound_id: int) -> InboundMail:
    """Return a received mail this person may see. Raises NotFound."""
    row = inbound_visible_to(staff).select_related("mailbox").filter(pk=inbound_id).first()
    if row is None:
        raise NotFound
    return row

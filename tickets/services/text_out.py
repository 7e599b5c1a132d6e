"""Answers by text message to who writes that way or left only a phone; said beforehand when nothing reaches her."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core import ratelimit
from core.errors import InvalidInput
from core.text import cn_mobile
from customers.selectors import primary_address
from notifications.enums import Channel as Way
from notifications.models import InboundText
from notifications.selectors.providers import active_channels, lacks
from notifications.services import queue_message
from tickets.enums import Channel
from tickets.models import Message, Ticket
from tickets.permissions import short_customer_url
from tickets.services.outgoing import ACK_TEMPLATE, LINK_TEMPLATE, REPLY_TEMPLATE

PIECES, PIECE_MAX = 4, 35  # the provider takes so many characters for one variable of its template
ACKS_PER_HOUR, HOUR = 5, timedelta(hours=1)
MAX_TEXT_MESSAGE = 130  # a little less than they hold: no cut stands beside a blank
TOO_LONG = _("A text message holds %(most)d characters and this is %(count)d. Shorten it, or call the customer.")
NO_FILES = _("A text message carries no files. Leave them out, or call the customer.")
NO_WAY = _(
    "This answer cannot reach the customer: text messages are not set up and no mail address is known. Please call."
)


def text_pieces(text: str) -> list[str]:
    """Return a text cut into even pieces, none with a blank at a cut; [] when it does not fit."""
    plain = " ".join(text.split())
    pieces, rest = [], plain
    for left in range(PIECES, 0, -1):
        size = -(-len(rest) // left) if rest else 0
        while 0 < size < len(rest) and (rest[size] == " " or rest[size - 1] == " "):
            size -= 1
        size = size or min(len(rest), PIECE_MAX)
        pieces.append(rest[:size])
        rest = rest[size:]
    return [] if rest or len(plain) > MAX_TEXT_MESSAGE or max(map(len, pieces)) > PIECE_MAX else pieces


def text_number(ticket: Ticket) -> str:
    """Return the phone the customer wrote from last in this ticket, else her own; empty when none is known."""
    row = InboundText.objects.filter(ticket_id=ticket.pk).order_by("-pk").first()
    phone = row.phone if row is not None else ""
    return phone or (primary_address(ticket.customer_id, "phone") if ticket.customer_id else None) or ""


@dataclass(frozen=True)
class Reach:
    """What can go out to a phone: the words of an answer themselves, and a link to them."""

    phone: str = ""
    takes_words: bool = False
    takes_link: bool = False

    def __bool__(self) -> bool:
        return self.takes_words or self.takes_link


def reach_by_text(ticket: Ticket) -> Reach:
    """Return what of an answer a text message can bring to the customer of a ticket now."""
    active = active_channels()
    if Way.SMS not in active:
        return Reach()
    words, link = (not lacks(Way.SMS, key, ticket.language, active) for key in (REPLY_TEMPLATE, LINK_TEMPLATE))
    if not (words or link):
        return Reach()
    phone = text_number(ticket)
    return Reach(phone, words, link) if takes_texts(phone) else Reach()


def takes_texts(phone: str) -> bool:
    """Tell whether a number (E.164) may be a mobile one; of the mainland's we know."""
    return cn_mobile(phone) is not None if phone.startswith("+86") else bool(phone)


def check_way(ticket: Ticket, text: str, *, has_files: Callable[[], bool], address: str | None) -> None:
    """Refuse an answer that no text message can carry where nothing else reaches her. Raises InvalidInput.

    Who did not write by text message can still open her page by the link she has; there the agent is only told.
    """
    if address:
        return
    reach = reach_by_text(ticket)
    if not reach and ticket.channel == Channel.SMS:
        raise InvalidInput(fields={"text": [NO_WAY]})
    if not reach or reach.takes_link:
        return
    if has_files():
        raise InvalidInput(fields={"text": [NO_FILES]})
    if not text_pieces(text):
        words = TOO_LONG % {"most": MAX_TEXT_MESSAGE, "count": len(" ".join(text.split()))}
        raise InvalidInput(fields={"text": [words]})


def send_by_text(ticket: Ticket, message: Message, *, may_have_files: bool, address: str | None, at: datetime) -> bool:
    """Owe the text message of an answer, once per message; False when it goes another way or none.

    `address` is the ticket's mail address: who has one is written to by mail, unless she wrote by text message and it
    fits. What does not fit is brought as a link.
    """
    if ticket.is_spam or (address and ticket.channel != Channel.SMS):
        return False
    reach = reach_by_text(ticket)
    has_files = may_have_files and message.attachments.exists()
    pieces = text_pieces(message.text) if reach.takes_words and not has_files else []
    if pieces:
        words = {f"text{n}": piece for n, piece in enumerate(pieces, 1)}
        _queue(ticket, message, REPLY_TEMPLATE, reach.phone, words, at)
    elif reach.takes_link and not address:
        _queue(ticket, message, LINK_TEMPLATE, reach.phone, _link(ticket), at)
    else:
        return False
    return True


def can_acknowledge(ticket: Ticket) -> bool:
    """Tell whether an acknowledgement can go out by text message."""
    return not lacks(Way.SMS, ACK_TEMPLATE, ticket.language, active_channels()) and takes_texts(text_number(ticket))


def way_of_acknowledgement(ticket: Ticket, address: str | None) -> Way | None:
    """Return which way a new ticket is acknowledged: by text message where no mail goes; None where it may not.

    Counts one: a phone gets so many an hour and no more, for a form can be sent under anybody's number.
    """
    if (address and ticket.channel != Channel.SMS) or not can_acknowledge(ticket):
        return Way.EMAIL
    return Way.SMS if ratelimit.hit("text.ack", text_number(ticket), period=HOUR) <= ACKS_PER_HOUR else None


def acknowledge_by_text(ticket: Ticket, message: Message, *, expected: str, at: datetime) -> None:
    """Owe an acknowledgement by text message."""
    with translation.override(ticket.language):
        expected = expected or gettext("soon")
    _queue(ticket, message, ACK_TEMPLATE, text_number(ticket), {**_link(ticket), "expected": expected}, at)


def _link(ticket: Ticket) -> dict[str, str]:
    return {"number": ticket.number, "url": short_customer_url(ticket)}


def _queue(ticket: Ticket, message: Message, template: str, phone: str, context: dict[str, str], at: datetime) -> None:
    delivery = queue_message(
        key=f"ticket-message:{message.pk}",
        channel=Way.SMS,
        template=template,
        language=ticket.language,
        to=phone,
        context=context,
        purpose="service",
        ticket_id=ticket.pk,
        customer_id=ticket.customer_id,
        order_id=ticket.order_id,
        shop_id=ticket.shop_id,
        at=at,
    )
    message.delivery_id = delivery.pk
    message.save(update_fields=["delivery_id"])

"""Bring an answer to the customer by text message, where that is how she writes; say beforehand when nothing can."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from core.errors import InvalidInput
from customers.selectors import primary_address
from notifications.enums import Channel as Way
from notifications.models import InboundText
from notifications.selectors.providers import active_channels, lacks
from notifications.services import queue_message
from tickets.enums import Channel
from tickets.models import Message, Ticket
from tickets.services.outgoing import REPLY_TEMPLATE, contact_address

PIECES, PIECE_MAX = 4, 35  # the provider takes so many characters for one variable of its template
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


def answer_way(ticket: Ticket) -> str:
    """Return how an answer to a ticket by text message goes out: "sms", "email", or "" when nothing reaches her."""
    if not lacks(Way.SMS, REPLY_TEMPLATE, ticket.language, active_channels()) and text_number(ticket):
        return str(Way.SMS)
    return str(Way.EMAIL) if contact_address(ticket) else ""


def check_way(ticket: Ticket, text: str, *, has_files: bool) -> None:
    """Refuse an answer that could not reach a customer who writes by text message. Raises InvalidInput."""
    if ticket.channel != Channel.SMS:
        return
    way = answer_way(ticket)
    if not way:
        raise InvalidInput(fields={"text": [NO_WAY]})
    if way == Way.EMAIL or contact_address(ticket):  # what no text message holds goes by mail
        return
    if has_files:
        raise InvalidInput(fields={"text": [NO_FILES]})
    if not text_pieces(text):
        words = TOO_LONG % {"most": MAX_TEXT_MESSAGE, "count": len(" ".join(text.split()))}
        raise InvalidInput(fields={"text": [words]})


def send_by_text(ticket: Ticket, message: Message, *, may_have_files: bool, at: datetime) -> bool:
    """Owe the text message of an answer, once per message; False when it has to go another way."""
    if ticket.channel != Channel.SMS or ticket.is_spam or answer_way(ticket) != Way.SMS:
        return False
    if may_have_files and message.attachments.exists():
        return False
    pieces = text_pieces(message.text)
    if not pieces:
        return False
    delivery = queue_message(
        key=f"ticket-message:{message.pk}",
        channel=Way.SMS,
        template=REPLY_TEMPLATE,
        language=ticket.language,
        to=text_number(ticket),
        context={f"text{n}": piece for n, piece in enumerate(pieces, 1)},
        purpose="service",
        ticket_id=ticket.pk,
        customer_id=ticket.customer_id,
        order_id=ticket.order_id,
        shop_id=ticket.shop_id,
        at=at,
    )
    message.delivery_id = delivery.pk
    message.save(update_fields=["delivery_id"])
    return True

"""Send a customer the conversation on request: what was said in public, to the ticket's own address, once per press."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.selectors import staff_names
from core import ratelimit
from core.actors import Actor
from core.errors import InvalidInput
from core.events import record
from notifications.models import Delivery
from notifications.services import queue_message
from tickets.enums import AuthorType, MessageKind
from tickets.models import Message, Ticket
from tickets.selectors.public import public_messages
from tickets.services.locking import lock_ticket
from tickets.services.outgoing import common_context, contact_address
from tickets.transcript_events import TranscriptSent

TEMPLATE = "tickets.transcript"
MOST_MESSAGES = 500
MOST_CHARACTERS = 200_000
PER_DAY = 3


def send_transcript(*, ticket_id: int, press: str, actor: Actor, at: datetime) -> bool:
    """Owe the mail with all public messages of a ticket; the same press again is one mail. Return whether it is new.

    Raises NotFound, InvalidInput without an address, RateLimited beyond three a day.
    """
    key = f"transcript:{ticket_id}:{press[:64]}"
    if Delivery.objects.filter(key=key).exists():
        return False
    ratelimit.check("ticket.transcript", str(ticket_id), limit=PER_DAY, period=timedelta(days=1))
    return _queue(ticket_id, key, actor, at)


@transaction.atomic
def _queue(ticket_id: int, key: str, actor: Actor, at: datetime) -> bool:
    ticket = lock_ticket(ticket_id)
    to = contact_address(ticket)
    if to is None or ticket.is_spam:
        raise InvalidInput(_("There is no mail address to send it to."))
    messages, _earlier = public_messages(ticket, "", limit=MOST_MESSAGES)
    queue_message(
        key=key,
        template=TEMPLATE,
        language=ticket.language,
        to=to,
        context={**common_context(ticket), "transcript": transcript_of(ticket, messages)},
        purpose="service",
        ticket_id=ticket.pk,
        customer_id=ticket.customer_id,
        order_id=ticket.order_id,
        shop_id=ticket.shop_id,
        mailbox_id=ticket.mailbox_id,
        at=at,
    )
    data = TranscriptSent(len(messages), version=ticket.version)
    record("ticket.transcript_sent", subject=ticket, actor=actor, at=at, data=data)
    return True


def transcript_of(ticket: Ticket, messages: list[Message]) -> str:
    """Return messages as plain text in the ticket's language: who, when, words, names of files."""
    names = staff_names(m.author_id for m in messages if m.author_type == AuthorType.STAFF)
    zone = ZoneInfo(settings.BUSINESS_TIME_ZONE)
    with translation.override(ticket.language):
        parts = []
        for message in messages:
            if message.author_type == AuthorType.CUSTOMER:
                who = gettext("You")
            elif message.kind == MessageKind.AUTO:
                who = gettext("Automatic message")
            else:
                who = names.get(message.author_id or 0, "") or gettext("Customer service")
            files = [f"📎 {file.name}" for file in message.attachments.all()]
            head = f"—— {who} · {message.at.astimezone(zone):%Y-%m-%d %H:%M}"
            parts.append("\n".join([head, message.text, *files]).strip())
    return "\n\n".join(parts)[-MOST_CHARACTERS:]

"""Bring public messages to the customer by mail, threaded so that every mail program keeps them together."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import QuerySet
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from core.crypto import decrypt
from core.kept import Kept, Slot
from customers.selectors import primary_address
from notifications.services import queue_message
from notifications.services.deliveries import MailFile
from tickets.attachments.store import path_of
from tickets.models import Message, Ticket
from tickets.permissions import customer_url
from tickets.slots import TICKET

REPLY_TEMPLATE = "tickets.reply"
LINK_TEMPLATE = "tickets.reply_link"  # by text message: that there is an answer, and where
ACK_TEMPLATE = "tickets.acknowledged"
RULE_TEMPLATE = "tickets.rule_answer"  # reads like an answer, but says to other machines that a machine wrote it
MAX_REFERENCES = 12
MAX_MAILED_BYTES = 10 * 1024 * 1024
_SEQ = Slot("seq", 2_100_000_007)
_threads = Kept(lambda: (TICKET, _SEQ))


def contact_address(ticket: Ticket) -> str | None:
    """Return the mail address answers to this ticket go to, None when we know none."""
    if ticket.contact_enc:
        return decrypt(ticket.contact_enc) or None
    return primary_address(ticket.customer_id, "email") if ticket.customer_id else None


def bare_id(message_id: str) -> str:
    """Return a Message-ID without brackets and blanks, as it is stored and compared."""
    return "".join(message_id.split()).strip("<>")[:255]


def send_by_mail(
    ticket: Ticket,
    message: Message,
    *,
    template: str,
    to: str | None,
    context: dict[str, Any],
    rich: dict[str, str] | None = None,
    with_files: bool = True,
    at: datetime,
) -> None:
    """Owe the mail of a message, once per message; nothing happens without an address (`to`, see contact_address).

    `rich` gives variables of the context a second life as HTML, for the mail's HTML part. Without `with_files` the
    message is known to have none.
    """
    if not to or ticket.is_spam:
        return
    delivery = queue_message(
        key=f"ticket-message:{message.pk}",
        template=template,
        language=ticket.language,
        to=to,
        context={**common_context(ticket), **context},
        rich=rich,
        purpose="service",
        ticket_id=ticket.pk,
        customer_id=ticket.customer_id,
        order_id=ticket.order_id,
        shop_id=ticket.shop_id,
        mailbox_id=ticket.mailbox_id,
        headers=thread_headers(ticket, message),
        files=mail_files(message) if with_files else (),
        at=at,
    )
    message.delivery_id = delivery.pk
    message.mail_id = bare_id(delivery.message_id)
    message.save(update_fields=["delivery_id", "mail_id"])


def mail_files(message: Message) -> list[MailFile]:
    """Return the files that travel with the mail; what is more than a mail server likes is behind the link."""
    files, total = [], 0
    for row in message.attachments.order_by("pk"):
        total += row.size
        if total <= MAX_MAILED_BYTES:
            inline = row.content_id if row.is_inline else ""
            files.append(MailFile(storage=path_of(row.key), name=row.name, mime=row.mime, content_id=inline))
    return files


def thread_headers(ticket: Ticket, message: Message) -> dict[str, str]:
    """Return In-Reply-To (the newest mail of the thread) and References (the first one and the newest ones)."""
    rows = _threads.rows("", _thread, ticket=ticket.pk, seq=message.seq) if message.seq > 1 else []
    ids = [f"<{mail_id}>" for (mail_id,) in rows if "@" in mail_id and mail_id.isascii()]
    if not ids:
        return {}
    chain = ids if len(ids) <= MAX_REFERENCES else [ids[0], *ids[-(MAX_REFERENCES - 1) :]]
    return {"In-Reply-To": ids[-1], "References": " ".join(chain)}


def _thread() -> QuerySet[Message, tuple[str]]:
    rows = Message.objects.filter(ticket_id=TICKET.sample, seq__lt=_SEQ.sample).exclude(mail_id="")
    return rows.order_by("seq").values_list("mail_id")


def common_context(ticket: Ticket) -> dict[str, Any]:
    """Return the variables every mail about a ticket may use."""
    name = ticket.customer.name if ticket.customer else ""
    return {
        "number": ticket.number,
        "subject": ticket.subject,
        "customer_name": name or ("there" if ticket.language == "en" else ""),  # "Hello there," but 您好 alone
        "shop_name": ticket.shop.name if ticket.shop else "",
        "shop_colour": ticket.shop.color if ticket.shop else "",
        "order_number": ticket.order.number if ticket.order else ticket.order_given,
        "url": customer_url(ticket),
    }


def expected_words(ticket: Ticket, language: str, at: datetime) -> str:
    """Return by when we answer, as people say it: 今天 18:00 前, tomorrow before 10:00; "" without a clock."""
    due_at = ticket.first_response_due_at
    if due_at is None:
        return ""
    zone = ZoneInfo(settings.BUSINESS_TIME_ZONE)
    local, today = due_at.astimezone(zone), at.astimezone(zone).date()
    with translation.override(language):
        words = {"time": f"{local:%H:%M}"}
        days = (local.date() - today).days
        if days <= 0:
            return _("today before %(time)s") % words
        if days == 1:
            return _("tomorrow before %(time)s") % words
        return _("before %(time)s on %(day)s") % {**words, "day": date_format(local, "MONTH_DAY_FORMAT")}


def acknowledgement(ticket: Ticket, language: str, at: datetime) -> str:
    """Return the automatic first answer: the number, and by when a person answers."""
    expected = expected_words(ticket, language, at)
    with translation.override(language):
        if not expected:
            return _("We have your message. Your number is %(number)s. A colleague will get back to you soon.") % {
                "number": ticket.number
            }
        return _("We have your message. Your number is %(number)s. A colleague will answer %(expected)s.") % {
            "number": ticket.number,
            "expected": expected,
        }

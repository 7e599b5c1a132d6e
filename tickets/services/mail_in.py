"""A mail that came in becomes a message of its ticket, or a new ticket."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from core import ratelimit
from core.actors import SYSTEM, Actor
from core.text import detect_language, html_to_text, mask_email, normalise_email, split_quoted_reply, split_signature
from customers.enums import IdentityKind
from customers.models import Customer, Identity
from customers.selectors import aliases_of, find_customer_by_email, identity_index
from customers.services import find_or_add_customer
from notifications import read_thread_id
from notifications.inbound.parsing import MailAttachment, ParsedMail
from notifications.models import InboundMail, Mailbox
from notifications.services import mark_mail_applied
from tickets.enums import Channel
from tickets.models import Message, Ticket
from tickets.services.conversation import add_customer_message, add_note
from tickets.services.opening import NewTicket, open_ticket
from tickets.services.outgoing import bare_id, contact_address
from tickets.services.writing import MAX_TEXT
from tickets.spam import is_blocked, looks_like_spam

HOUR = timedelta(hours=1)
ACKS_PER_HOUR = 5
NEW_PER_HOUR = 20


@dataclass(frozen=True)
class StoredFiles:
    """The files of a mail as they were stored, and those we did not take: (name, why)."""

    ids: tuple[int, ...] = ()
    session_hash: bytes | None = None
    refused: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class MailWords:
    """What a mail says, apart from the history below it."""

    text: str
    quoted: str
    language: str


def with_whole_text(mail: ParsedMail) -> ParsedMail:
    """Return the mail with its words as a file too when they are longer than a message may be."""
    whole = mail.text.strip() or html_to_text(mail.html or "")
    if len(_apart(whole)[0]) <= MAX_TEXT:
        return mail
    with translation.override(detect_language(whole)):
        name = f"{_('Whole mail')}.txt"
    file = MailAttachment(name, "text/plain", whole.encode(), "", False)
    return replace(mail, attachments=[file, *mail.attachments])


def read_words(mail: ParsedMail) -> MailWords:
    """Return the fresh part of a mail, no longer than a message may be, and, folded, its history and signature."""
    whole = mail.text.strip() or html_to_text(mail.html or "")
    body, quoted = _apart(whole)
    language = detect_language(body or mail.subject)
    if len(body) > MAX_TEXT:
        with translation.override(language):
            more = _("(The mail goes on. All of it is in the attached file.)")
        body = f"{body[: MAX_TEXT - 500].rstrip()}\n\n{more}"
    return MailWords(body, quoted, language)


def _apart(whole: str) -> tuple[str, str]:
    fresh, history = split_quoted_reply(whole)
    body, signature = split_signature(fresh)
    return body, "\n\n".join(part for part in (signature, history) if part)


@transaction.atomic
def take_mail(*, inbound_id: int, mail: ParsedMail, files: StoredFiles, at: datetime) -> Ticket | None:
    """Put a person's mail where it belongs and mark it as applied; the same mail again changes nothing.

    It joins the ticket its signed address or reference proves, or the one it answers when it is that customer's own;
    otherwise it opens a ticket. A letter to two of our addresses is one message; another letter under a used
    Message-ID is not the same. Our own mail coming back is left alone: returns None.
    """
    inbound = InboundMail.objects.select_for_update(no_key=True).get(pk=inbound_id)
    sender = normalise_email(mail.from_address)
    if sender is None or Mailbox.objects.filter(address=sender).exists():
        return None
    letter = bytes(inbound.letter_digest or inbound.digest).hex()
    mail_id = bare_id(mail.message_id or "") or f"{letter}@no-message-id"
    known = Message.objects.select_related("ticket").filter(mail_id=mail_id).first()
    if known is not None and not _is_same_letter(inbound):
        mail_id = f"{letter}@used-message-id"
        known = Message.objects.select_related("ticket").filter(mail_id=mail_id).first()
    ticket = known.ticket if known else None
    if ticket is None:
        ticket = find_answered(inbound, mail, sender)
        if ticket is None:
            ticket = _open(inbound, mail, mail_id, sender, files, at)
        else:
            _join(ticket, mail, mail_id, sender, files, at)
        _note_refused(ticket, files.refused, at)
    mark_mail_applied(inbound.pk, ticket.pk, at, customer_id=ticket.customer_id)
    return ticket


def _is_same_letter(inbound: InboundMail) -> bool:
    """Tell whether this very letter is in a ticket already, from another of our addresses or an earlier try."""
    if inbound.letter_digest is None:  # it came before letters were told apart
        return True
    twins = InboundMail.objects.filter(letter_digest=inbound.letter_digest, ticket_id__isnull=False)
    return twins.exists()


def find_answered(inbound: InboundMail, mail: ParsedMail, sender: str) -> Ticket | None:
    """Return the ticket a mail belongs to; message ids alone count only from the ticket's own customer."""
    for proven in (inbound.reply_ticket_id, *map(read_thread_id, [*_ids(mail.references)[::-1], mail.in_reply_to])):
        ticket = Ticket.objects.select_related("customer").filter(pk=proven).first() if proven else None
        if ticket is not None:
            return ticket
    ids = [bare_id(item) for item in [*_ids(mail.in_reply_to), *_ids(mail.references)[::-1]]]
    wanted = [item for item in ids if item][:20]
    if not wanted:
        return None
    rows = Message.objects.filter(mail_id__in=wanted).select_related("ticket__customer").order_by("-pk")
    for message in rows:
        if is_from_customer(message.ticket, sender):
            return message.ticket
    return None


def is_from_customer(ticket: Ticket, sender: str) -> bool:
    """Tell whether an address is this ticket's contact or one its customer is known by."""
    if contact_address(ticket) == sender:
        return True
    digest = identity_index(IdentityKind.EMAIL, sender)
    rows = Identity.objects.filter(kind=IdentityKind.EMAIL, value_index=digest)
    return ticket.customer_id is not None and rows.filter(customer__in=aliases_of(ticket.customer_id)).exists()


def _ids(value: str | Iterable[str] | None) -> list[str]:
    return (value.split() if isinstance(value, str) else list(value)) if value else []


def _join(ticket: Ticket, mail: ParsedMail, mail_id: str, sender: str, files: StoredFiles, at: datetime) -> None:
    words = read_words(mail)
    actor = Actor.customer(ticket.customer_id) if ticket.customer_id else SYSTEM
    add_customer_message(
        ticket_id=ticket.pk,
        text=words.text or _no_words(ticket.language, files),
        html=mail.html or "",
        quoted=words.quoted,
        channel=Channel.EMAIL,
        mail_id=mail_id,
        attachment_ids=files.ids,
        session_hash=files.session_hash,
        actor=actor,
        at=at,
    )
    if not is_from_customer(ticket, sender):
        with translation.override(ticket.language):
            text = _("This answer came from another address: %(address)s") % {"address": mask_email(sender)}
        add_note(ticket_id=ticket.pk, text=text, actor=SYSTEM, at=at)


def _open(
    inbound: InboundMail, mail: ParsedMail, mail_id: str, sender: str, files: StoredFiles, at: datetime
) -> Ticket:
    words = read_words(mail)
    known = find_customer_by_email(sender)
    is_spam = (
        is_blocked(email=sender, customer=known)
        or looks_like_spam(f"{mail.subject}\n{words.text}", is_known=known is not None)
        or ratelimit.hit("mail.new", sender, period=HOUR) > NEW_PER_HOUR
    )
    customer: Customer = find_or_add_customer(
        email=sender, name=mail.from_name, language=words.language, source="email", actor=SYSTEM, at=at
    )
    data = NewTicket(
        channel=Channel.EMAIL,
        text=words.text or _no_words(words.language, files),
        subject=mail.subject,
        shop_id=inbound.shop_id,
        customer_id=customer.pk,
        html=mail.html or "",
        quoted=words.quoted,
        language=words.language,
        attachments=list(files.ids),
        session_hash=files.session_hash,
        mail_id=mail_id,
        mailbox_id=inbound.mailbox_id,
        is_spam=is_spam,
        contact_email=sender,
        acknowledge=not is_spam
        and not mail.wants_no_answer
        and ratelimit.hit("mail.ack", sender, period=HOUR) <= ACKS_PER_HOUR,
    )
    return open_ticket(data=data, actor=Actor.customer(customer), at=at)


def _no_words(language: str, files: StoredFiles) -> str:
    if files.ids:
        return ""
    with translation.override(language):
        return _("(This mail has no text.)")


def _note_refused(ticket: Ticket, refused: tuple[tuple[str, str], ...], at: datetime) -> None:
    if not refused:
        return
    with translation.override(ticket.language):
        lines = [_("Files of this mail that were not kept:"), *(f"- {name[:120]}: {why}" for name, why in refused)]
    add_note(ticket_id=ticket.pk, text="\n".join(lines), actor=SYSTEM, at=at)

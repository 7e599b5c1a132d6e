"""Append a message under the ticket's lock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import nh3
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from core.actors import Actor, ActorType
from core.errors import InvalidInput
from core.kept import Kept, Slot
from core.text import tidy_text
from tickets.enums import AuthorType, MessageKind
from tickets.errors import ClientIdTaken
from tickets.models import Attachment, Message, Ticket
from tickets.rich_text import as_html, as_text, content_id, picture_keys
from tickets.slots import TICKET

MAX_TEXT = 20_000
MAX_HTML = 200_000
MAX_FILES = 10
_CLIENT = Slot("client", UUID(int=7), "uuid")
_sent = Kept(lambda: (TICKET, _CLIENT))


@dataclass(frozen=True)
class Words:
    """What is being said, and how it came; `session_hash` lets an upload session's files in, `held_id` those kept for
    an answer that waited. `mentioned` are the colleagues a note speaks to."""

    text: str
    channel: str
    kind: str = MessageKind.PUBLIC
    html: str = ""
    quoted: str = ""
    mail_id: str = ""
    client_id: UUID | None = None
    attachment_ids: tuple[int, ...] = ()
    session_hash: bytes | None = None
    held_id: int | None = None
    mentioned: tuple[int, ...] = ()

    @property
    def may_have_files(self) -> bool:
        """Tell whether files can stand under the message."""
        return bool(self.attachment_ids) or self.held_id is not None


def read_marks(ticket_id: int, words: Words, staff_id: int | None) -> Words:
    """Return an agent's words with marks as plain text and HTML; pictures in the text bring their files along."""
    keys = picture_keys(words.text)
    if not keys:
        return replace(words, html=as_html(words.text), text=as_text(words.text))
    own = Attachment.objects.filter(key__in=keys, ticket_id=ticket_id, message__isnull=True, mime__startswith="image/")
    own = own.filter(held_id=words.held_id) if words.held_id else own.filter(uploaded_by=staff_id, held__isnull=True)
    found = dict(own.values_list("key", "pk"))
    ids = tuple(dict.fromkeys([*words.attachment_ids, *found.values()]))
    return replace(words, html=as_html(words.text, pictures=found), text=as_text(words.text), attachment_ids=ids)


def find_sent_before(ticket: Ticket, words: Words, author_type: str) -> Message | None:
    """Return the message this client id or Message-ID stored before. Raises ClientIdTaken for another's."""
    stored = None
    if words.client_id is not None:
        found = _sent.instances("", _sent_before, ticket=ticket.pk, client=words.client_id)
        stored = found[0] if found else None
        if stored is not None and (stored.author_type != author_type or stored.kind != words.kind):
            raise ClientIdTaken
    if stored is None and words.mail_id:
        stored = Message.objects.filter(mail_id=words.mail_id).first()
    return stored


def _sent_before() -> QuerySet[Message]:
    return Message.objects.filter(ticket_id=TICKET.sample, client_id=_CLIENT.sample)


def append_message(ticket: Ticket, words: Words, *, author_type: str, author_id: int | None, at: datetime) -> Message:
    """Store a message of the locked ticket with the next seq, and put its files under it.

    The caller saves the ticket. Raises InvalidInput when nothing is said, or for files that are not the author's.
    """
    text = tidy_text(words.text)
    if not text.strip() and not words.attachment_ids and not words.held_id:
        raise InvalidInput(fields={"text": [_("Write something first.")]})
    if len(text) > MAX_TEXT:
        raise InvalidInput(fields={"text": [_("This is too long for one message. Please send it in two.")]})
    is_public = words.kind != MessageKind.NOTE
    ticket.last_seq += 1
    ticket.last_public_seq += is_public
    message = Message.objects.create(
        ticket=ticket,
        seq=ticket.last_seq,
        public_seq=ticket.last_public_seq if is_public else None,
        client_id=words.client_id,
        kind=words.kind,
        author_type=author_type,
        author_id=author_id,
        channel=words.channel,
        text=text,
        html=clean_html(words.html),
        quoted=tidy_text(words.quoted)[:MAX_TEXT],
        mail_id=words.mail_id,
        mentioned=list(words.mentioned) or None,
        at=at,
    )
    if words.held_id is not None:
        Attachment.objects.filter(held_id=words.held_id).update(message=message, ticket_id=ticket.pk, held=None)
    else:
        take_files(message, words.attachment_ids, author_type, author_id, words.session_hash)
    if "cid:" in message.html and author_type == AuthorType.STAFF:
        _put_inline(message)
    if words.kind == MessageKind.PUBLIC:
        ticket.preview = " ".join(text.split())[:160]
        ticket.last_message_at, ticket.last_message_by = at, author_type
    return message


def _put_inline(message: Message) -> None:
    """Mark the files that stand in the text itself."""
    for row in message.attachments.all():
        if content_id(row.key) in message.html:
            row.content_id, row.is_inline = content_id(row.key), True
            row.save(update_fields=["content_id", "is_inline"])


def take_files(
    message: Message, ids: Iterable[int], author_type: str, author_id: int | None, session_hash: bytes | None
) -> None:
    """Put unsent files under a message: the same person's for this ticket, or those of one upload session."""
    wanted = set(ids)
    if not wanted:
        return
    if len(wanted) > MAX_FILES:
        raise InvalidInput(fields={"files": [_("Ten files a message are the most.")]})
    rows = Attachment.objects.filter(pk__in=wanted, message__isnull=True, held__isnull=True)
    if session_hash is not None:
        rows = rows.filter(session_hash=session_hash)
    elif author_type == AuthorType.STAFF:
        rows = rows.filter(ticket_id=message.ticket_id, uploaded_by=author_id)
    else:
        rows = rows.filter(ticket_id=message.ticket_id, uploaded_by__isnull=True, session_hash__isnull=True)
    if rows.update(message=message, ticket_id=message.ticket_id, session_hash=None) != len(wanted):
        raise InvalidInput(fields={"files": [_("One of the files is gone. Add it again, please.")]})


def clean_html(html: str) -> str:
    """Return markup without anything active, styled or loaded from elsewhere; pages clean it again."""
    if not html:
        return ""
    return nh3.clean(
        html[:MAX_HTML],
        tags={
            "a",
            "b",
            "blockquote",
            "br",
            "code",
            "div",
            "em",
            "i",
            "img",
            "li",
            "ol",
            "p",
            "pre",
            "s",
            "span",
            "strong",
            "u",
            "ul",
        },
        attributes={"a": {"href"}, "img": {"src", "alt"}},
        attribute_filter=_only_own_pictures,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel="noopener noreferrer nofollow",
    )


def _only_own_pictures(tag: str, attribute: str, value: str) -> str | None:
    if tag == "img" and attribute == "src":
        return value if value.lower().startswith("cid:") else None
    if tag == "a" and attribute == "href" and value.lower().startswith("cid:"):
        return None
    return value


def author_of(actor: Actor, ticket: Ticket) -> tuple[str, int | None]:
    """Return (author type, id) for a doer; an API key and the import speak for the customer."""
    if actor.type == ActorType.STAFF:
        return AuthorType.STAFF, actor.id
    if actor.type in {ActorType.BOT, ActorType.RULE}:
        return AuthorType.BOT, actor.id
    if actor.type == ActorType.SYSTEM:
        return AuthorType.SYSTEM, None
    return AuthorType.CUSTOMER, ticket.customer_id

"""What is said in a ticket: the customer's messages, answers, internal notes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.services import notify
from core.actors import Actor
from core.errors import InvalidInput, TransitionNotAllowed
from core.events import Code, record
from tickets.enums import AuthorType, MessageKind, TicketStatus
from tickets.errors import FieldsMissing
from tickets.events import MessageReceived, MessageSent, NoteAdded, TicketAssigned
from tickets.models import Attachment, Draft, Message, Ticket
from tickets.permissions import desk_url
from tickets.services.locking import (
    dimensions,
    lock_canonical,
    lock_ticket,
    not_before,
    save_ticket,
    touch_clocks,
)
from tickets.services.moving import DONE, move_and_record
from tickets.services.outgoing import REPLY_TEMPLATE, RULE_TEMPLATE, contact_address, send_by_mail
from tickets.services.planned import stop_planned
from tickets.services.safety import Seen, check_seen
from tickets.services.text_out import check_way, send_by_text
from tickets.services.watching import tell_watchers
from tickets.services.writing import Words, append_message, author_of, find_sent_before, read_marks

AFTER_REPLY = frozenset(
    {TicketStatus.OPEN, TicketStatus.WAITING_CUSTOMER, TicketStatus.WAITING_DEPARTMENT, TicketStatus.RESOLVED}
)


@transaction.atomic
def add_customer_message(
    *,
    ticket_id: int,
    text: str,
    html: str = "",
    quoted: str = "",
    channel: str,
    mail_id: str = "",
    attachment_ids: Iterable[int] = (),
    session_hash: bytes | None = None,
    client_id: UUID | None = None,
    actor: Actor,
    at: datetime,
) -> Message:
    """Add what the customer wrote; a resolved or closed ticket opens again, waiting ends. Sent twice is one message.

    Raises NotFound, InvalidInput, ClientIdTaken.
    """
    ticket = lock_canonical(ticket_id)
    words = Words(
        text=text, channel=channel, html=html, quoted=quoted, mail_id=mail_id, client_id=client_id,
        attachment_ids=tuple(attachment_ids), session_hash=session_hash,
    )  # fmt: skip
    stored = find_sent_before(ticket, words, AuthorType.CUSTOMER)
    if stored is not None:
        return stored
    at = not_before(ticket, at)
    ticket.version += 1
    starts_turn = ticket.customer_turn_at is None
    if starts_turn:
        ticket.customer_turn_at = at
        touch_clocks(ticket, actor=actor, at=at)
    try:
        with transaction.atomic():
            message = append_message(
                ticket, words, author_type=AuthorType.CUSTOMER, author_id=ticket.customer_id, at=at
            )
    except IntegrityError:  # the same mail was stored elsewhere while we waited; it is committed by now
        stored = find_sent_before(ticket, words, AuthorType.CUSTOMER)
        if stored is None:
            raise
        return stored
    fact = MessageReceived(message.seq, Code(channel), starts_turn, len(words.attachment_ids), ticket.version)
    record("message.received", subject=message, actor=actor, at=at, data=fact)
    if ticket.status in DONE or ticket.status == TicketStatus.WAITING_CUSTOMER:
        move_and_record(ticket, to=TicketStatus.OPEN, actor=actor, at=at, reason="customer_wrote")
    save_ticket(ticket)
    stop_planned(ticket, at=at)
    if ticket.assignee_id is not None:
        params = {"ticket_id": ticket.pk, "number": ticket.number}
        notify(staff_id=ticket.assignee_id, kind="ticket.customer_wrote", params=params, url=desk_url(ticket.pk), at=at)
    tell_watchers(ticket, "wrote", actor=actor, at=at)
    return message


@transaction.atomic
def reply_to_ticket(
    *,
    ticket_id: int,
    text: str,
    actor: Actor,
    at: datetime,
    client_id: UUID | None,
    attachment_ids: Iterable[int] = (),
    then_status: str | None = None,
    seen_version: int | None = None,
    seen: Seen | None = None,
) -> Message:
    """Answer the customer in public, and put the ticket into `then_status` when given.

    `text` may hold the marks of tickets.rich_text. The first answer of an untaken ticket takes it. The same `client_id`
    gives the stored message and does nothing more. Raises SeenTooLittle when others did something after `seen` (or
    `seen_version`), ClientIdTaken, InvalidInput, TransitionNotAllowed, FieldsMissing.
    After commit: the mail goes out, pages look again.
    """
    ticket = lock_ticket(ticket_id)
    words = Words(text=text, channel=ticket.channel, client_id=client_id, attachment_ids=tuple(attachment_ids))
    stored = find_sent_before(ticket, words, answerer(actor, ticket)[0])
    if stored is not None:
        return stored
    check_then(then_status)
    check_seen(ticket, seen or Seen(seen_version), actor, at)
    message = write_answer(ticket, words, actor=actor, at=at, then_status=then_status)
    save_ticket(ticket)
    return message


def check_then(status: str | None) -> None:
    """Refuse a status that cannot follow an answer. Raises InvalidInput."""
    if status and status not in AFTER_REPLY:
        raise InvalidInput(fields={"then_status": [_("This status cannot follow an answer.")]})


def answerer(actor: Actor, ticket: Ticket) -> tuple[str, int | None]:
    """Return (author type, id) of an answer: a person, the assistant, or the company itself."""
    author_type, author_id = author_of(actor, ticket)
    if author_type in {AuthorType.STAFF, AuthorType.BOT}:
        return author_type, author_id if author_type == AuthorType.STAFF else None
    return AuthorType.STAFF, None


def write_answer(
    ticket: Ticket,
    words: Words,
    *,
    actor: Actor,
    at: datetime,
    then_status: str | None = None,
    was_held: bool = False,
) -> Message:
    """Put an answer into the locked ticket, owe its mail, move the ticket on. The caller saves the ticket.

    `at` is when the agent sent it. An answer that `was_held` ends only a turn that had begun by then, and leaves the
    status alone when it no longer fits.
    """
    pressed_at, at = at, not_before(ticket, at)
    author_type, author_id = answerer(actor, ticket)
    words = read_marks(ticket.pk, words, author_id)
    address = contact_address(ticket)
    if actor.is_person:
        check_way(ticket, words.text, has_files=lambda: _has_files(words), address=address)
    ticket.version += 1
    if ticket.assignee_id is None and actor.is_person:
        ticket.assignee_id = actor.id
        data = TicketAssigned(
            agent_id=actor.id, team_id=ticket.team_id, version=ticket.version, before_team_id=ticket.team_id
        )
        record("ticket.assigned", subject=ticket, actor=actor, at=at, reason="by_reply", data=data)
    overtaken = was_held and ticket.customer_turn_at is not None and ticket.customer_turn_at > pressed_at
    message = append_message(ticket, words, author_type=author_type, author_id=author_id, at=at)
    _record_sent(ticket, message, actor, at, ends_turn=not overtaken)
    try:
        _move_after_reply(ticket, None if overtaken else then_status, actor, at)
    except (TransitionNotAllowed, FieldsMissing):
        if not was_held:
            raise
    context = {"text": message.text}
    template = REPLY_TEMPLATE if author_type == AuthorType.STAFF else RULE_TEMPLATE
    rich, files = {"text": message.html}, words.may_have_files
    if not send_by_text(ticket, message, may_have_files=files, address=address, at=at):
        send_by_mail(
            ticket, message, template=template, to=address, context=context, rich=rich, with_files=files, at=at
        )
    if actor.is_person and actor.id is not None and not was_held:
        Draft.objects.filter(ticket=ticket, staff_id=actor.id, kind=MessageKind.PUBLIC).delete()
    tell_watchers(ticket, "answered", actor=actor, at=at)
    return message


def _has_files(words: Words) -> bool:
    """Tell whether files stand under an answer; one that was held brings its own."""
    if words.attachment_ids or words.held_id is None:
        return bool(words.attachment_ids)
    return Attachment.objects.filter(held_id=words.held_id).exists()


def _record_sent(ticket: Ticket, message: Message, actor: Actor, at: datetime, *, ends_turn: bool = True) -> None:
    """Write down the answer with the length of the customer's turn; only a person's answer ends one."""
    is_person = message.author_type == AuthorType.STAFF
    is_first = is_person and ticket.first_response_at is None
    turn = None
    if is_person:
        if ticket.customer_turn_at is not None and ends_turn:
            turn = int((at - ticket.customer_turn_at).total_seconds())
            ticket.customer_turn_at = None
        if is_first:
            ticket.first_response_at = at
        touch_clocks(ticket, actor=actor, at=at)
    agent_id = actor.id if actor.is_person else None
    data = MessageSent(**dimensions(ticket, agent_id=agent_id), seq=message.seq, is_first=is_first, turn_seconds=turn)
    record("message.sent", subject=message, actor=actor, at=at, data=data)


def _move_after_reply(ticket: Ticket, then_status: str | None, actor: Actor, at: datetime) -> None:
    wanted = then_status or (TicketStatus.OPEN if ticket.status == TicketStatus.NEW else ticket.status)
    if wanted != ticket.status:
        move_and_record(ticket, to=wanted, actor=actor, at=at, reason="with_reply")


@transaction.atomic
def add_note(
    *,
    ticket_id: int,
    text: str,
    actor: Actor,
    at: datetime,
    client_id: UUID | None = None,
    attachment_ids: Iterable[int] = (),
    mentioned_ids: Iterable[int] = (),
) -> Message:
    """Write an internal note; colleagues mentioned get it in their notification centre. Sent twice is one note."""
    ticket = lock_canonical(ticket_id)
    words = Words(
        text=text,
        channel=ticket.channel,
        kind=MessageKind.NOTE,
        client_id=client_id,
        attachment_ids=tuple(attachment_ids),
        mentioned=tuple(sorted(set(mentioned_ids) - {actor.id if actor.is_person else None})),
    )
    stored = find_sent_before(ticket, words, note_writer(actor, ticket)[0])
    if stored is not None:
        return stored
    message = write_note(ticket, words, actor=actor, at=at)
    if actor.is_person and actor.id is not None:
        Draft.objects.filter(ticket=ticket, staff_id=actor.id, kind=MessageKind.NOTE).delete()
    save_ticket(ticket)
    return message


def note_writer(actor: Actor, ticket: Ticket) -> tuple[str, int | None]:
    """Return (author type, id) of a note: an API key writes it in the company's name."""
    author_type, author_id = author_of(actor, ticket)
    return (AuthorType.SYSTEM, None) if author_type == AuthorType.CUSTOMER else (author_type, author_id)


def write_note(ticket: Ticket, words: Words, *, actor: Actor, at: datetime) -> Message:
    """Put a note into the locked ticket and tell those mentioned, once. The caller saves the ticket."""
    at = not_before(ticket, at)
    author_type, author_id = note_writer(actor, ticket)
    if actor.is_person:
        words = read_marks(ticket.pk, words, author_id)
    ticket.version += 1
    message = append_message(ticket, words, author_type=author_type, author_id=author_id, at=at)
    data = NoteAdded(seq=message.seq, mentioned=words.mentioned, version=ticket.version)
    record("message.noted", subject=message, actor=actor, at=at, data=data)
    for staff_id in words.mentioned:
        params = {"ticket_id": ticket.pk, "number": ticket.number}
        notify(staff_id=staff_id, kind="ticket.mentioned", params=params, url=desk_url(ticket.pk), at=at)
    tell_watchers(ticket, "noted", actor=actor, at=at)
    return message

"""What is said in a ticket: the customer's messages, answers, internal notes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.services import notify
from core.actors import Actor
from core.errors import InvalidInput
from core.events import Code, record
from tickets.enums import AuthorType, MessageKind, TicketStatus
from tickets.events import MessageReceived, MessageSent, NoteAdded, TicketAssigned
from tickets.models import Draft, Message, Ticket
from tickets.permissions import desk_url
from tickets.services.locking import dimensions, lock_canonical, lock_ticket, not_before, save_ticket
from tickets.services.moving import DONE, move_and_record
from tickets.services.outgoing import REPLY_TEMPLATE, send_by_mail
from tickets.services.safety import check_seen
from tickets.services.writing import Words, append_message, author_of, find_sent_before

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
    if ticket.assignee_id is not None:
        params = {"ticket_id": ticket.pk, "number": ticket.number}
        notify(staff_id=ticket.assignee_id, kind="ticket.customer_wrote", params=params, url=desk_url(ticket.pk), at=at)
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
) -> Message:
    """Answer the customer in public, and put the ticket into `then_status` when given.

    The first answer of an untaken ticket takes it. The same `client_id` gives the stored message and does nothing more.
    Raises SeenTooLittle when others did something after `seen_version`, ClientIdTaken, InvalidInput,
    TransitionNotAllowed. After commit: the mail goes out, pages look again.
    """
    ticket = lock_ticket(ticket_id)
    words = Words(text=text, channel=ticket.channel, client_id=client_id, attachment_ids=tuple(attachment_ids))
    author_type, author_id = author_of(actor, ticket)
    if author_type != AuthorType.STAFF:
        author_type = AuthorType.BOT if author_type == AuthorType.BOT else AuthorType.STAFF
        author_id = None
    stored = find_sent_before(ticket, words, author_type)
    if stored is not None:
        return stored
    if then_status is not None and then_status not in AFTER_REPLY:
        raise InvalidInput(fields={"then_status": [_("This status cannot follow an answer.")]})
    check_seen(ticket, seen_version, actor)
    at = not_before(ticket, at)
    ticket.version += 1
    if ticket.assignee_id is None and actor.is_person:
        ticket.assignee_id = actor.id
        data = TicketAssigned(agent_id=actor.id, team_id=ticket.team_id, version=ticket.version)
        record("ticket.assigned", subject=ticket, actor=actor, at=at, reason="by_reply", data=data)
    message = append_message(ticket, words, author_type=author_type, author_id=author_id, at=at)
    _record_sent(ticket, message, actor, at)
    _move_after_reply(ticket, then_status, actor, at)
    send_by_mail(ticket, message, template=REPLY_TEMPLATE, context={"text": message.text}, at=at)
    if actor.is_person and actor.id is not None:
        Draft.objects.filter(ticket=ticket, staff_id=actor.id, kind=MessageKind.PUBLIC).delete()
    save_ticket(ticket)
    return message


def _record_sent(ticket: Ticket, message: Message, actor: Actor, at: datetime) -> None:
    """Write down the answer with the length of the customer's turn; only a person's answer ends one."""
    is_person = message.author_type == AuthorType.STAFF
    is_first = is_person and ticket.first_response_at is None
    turn = None
    if is_person:
        if ticket.customer_turn_at is not None:
            turn = int((at - ticket.customer_turn_at).total_seconds())
        ticket.customer_turn_at = None
        if is_first:
            ticket.first_response_at = at
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
    ticket = lock_ticket(ticket_id)
    words = Words(
        text=text,
        channel=ticket.channel,
        kind=MessageKind.NOTE,
        client_id=client_id,
        attachment_ids=tuple(attachment_ids),
    )
    author_type, author_id = author_of(actor, ticket)
    if author_type == AuthorType.CUSTOMER:  # an API key writes notes in the company's name
        author_type, author_id = AuthorType.SYSTEM, None
    stored = find_sent_before(ticket, words, author_type)
    if stored is not None:
        return stored
    at = not_before(ticket, at)
    ticket.version += 1
    message = append_message(ticket, words, author_type=author_type, author_id=author_id, at=at)
    mentioned = tuple(sorted(set(mentioned_ids) - {actor.id if actor.is_person else None}))
    data = NoteAdded(seq=message.seq, mentioned=mentioned, version=ticket.version)
    record("message.noted", subject=message, actor=actor, at=at, data=data)
    if actor.is_person and actor.id is not None:
        Draft.objects.filter(ticket=ticket, staff_id=actor.id, kind=MessageKind.NOTE).delete()
    save_ticket(ticket)
    for staff_id in mentioned:
        params = {"ticket_id": ticket.pk, "number": ticket.number}
        notify(staff_id=staff_id, kind="ticket.mentioned", params=params, url=desk_url(ticket.pk), at=at)
    return message

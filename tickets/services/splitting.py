"""Cut chosen messages out of a ticket into one of their own, with a link both ways.

The originals keep their places (no seq changes) and stay as a line that leads to the new ticket. What hangs on a
message goes with it: files, its mail's id and its delivery, so that answers to that mail reach the new ticket.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.errors import InvalidInput
from core.events import record
from tickets.enums import AuthorType, LinkKind, MessageKind, TicketStatus
from tickets.events import TicketSplit
from tickets.models import Attachment, Message, MovedMessage, Ticket, TicketLink
from tickets.services.locking import lock_ticket, not_before, save_ticket, touch_clocks
from tickets.services.merging import tell_newest
from tickets.services.opening import record_opened
from tickets.services.sla.rebuilding import build_clocks
from tickets.services.sla.terms import case_of, choose_policy

MOST = 200


@transaction.atomic
def split_ticket(
    *,
    ticket_id: int,
    message_ids: Iterable[int],
    subject: str = "",
    category_id: int | None = None,
    actor: Actor,
    at: datetime,
) -> Ticket:
    """Open a ticket with the chosen messages of this one (or of what was joined into it) and return it.

    Its clocks run from the customer's first chosen message. Raises InvalidInput, TicketMerged.
    """
    source = lock_ticket(ticket_id)
    chosen = _chosen(source, set(message_ids))
    at = not_before(source, at)
    new = _open(source, chosen, subject, category_id, at)
    _copy(new, chosen)
    record_opened(new, actor, at, new.policy)
    save_ticket(new)
    TicketLink.objects.create(
        ticket=source,
        other=new,
        kind=LinkKind.SPLIT,
        linked_at=at,
        linked_by_id=actor.id if actor.is_person else None,
    )
    source.version += 1
    tell_newest(source)
    source.customer_turn_at = _turn(
        list(Message.objects.filter(ticket=source, kind=MessageKind.PUBLIC, moved_to__isnull=True).order_by("seq"))
    )
    touch_clocks(source, actor=actor, at=at)
    data = TicketSplit(new.pk, len(chosen), source.version)
    record("ticket.split", subject=source, actor=actor, at=at, data=data)
    save_ticket(source)
    return new


def _chosen(source: Ticket, ids: set[int]) -> list[Message]:
    if not ids or len(ids) > MOST:
        raise InvalidInput(fields={"messages": [_("Choose the messages that go to the new ticket.")]})
    family = Q(ticket=source) | Q(ticket__merged_into=source)
    rows = Message.objects.filter(family, moved_to__isnull=True)
    chosen = list(rows.filter(pk__in=ids).order_by("at", "pk"))
    if len(chosen) != len(ids):
        raise InvalidInput(fields={"messages": [_("One of the messages is no longer here. Look again, please.")]})
    if not any(message.kind == MessageKind.PUBLIC for message in chosen):
        raise InvalidInput(fields={"messages": [_("Choose at least one message that is not a note.")]})
    if not rows.filter(kind=MessageKind.PUBLIC).exclude(pk__in=ids).exists():
        raise InvalidInput(fields={"messages": [_("At least one message has to stay.")]})
    return chosen


def _turn(public: list[Message]) -> datetime | None:
    """Return since when the customer waits in these messages, None when the last word is ours."""
    turn = None
    for message in public:
        if message.author_type == AuthorType.CUSTOMER:
            turn = turn or message.at
        elif message.author_type == AuthorType.STAFF:
            turn = None
    return turn


def _open(source: Ticket, chosen: list[Message], subject: str, category_id: int | None, at: datetime) -> Ticket:
    public = [message for message in chosen if message.kind == MessageKind.PUBLIC]
    asked = next((message for message in public if message.author_type == AuthorType.CUSTOMER), None)
    answered = next((message for message in public if message.author_type == AuthorType.STAFF), None)
    first = asked or public[0]
    words = " ".join(subject.split())[:200] or " ".join(first.text.split())[:58] or source.subject
    ticket = Ticket(
        shop_id=source.shop_id,
        customer=source.customer,
        order_id=source.order_id,
        category_id=category_id or source.category_id,
        team_id=source.team_id,
        assignee_id=source.assignee_id,
        mailbox_id=source.mailbox_id,
        channel=first.channel,
        status=TicketStatus.OPEN if answered else TicketStatus.NEW,
        priority=source.priority,
        language=source.language,
        subject=words,
        contact_enc=source.contact_enc,
        order_given=source.order_given,
        opened_at=first.at,
        customer_turn_at=_turn(public),
        last_message_at=public[-1].at,
        last_message_by=public[-1].author_type,
        preview=" ".join(public[-1].text.split())[:160],
    )
    ticket.first_response_at = answered.at if answered and answered.at >= first.at else None
    ticket.save(force_insert=True)
    ticket.policy = choose_policy(case_of(ticket))
    build_clocks(ticket, at=at, by_row=True)
    return ticket


def _copy(ticket: Ticket, chosen: list[Message]) -> None:
    mails = {message.pk: (message.mail_id, message.delivery_id) for message in chosen}
    Message.objects.filter(pk__in=mails).update(mail_id="", delivery_id=None)
    copies = []
    for message in chosen:
        is_note = message.kind == MessageKind.NOTE
        ticket.last_seq += 1
        ticket.last_public_seq += not is_note
        mail_id, delivery_id = mails[message.pk]
        copies.append(
            Message(
                ticket=ticket,
                seq=ticket.last_seq,
                public_seq=None if is_note else ticket.last_public_seq,
                kind=message.kind,
                author_type=message.author_type,
                author_id=message.author_id,
                channel=message.channel,
                text=message.text,
                html=message.html,
                quoted=message.quoted,
                mail_id=mail_id,
                delivery_id=delivery_id,
                mentioned=message.mentioned,
                at=message.at,
            )
        )
    copies = Message.objects.bulk_create(copies)
    pairs = list(zip(chosen, copies, strict=True))
    MovedMessage.objects.bulk_create([MovedMessage(original=old, copy=new, ticket=ticket) for old, new in pairs])
    for old, new in pairs:
        Attachment.objects.filter(message_id=old.pk).update(message_id=new.pk, ticket_id=ticket.pk)

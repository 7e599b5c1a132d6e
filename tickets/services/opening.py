"""Open a ticket: from a form, a mail, a call, the API or by staff."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import Team
from core.actors import SYSTEM, Actor
from core.crypto import encrypt
from core.events import Code, record
from core.kept import Kept
from core.text import detect_language, normalise, tidy_text
from customers.models import Customer
from customers.selectors import find_canonical
from notifications.enums import Channel as Way
from orders.models import Order, Shop
from tickets.enums import AuthorType, Channel, MessageKind, Priority, TicketStatus
from tickets.events import MessageReceived, TicketOpened
from tickets.models import Category, Message, SlaPolicy, Ticket
from tickets.services.clocks import start_clocks
from tickets.services.locking import dimensions, save_ticket
from tickets.services.outgoing import ACK_TEMPLATE, acknowledgement, contact_address, expected_words, send_by_mail
from tickets.services.routing.owing import owe_for_ticket
from tickets.services.text_out import acknowledge_by_text, can_acknowledge, way_of_acknowledgement
from tickets.services.writing import Words, append_message, author_of

ACKNOWLEDGED = frozenset({Channel.FORM, Channel.EMAIL, Channel.API, Channel.PHONE, Channel.CHAT})
TOLD_BY_STAFF = frozenset({Channel.STAFF, Channel.PHONE})
_teams = Kept(tuple)


@dataclass(frozen=True)
class NewTicket:
    """What a ticket begins with.

    `contact_email` is where answers go when it is not the customer's own primary address; `client_id` and `mail_id`
    make opening idempotent; `session_hash` lets an upload session's files in; `team_id` None = by shop.
    """

    channel: str
    text: str
    subject: str = ""
    shop_id: int | None = None
    customer_id: int | None = None
    order_id: int | None = None
    category_id: int | None = None
    html: str = ""
    quoted: str = ""
    language: str = ""
    attachments: list[int] = field(default_factory=list)
    mail_id: str = ""
    client_id: UUID | None = None
    mailbox_id: int | None = None
    priority: int = Priority.NORMAL
    is_spam: bool = False
    contact_email: str = ""
    order_given: str = ""
    session_hash: bytes | None = None
    team_id: int | None = None
    assignee_id: int | None = None
    acknowledge: bool = True
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Rows:
    """Rows of a new ticket its caller has just read, so that they are not read again."""

    shop: Shop | None = None
    customer: Customer | None = None
    category: Category | None = None
    order: Order | None = None


def find_opened(data: NewTicket) -> Ticket | None:
    """Return the ticket the same form, request or mail opened before."""
    if data.client_id is not None:
        ticket = Ticket.objects.filter(client_id=data.client_id).first()
        if ticket is not None:
            return ticket
    if data.mail_id:
        message = Message.objects.select_related("ticket").filter(mail_id=data.mail_id).first()
        return message.ticket if message else None
    return None


@transaction.atomic(savepoint=False)
def open_ticket(*, data: NewTicket, actor: Actor, at: datetime, rows: Rows | None = None) -> Ticket:
    """Open a ticket with its first message, start its clocks and acknowledge it; the same opening twice is one ticket.

    `rows` are those named in `data`; the customer is the record that counts.
    Raises InvalidInput. After commit: lists and the team's pages look again, the acknowledgement goes out.
    """
    rows = rows or Rows()
    if data.client_id is None and not data.mail_id:  # nothing says that it is the same opening as another
        return _open(data, rows, actor, at)
    known = find_opened(data)
    if known is not None:
        return known
    try:
        with transaction.atomic():
            return _open(data, rows, actor, at)
    except IntegrityError:  # the same form or mail, posted in parallel, was quicker: its ticket is committed by now
        known = find_opened(data)
        if known is None:
            raise
        return known


def _open(data: NewTicket, rows: Rows, actor: Actor, at: datetime) -> Ticket:
    ticket = Ticket(
        shop_id=data.shop_id,
        customer=rows.customer or (find_canonical(data.customer_id) if data.customer_id else None),
        order_id=data.order_id,
        category=rows.category or Category.objects.filter(pk=data.category_id).first() if data.category_id else None,
        team_id=data.team_id or team_for_shop(data.shop_id),
        assignee_id=data.assignee_id,
        mailbox_id=data.mailbox_id,
        channel=data.channel,
        status=TicketStatus.NEW,
        priority=data.priority,
        language=data.language or detect_language(data.text),
        tags=data.tags,
        is_spam=data.is_spam,
        opened_at=at,
        customer_turn_at=at,
        last_message_at=at,
        client_id=data.client_id,
        contact_enc=encrypt(data.contact_email) if data.contact_email else None,
        order_given=normalise(data.order_given)[:64],
    )
    for name in ("shop", "order"):
        if (row := getattr(rows, name)) is not None and row.pk == getattr(ticket, f"{name}_id"):
            setattr(ticket, name, row)
    ticket.subject = subject_of(data, ticket)
    ticket.save(force_insert=True)
    start_clocks(ticket)
    author_type, author_id = author_of(actor, ticket)
    is_told = author_type == AuthorType.STAFF and data.channel in TOLD_BY_STAFF
    words = Words(
        text=data.text,
        channel=data.channel,
        kind=MessageKind.NOTE if is_told else MessageKind.PUBLIC,
        html=data.html,
        quoted=data.quoted,
        mail_id=data.mail_id,
        client_id=data.client_id,
        attachment_ids=tuple(data.attachments),
        session_hash=data.session_hash,
    )
    append_message(ticket, words, author_type=author_type, author_id=author_id, at=at)
    record_opened(ticket, actor, at, ticket.policy)
    if data.acknowledge and not data.is_spam and data.customer_id and is_acknowledged(ticket):
        _acknowledge(ticket, at)
    save_ticket(ticket)
    if ticket.assignee_id is None and not ticket.is_spam:
        owe_for_ticket(ticket, at)
    return ticket


def is_acknowledged(ticket: Ticket) -> bool:
    """Tell whether a new ticket of this channel is answered by a machine first; one by text only where texts go out."""
    return ticket.channel in ACKNOWLEDGED or (ticket.channel == Channel.SMS and can_acknowledge(ticket))


def record_opened(ticket: Ticket, actor: Actor, at: datetime, policy: SlaPolicy | None) -> None:
    data = TicketOpened(
        **dimensions(ticket),
        language=Code(ticket.language),
        first_response_target=policy.first_response_minutes * 60 if policy else 0,
        resolution_target=policy.resolution_minutes * 60 if policy else 0,
    )
    record("ticket.opened", subject=ticket, actor=actor, at=at, data=data)


def _acknowledge(ticket: Ticket, at: datetime) -> None:
    address = contact_address(ticket)
    way = way_of_acknowledgement(ticket, address)
    if way is None:  # nothing goes out, so nothing is said to have gone out
        return
    text = acknowledgement(ticket, ticket.language, at)
    words = Words(text=text, channel=ticket.channel, kind=MessageKind.AUTO)
    message = append_message(ticket, words, author_type=AuthorType.SYSTEM, author_id=None, at=at)
    fact = MessageReceived(message.seq, Code(ticket.channel), starts_turn=False, version=ticket.version)
    record("message.acknowledged", subject=message, actor=SYSTEM, at=at, data=fact)
    expected = expected_words(ticket, ticket.language, at)
    if way == Way.SMS:
        acknowledge_by_text(ticket, message, expected=expected, at=at)
    else:
        context = {"expected": expected}
        send_by_mail(ticket, message, template=ACK_TEMPLATE, to=address, context=context, with_files=False, at=at)


def team_for_shop(shop_id: int | None) -> int | None:
    """Return the team a new ticket lands in: the first that serves the shop by name, else the first that serves all."""
    teams = _teams.rows("", _in_order)
    named = [pk for pk, shops in teams if shop_id is not None and shop_id in shops]
    general = [pk for pk, shops in teams if not shops]
    return next(iter([*named, *general]), None)


def _in_order() -> QuerySet[Team, tuple[int, list[int]]]:
    return Team.objects.filter(archived_at__isnull=True).order_by("pk").values_list("pk", "shop_ids")


def subject_of(data: NewTicket, ticket: Ticket) -> str:
    """Return the subject as one line; without one the beginning of the text, or words for an empty one."""
    subject = " ".join(tidy_text(data.subject).split())[:200]
    if subject:
        return subject
    beginning = " ".join(tidy_text(data.text).strip().split("\n")[0].split())
    if beginning:
        return beginning[:57] + "…" if len(beginning) > 58 else beginning
    with translation.override(ticket.language):
        return _("Message without words")

"""A text message that came in becomes a message of its ticket, or a new ticket."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext

from core import ratelimit
from core.actors import SYSTEM, Actor
from core.text import detect_language, normalise_phone
from customers.enums import IdentityKind
from customers.models import Customer, Identity
from customers.selectors import aliases_of, find_customer_by_phone, identity_index
from customers.services import find_or_add_customer
from notifications.models import Delivery, InboundText
from notifications.services import mark_text_applied
from orders.models import Order
from tickets.enums import ACTIVE_STATUSES, Channel
from tickets.models import Message, Ticket
from tickets.services.conversation import add_customer_message, add_note
from tickets.services.opening import NewTicket, open_ticket
from tickets.services.outgoing import contact_address
from tickets.spam import is_blocked, looks_like_spam

ANSWERS_WITHIN = timedelta(days=30)
SENDER_WINDOW = timedelta(minutes=10)
HOUR = timedelta(hours=1)
NEW_PER_HOUR = 20
SPOKEN = frozenset({Channel.SMS, Channel.PHONE})  # who writes or calls there is proved by the number
_NAMES = uuid.UUID("8d0f8a52-3f64-4d0c-9d0e-6b0f5c6f9a27")


@transaction.atomic
def take_text_message(*, text_id: int, at: datetime) -> Ticket | None:
    """Put a customer's text message where it belongs; the same message again changes nothing.

    It joins the ticket our last text to that phone was about, the open ticket of the order that text was about, or
    the newest open ticket that is surely hers; otherwise it opens a ticket. Words that stop notices are no message,
    nor is what was erased meanwhile: returns None. So it does for a phone that writes faster than people do.
    """
    glance = InboundText.objects.filter(pk=text_id).first()
    if glance is None:
        return None
    _take_turn(bytes(glance.from_index))  # two texts at once would otherwise open two tickets
    row = InboundText.objects.select_for_update(no_key=True).filter(pk=text_id, is_stop=False).first()
    if row is None or not row.text or not row.phone:
        return None
    name = f"text:{bytes(row.digest).hex()}"
    known = Message.objects.select_related("ticket").filter(mail_id=name).first()
    if known is not None:
        return known.ticket
    customer = find_customer_by_phone(row.phone)
    ticket = find_matter(row, customer) if customer else None
    before = _written_lately(row)
    if settings.INBOUND_PER_SENDER and before >= settings.INBOUND_PER_SENDER:
        if ticket is not None and before == settings.INBOUND_PER_SENDER:
            _note_flood(ticket, row, at)
        return None
    if ticket is None:
        ticket = _open(row, name, customer, at)
    else:
        message = add_customer_message(
            ticket_id=ticket.pk, text=row.text, channel=Channel.SMS, mail_id=name,
            actor=Actor.customer(ticket.customer_id) if ticket.customer_id else SYSTEM, at=at,
        )  # fmt: skip
        ticket = message.ticket
    mark_text_applied(text_id=row.pk, ticket_id=ticket.pk, customer_id=ticket.customer_id)
    return ticket


def _take_turn(from_index: bytes) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('tickets.text'), hashtext(%s))", [from_index.hex()])


def _written_lately(row: InboundText) -> int:
    rows = InboundText.objects.filter(
        from_index=row.from_index, pk__lt=row.pk, received_at__gt=row.received_at - SENDER_WINDOW
    )
    return rows.count()


def find_matter(row: InboundText, customer: Customer) -> Ticket | None:
    """Return the ticket a known customer's text belongs to, None when it begins a matter of its own."""
    hers = Ticket.objects.filter(customer__in=aliases_of(customer.pk), is_spam=False)
    if (answered := _last_sent(row)) is not None and answered.ticket_id is not None:
        ticket = hers.filter(pk=answered.ticket_id).first()
        if ticket is not None:
            return ticket
    open_ = hers.filter(status__in=ACTIVE_STATUSES, merged_into__isnull=True).order_by("-opened_at", "-pk")
    order = _her_order(row, customer)
    if order is not None:
        return open_.filter(order=order).first()
    return next((ticket for ticket in open_[:20] if _is_surely_hers(ticket, customer)), None)


def _last_sent(row: InboundText) -> Delivery | None:
    """Return the last text we had sent to the phone, when it is not so old that nobody would answer it."""
    since = row.sent_at - ANSWERS_WITHIN
    return Delivery.objects.filter(pk=row.delivery_id or 0, queued_at__gt=since).first()


def _her_order(row: InboundText, customer: Customer) -> Order | None:
    """Return the order our last text was about; none when that is somebody else's, who had this number before."""
    last = _last_sent(row)
    if last is None or last.order_id is None:
        return None
    return Order.objects.filter(pk=last.order_id, customer__in=aliases_of(customer.pk)).first()


def _is_surely_hers(ticket: Ticket, customer: Customer) -> bool:
    """Tell whether nobody but the owner of the phone reads what is said in a ticket.

    Anybody can open one by form under somebody's number (customers.services.claims), and has its page ever after.
    """
    if ticket.channel in SPOKEN:
        return ticket.contact_enc is None
    address = contact_address(ticket) if ticket.channel == Channel.EMAIL else None
    if address is None:
        return False
    digest = identity_index(IdentityKind.EMAIL, address)
    rows = Identity.objects.filter(kind=IdentityKind.EMAIL, value_index=digest, is_claimed=False)
    return rows.filter(customer__in=aliases_of(customer.pk)).exists()


def _open(row: InboundText, name: str, known: Customer | None, at: datetime) -> Ticket:
    phone, language = normalise_phone(row.phone), known.language if known else detect_language(row.text)
    is_spam = (
        phone is None  # a service number: nobody to answer
        or is_blocked(phone=phone, customer=known)
        or looks_like_spam(row.text, is_known=known is not None)
        or ratelimit.hit("text.new", row.phone, period=HOUR) > NEW_PER_HOUR
    )
    customer = known
    if customer is None and phone is not None:
        customer = find_or_add_customer(phone=phone, language=language, source="sms", actor=SYSTEM, at=at)
    order = _her_order(row, customer) if customer else None
    data = NewTicket(
        channel=Channel.SMS,
        text=row.text,
        shop_id=order.shop_id if order else row.shop_id,
        customer_id=customer.pk if customer else None,
        order_id=order.pk if order else None,
        language=language,
        mail_id=name,
        is_spam=is_spam,
    )
    return open_ticket(data=data, actor=Actor.customer(customer) if customer else SYSTEM, at=at)


def _note_flood(ticket: Ticket, row: InboundText, at: datetime) -> None:
    with translation.override(ticket.language):
        text = gettext(
            "This phone sends text messages faster than people write. What comes in the next minutes is kept, "
            "but not shown here."
        )
    add_note(ticket_id=ticket.pk, text=text, actor=SYSTEM, at=at, client_id=uuid.uuid5(_NAMES, f"flood:{row.pk}"))

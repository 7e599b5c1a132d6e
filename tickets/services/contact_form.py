"""The public form: find out who writes about which order, and open the ticket, once."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.actors import Actor
from core.crypto import hash_token
from customers.enums import IdentityKind
from customers.errors import IdentityTaken
from customers.models import Customer, Identity
from customers.selectors import aliases_of, find_canonical, find_customer_by_email, find_customer_by_phone
from customers.services import add_identity, find_or_add_customer
from orders.models import Order
from orders.selectors import find_order_for_contact
from tickets.enums import Channel
from tickets.models import Attachment, Ticket
from tickets.services.fields import write_values
from tickets.services.opening import NewTicket, open_ticket
from tickets.spam import is_blocked, looks_like_spam


@dataclass(frozen=True)
class ContactRequest:
    """What a customer filled in; `phone` and `email` are normalised or empty, `draft` is the form's own secret id."""

    draft: str
    text: str
    shop_id: int | None = None
    phone: str = ""
    email: str = ""
    name: str = ""
    order_number: str = ""
    category_id: int | None = None
    language: str = "zh-hans"
    is_suspicious: bool = False
    own_fields: dict[int, str] = field(default_factory=dict)


def client_id_of(draft: str) -> UUID:
    """Return the idempotency id of a form draft."""
    return UUID(bytes=hashlib.sha256(f"contact:{draft}".encode()).digest()[:16])


def session_of(draft: str) -> bytes:
    """Return the digest that binds uploads to a form draft."""
    return hash_token(f"contact:{draft}")


@transaction.atomic
def submit_contact_form(*, request: ContactRequest, at: datetime) -> Ticket:
    """Open the ticket of a filled-in form with its photos; posted twice it is one ticket.

    An order counts only when number and phone fit; otherwise the ticket is opened all the same with the number noted,
    so nobody learns here which orders exist. What looks like spam is kept as spam without an answer.
    """
    client_id = client_id_of(request.draft)
    known = Ticket.objects.filter(client_id=client_id).first()
    if known is not None:
        return known
    session = session_of(request.draft)
    order = None
    if request.order_number and request.phone:
        order = find_order_for_contact(request.order_number, request.phone)
    writer = find_customer_by_phone(request.phone) or find_customer_by_email(request.email)
    is_spam = (
        request.is_suspicious
        or is_blocked(email=request.email, phone=request.phone, customer=writer)
        or looks_like_spam(request.text, is_known=writer is not None or order is not None)
    )
    customer = _customer_of(request, order, at)
    files = Attachment.objects.filter(session_hash=session, message__isnull=True).order_by("pk")
    data = NewTicket(
        channel=Channel.FORM,
        text=request.text,
        shop_id=order.shop_id if order else request.shop_id,
        customer_id=customer.pk,
        order_id=order.pk if order else None,
        order_given="" if order else request.order_number,
        category_id=request.category_id,
        language=request.language,
        attachments=list(files.values_list("pk", flat=True)[:10]),
        session_hash=session,
        client_id=client_id,
        contact_email=request.email,
        is_spam=is_spam,
    )
    ticket = open_ticket(data=data, actor=Actor.customer(customer), at=at)
    if request.own_fields:
        write_values(ticket, request.own_fields)
    return ticket


def _customer_of(request: ContactRequest, order: Order | None, at: datetime) -> Customer:
    """Return who writes: number and phone together prove the order's customer, whose mail address is then kept too."""
    if order is None:
        return find_or_add_customer(
            phone=request.phone, email=request.email, name=request.name, shop_id=request.shop_id,
            language=request.language, source="form", actor=Actor.SYSTEM, at=at,
        )  # fmt: skip
    customer: Customer = find_canonical(order.customer_id) or order.customer
    if request.email and customer.erased_at is None:
        has_one = Identity.objects.filter(
            customer__in=aliases_of(customer.pk), kind=IdentityKind.EMAIL, is_primary=True
        ).exists()
        # another customer's address stays theirs: answers to this ticket go there all the same, see contact_email
        with suppress(IdentityTaken):
            add_identity(
                customer_id=customer.pk,
                kind=IdentityKind.EMAIL,
                value=request.email,
                source="form",
                actor=Actor.customer(customer),
                at=at,
                is_primary=not has_one,
            )
    return customer

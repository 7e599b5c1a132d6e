"""Open a ticket for another system, within the shops its key may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey
from accounts.permissions import shop_scope
from core.actors import Actor
from core.errors import InvalidInput
from customers.services import find_or_add_customer
from orders.models import Shop
from orders.selectors import find_order
from orders.selectors.shops import find_open_shop
from tickets.enums import Channel
from tickets.models import Category, Ticket
from tickets.services.opening import NewTicket, Rows, open_ticket


@dataclass(frozen=True)
class ApiTicket:
    """What a caller sent, checked and normalised; `shop` is a code or None."""

    text: str
    shop: str | None = None
    phone: str = ""
    email: str = ""
    name: str = ""
    subject: str = ""
    order_number: str = ""
    category: Category | None = None
    priority: int = 20
    language: str = ""


@transaction.atomic(savepoint=False)
def open_ticket_for_key(*, key: ApiKey, wanted: ApiTicket, at: datetime) -> Ticket:
    """Open a ticket in a customer's name. Raises InvalidInput for a shop the key may not see or that is not named.

    A key bound to one shop need not name it; one bound to several must.
    """
    shop_id, shop = _shop_of(key, wanted.shop)
    actor = Actor.api(key)
    customer = find_or_add_customer(
        phone=wanted.phone, email=wanted.email, name=wanted.name, shop_id=shop_id,
        language=wanted.language or "zh-hans", source="api", actor=actor, at=at,
    )  # fmt: skip
    order = find_order(shop_id, wanted.order_number) if wanted.order_number else None
    scope = shop_scope(key)
    if order is not None and scope is not None and order.shop_id not in scope:
        order = None
    data = NewTicket(
        channel=Channel.API,
        text=wanted.text,
        subject=wanted.subject,
        shop_id=shop_id or (order.shop_id if order else None),
        customer_id=customer.pk,
        order_id=order.pk if order else None,
        order_given="" if order else wanted.order_number,
        category_id=wanted.category.pk if wanted.category else None,
        priority=wanted.priority,
        language=wanted.language,
        contact_email=wanted.email,
    )
    rows = Rows(shop=shop, customer=customer, category=wanted.category, order=order)
    return open_ticket(data=data, rows=rows, actor=actor, at=at)


def _shop_of(key: ApiKey, code: str | None) -> tuple[int | None, Shop | None]:
    """Return the shop's id, and its row when that was read."""
    scope = shop_scope(key)
    if code is None:
        if scope is None:
            return None, None
        if len(scope) == 1:
            return scope[0], None
        raise InvalidInput(fields={"shop": [_("Name the shop: this key serves several.")]})
    shop = find_open_shop(code)
    if shop is None or (scope is not None and shop.pk not in scope):
        raise InvalidInput(fields={"shop": [_("This shop is not known.")]})
    return shop.pk, shop

"""Find orders by what people have in hand: a number, a phone, its last four digits, a tracking number."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.db.models import QuerySet

from accounts.models import Staff
from core.crypto import blind_index, same
from core.text import normalise, normalise_order_number, normalise_phone
from customers.selectors import has_phone, last4_index, phone_index
from orders.models import Order, Parcel
from orders.permissions import orders_visible_to

MIN_PART = 4
_PLAIN = re.compile(r"[A-Z0-9._/#-]+")


def find_order(shop_id: int | None, number: str) -> Order | None:
    """Return the order with this number in a shop; without a shop only when the number is one shop's alone."""
    rows = Order.objects.select_related("shop", "customer").filter(number=normalise_order_number(number)[:64])
    if shop_id is not None:
        return rows.filter(shop_id=shop_id).first()
    found = list(rows[:2])
    return found[0] if len(found) == 1 else None


def find_order_for_contact(number: str, phone: str) -> Order | None:
    """Return the order a stranger proves to know: number and phone (of the order or of its customer) belong together.

    All look-ups are made whether or not the number exists, so that the time taken tells a stranger nothing. Of a phone
    that the shop only told masked, the last four digits count.
    """
    full = normalise_phone(phone)
    digest = phone_index(full or "0")
    tail = last4_index(full or "") or blind_index("none", "phone.last4")
    rows = Order.objects.select_related("shop", "customer").filter(number=normalise_order_number(number)[:64])
    match: Order | None = None
    for order in rows[:5]:
        owned = has_phone(order.customer_id, digest)
        told = same(bytes(order.phone_index or b""), digest)
        masked = order.phone_index is None and same(bytes(order.phone_last4_index or b""), tail)
        if (owned or told or masked) and match is None:
            match = order
    return match if full else None


def search_orders(staff: Staff, text: str, limit: int = 20) -> list[Order]:
    """Return visible orders by number, full phone, last four digits, tracking number or part of a number.

    Newest first. Exact hits win; parts are looked for only when nothing is exact. At most four short statements.
    """
    visible = orders_visible_to(staff).select_related("shop", "customer")
    for rows in _exact(visible, text):
        found = list(rows.order_by("-placed_at", "-pk")[:limit])
        if found:
            return found
    number = normalise_order_number(text)
    if len(number) < MIN_PART or not _PLAIN.fullmatch(number):
        return []
    ids = part_matches(number, limit * 5)
    return list(visible.filter(pk__in=ids).order_by("-placed_at", "-pk")[:limit])


def _exact(visible: QuerySet[Order], text: str) -> Iterable[QuerySet[Order]]:
    number = normalise_order_number(text)
    if not number:
        return
    if len(number) <= 64:
        yield visible.filter(number=number)
        tracked = Parcel.objects.filter(tracking_number=number).values_list("order_id", flat=True)[:50]
        yield visible.filter(pk__in=list(tracked))
    digits = normalise(text).strip()
    if digits.isascii() and digits.isdigit() and len(digits) == 4:
        yield visible.filter(phone_last4_index=last4_index(digits))
    phone = normalise_phone(text) if 6 <= len(text) <= 30 else None
    if phone:
        yield visible.filter(phone_index=phone_index(phone))


def part_matches(number: str, limit: int) -> list[int]:
    """Return ids of orders whose number or tracking number holds the part; by the trigram indexes."""
    like = number.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    found = list(Order.objects.filter(number__contains=number).values_list("pk", flat=True)[:limit]) if like else []
    if len(found) < limit:
        found += Parcel.objects.filter(tracking_number__contains=number).values_list("order_id", flat=True)[:limit]
    return found


def parcels_by_tracking(tracking_number: str) -> QuerySet[Parcel]:
    """Return the parcels with a tracking number (two orders in one box are two), with order, shop and carrier."""
    return (
        Parcel.objects.filter(tracking_number=tracking_number)
        .select_related("order", "order__shop", "carrier")
        .order_by("pk")
    )

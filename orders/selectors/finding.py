"""Find orders by what people have in hand: a number, a phone, its last four digits, a tracking number."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet

from accounts.models import Staff
from accounts.permissions import scope_key, sees_only_area
from core.crypto import blind_index, same
from core.kept import Kept, Slot
from core.text import normalise, normalise_order_number, normalise_phone
from customers.selectors import has_phone, last4_index, phone_index
from orders.models import Order, Parcel
from orders.permissions import orders_visible_to
from orders.slots import NUMBER, PHONE, what_is_sought

MIN_PART = 4
_PLAIN = re.compile(r"[A-Z0-9._/#-]+")
_exact = Kept(what_is_sought)


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
    for find in (_by_number, _by_tracking, _by_last_digits, _by_phone):
        found = find(staff, text, limit)
        if found:
            return found
    number = normalise_order_number(text)
    if len(number) < MIN_PART or not _PLAIN.fullmatch(number):
        return []
    ids = part_matches(number, limit * 5)
    return list(_newest(staff).filter(pk__in=ids)[:limit])


def _newest(staff: Staff) -> QuerySet[Order]:
    return orders_visible_to(staff).select_related("shop", "customer").order_by("-placed_at", "-pk")


def _kept(staff: Staff, field: str, slot: Slot, value: Any, limit: int) -> list[Order]:
    """Return the newest visible orders with this value, by a statement written once per scope."""

    def build(sought: Any) -> QuerySet[Order]:
        return _newest(staff).filter(**{field: sought})[:limit]

    if sees_only_area(staff):  # seldom asked, and its statement knows the person
        return list(build(value))
    try:
        key = (field, limit, *scope_key(staff))
        return _exact.instances(key, lambda: build(slot.sample), **{slot.name: value})
    except EmptyResultSet:
        return []


def _by_number(staff: Staff, text: str, limit: int) -> list[Order]:
    number = normalise_order_number(text)
    return _kept(staff, "number", NUMBER, number, limit) if 0 < len(number) <= 64 else []


def _by_tracking(staff: Staff, text: str, limit: int) -> list[Order]:
    number = normalise_order_number(text)
    if not 0 < len(number) <= 64:
        return []
    ids = list(Parcel.objects.filter(tracking_number=number).values_list("order_id", flat=True)[:50])
    return list(_newest(staff).filter(pk__in=ids)[:limit]) if ids else []


def _by_last_digits(staff: Staff, text: str, limit: int) -> list[Order]:
    """Not kept: how many share four digits decides how they are best read, so PostgreSQL is told which."""
    digits = normalise(text).strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) == 4):
        return []
    return list(_newest(staff).filter(phone_last4_index=last4_index(digits))[:limit])


def _by_phone(staff: Staff, text: str, limit: int) -> list[Order]:
    phone = normalise_phone(text) if 6 <= len(text) <= 30 else None
    return _kept(staff, "phone_index", PHONE, phone_index(phone), limit) if phone else []


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

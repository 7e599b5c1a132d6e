"""What an order was told becomes columns and facts: the same for one order and for many at once."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from core.crypto import blind_index, encrypt
from core.events import Code
from orders.enums import OrderStatus, ParcelStatus
from orders.events import OrderPaid, OrderStep
from orders.services.data import STEPS, OrderData, ParcelData, items_total
from orders.services.folding import News

PHONE, LAST4 = "phone", "phone.last4"
_CODE = re.compile(r"[A-Za-z0-9_.:\-]{1,24}")


def told_fields(data: OrderData) -> dict[str, Any]:
    """Return the columns an order gets from what was told; what was not told is left out."""
    fields: dict[str, Any] = {"currency": data.currency}
    if data.total is not None:
        fields["total"] = data.total
    elif data.items:
        fields["total"] = items_total(data)
    for name in ("discount", "shipping_fee", "promised_at"):
        if (value := getattr(data, name)) is not None:
            fields[name] = value
    for name in ("recipient", "region", "buyer_note"):
        if value := getattr(data, name):
            fields[name] = value
    if data.street:
        fields["street_enc"] = encrypt(data.street)
    if data.phone:
        fields |= phone_columns(data.phone)
    return fields


def phone_columns(phone: str) -> dict[str, Any]:
    """Return the stored forms of a cleaned phone; of a masked one (`****8000`) only the last four can be found."""
    last4 = blind_index(phone[-4:], LAST4)
    if phone.startswith("*"):
        return {"phone_enc": encrypt(phone), "phone_index": None, "phone_last4_index": last4}
    return {"phone_enc": encrypt(phone), "phone_index": blind_index(phone, PHONE), "phone_last4_index": last4}


def paid_amount(order: Any, data: OrderData) -> Decimal:
    """Return what is paid: as told, else the sum of payments, else the total once paid."""
    have: Decimal = order.paid
    if data.paid is not None:
        return data.paid
    if data.payments:
        return max(have, sum((p.amount for p in data.payments), start=Decimal(0)))
    if order.paid_at is not None and not have:
        return Decimal(order.total)
    return have


def step_payload(order: Any, step: str, before: str, data: OrderData) -> Any:
    """Return the event payload of a step."""
    if step == OrderStatus.PAID:
        method = data.payments[0].method if data.payments else ""
        return OrderPaid(order.paid, Code(order.currency), Code(method if _CODE.fullmatch(method) else "other"))
    return _moved_on(before)


@lru_cache(maxsize=32)
def _moved_on(before: str) -> OrderStep:
    return OrderStep(Code(before))


def parcel_moment(told: ParcelData, order: Any, now: datetime | None) -> datetime:
    """Return when a told parcel had its status: its own date, else now, else (history) the order's latest."""
    if told.status == ParcelStatus.DELIVERED and told.delivered_at:
        return told.delivered_at
    if told.shipped_at and told.status != ParcelStatus.CREATED:
        return told.shipped_at
    known = [moment for step in STEPS if (moment := getattr(order, f"{step}_at")) is not None]
    return now or max([order.placed_at, *known])


def parcel_news(told: ParcelData, moment: datetime) -> list[News]:
    """Return what a shop's word on a parcel is to its fold."""
    shipped: list[News] = [(told.shipped_at, str(ParcelStatus.PICKED_UP), "")] if told.shipped_at else []
    return [*shipped, (moment, told.status, "")]

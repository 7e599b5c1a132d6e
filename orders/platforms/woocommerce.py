"""WooCommerce's webhooks: orders created, updated, deleted; refunds and (where the shop's plug-in adds them) parcels
stand inside the order.

Only the body is signed; the topic is a hint that has to agree with it. On creation WooCommerce sends one unsigned
message, `webhook_id=…`, that only wants an answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from orders.platforms.base import (
    OrderNews,
    Repayment,
    Shipment,
    Unreadable,
    fits,
    identity,
    moment,
    money,
    needed,
    part,
    parts,
    place,
    text,
    whole,
)

SIGNATURE, TOPIC, ORIGIN = "x-wc-webhook-signature", "x-wc-webhook-topic", "x-wc-webhook-source"
DELIVERY, TRIGGERED = ("x-wc-webhook-delivery-id",), ""
TOPICS = ("order.created", "order.updated", "order.deleted")
_GREETING = re.compile(rb"webhook_id=\d{1,18}")
_PAID = frozenset({"processing", "completed", "refunded"})
_CANCELLED = frozenset({"cancelled", "failed", "trash"})
_TRACKING_KEYS = ("_wc_shipment_tracking_items", "wc_shipment_tracking_items")


def is_genuine(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
    """Say whether the body was signed with the secret."""
    return fits(body, headers.get(SIGNATURE, ""), secret)


def is_greeting(body: bytes) -> bool:
    """Say whether this is the unsigned message WooCommerce sends when a webhook is set up."""
    return _GREETING.fullmatch(body.strip()) is not None


def origin_of(headers: Mapping[str, str]) -> str:
    """Return the shop's own address."""
    return re.sub(r"^https?://", "", headers.get(ORIGIN, "").strip().lower()).strip("/")


def read(told: dict[str, Any], topic: str) -> OrderNews:
    """Return what a message says. Raises Unreadable."""
    if topic and not topic.startswith("order."):
        raise Unreadable(code="hook_of_unknown_type")
    if set(told) <= {"id"}:
        if topic and topic != "order.deleted":
            raise Unreadable(code="hook_topic_differs")
        return OrderNews("order.deleted", identity(told, "id"))
    if "line_items" not in told or "status" not in told:
        raise Unreadable(code="hook_of_unknown_type")
    return _order(told)


def _order(told: dict[str, Any]) -> OrderNews:
    placed = needed(moment(told, "date_created_gmt"), "date_created_gmt")
    at = moment(told, "date_modified_gmt") or placed
    status = text(told, "status")
    total, currency = money(told, "total"), text(told, "currency").upper()
    paid_at = moment(told, "date_paid_gmt") or (placed if status in _PAID else None)
    facts = {
        "number": text(told, "number", "id").lstrip("#"),
        "placed_at": placed.isoformat(),
        "currency": currency,
        "total": _str(total),
        "paid": _str(total if paid_at else Decimal(0)),
        "discount": _str(money(told, "discount_total")),
        "shipping_fee": _str(money(told, "shipping_total")),
        **_people(told),
        "buyer_note": text(told, "customer_note"),
        "method": text(told, "payment_method"),
        "reference": text(told, "transaction_id"),
        "items": [_item(line) for line in parts(told, "line_items")],
    }
    moments = {"paid": paid_at} if paid_at else {}
    if status == "completed":  # WooCommerce means: handled by the shop; that it arrived is for the carrier to say
        moments["shipped"] = moment(told, "date_completed_gmt") or at
    return OrderNews(
        "order",
        identity(told, "id"),
        at,
        facts,
        _shipments(told, at),
        _repayments(told, at, currency),
        at if status in _CANCELLED else None,
        moments,
    )


def _people(told: dict[str, Any]) -> dict[str, str]:
    bill = part(told, "billing")
    goes_to = part(told, "shipping")
    goes_to = goes_to if text(goes_to, "address_1", "city") else bill
    first, last = text(goes_to, "first_name"), text(goes_to, "last_name")
    name = f"{last}{first}" if not (first + last).isascii() else f"{first} {last}".strip()
    buyer = text(told, "customer_id")
    return {
        "recipient": name,
        "region": place(text(goes_to, "state"), text(goes_to, "city")),
        "street": " ".join(word for word in (text(goes_to, "address_1"), text(goes_to, "address_2")) if word),
        "phone": text(goes_to, "phone") or text(bill, "phone"),
        "email": text(bill, "email"),
        "account": f"woocommerce:{buyer}" if buyer not in {"", "0"} else "",
    }


def _item(line: dict[str, Any]) -> dict[str, Any]:
    quantity = whole(line, "quantity")
    price = money(line, "price")
    if price is None:
        total = money(line, "subtotal", "total") or Decimal(0)
        price = (total / quantity).quantize(Decimal("0.01")) if quantity else Decimal(0)
    return {
        "id": identity(line, "id"),
        "title": text(line, "name"),
        "sku": text(line, "sku"),
        "quantity": quantity,
        "unit_price": str(price),
        "ships": True,
    }


def _repayments(told: dict[str, Any], at: datetime, currency: str) -> tuple[Repayment, ...]:
    found = []
    for one in parts(told, "refunds"):
        amount = abs(money(one, "total") or Decimal(0))
        if amount > 0:
            found.append(Repayment(identity(one, "id"), at, amount, currency, text(one, "reason")[:400]))
    return tuple(found)


def _shipments(told: dict[str, Any], at: datetime) -> tuple[Shipment, ...]:
    """Return the parcels the shipment tracking plug-in keeps in the order's own fields."""
    kept = [m.get("value") for m in parts(told, "meta_data") if m.get("key") in _TRACKING_KEYS]
    found: dict[str, Shipment] = {}
    for one in (item for value in kept if isinstance(value, list) for item in value if isinstance(item, dict)):
        number = text(one, "tracking_number")
        if not number:
            continue
        company = text(one, "tracking_provider", "custom_tracking_provider")
        found[number] = Shipment(number[:64], at, _shipped(one) or at, False, company, (number,), {}, "")
    return tuple(found.values())


def _shipped(one: dict[str, Any]) -> datetime | None:
    value = text(one, "date_shipped")
    if value.isascii() and value.isdigit() and len(value) <= 11:
        return datetime.fromtimestamp(int(value), UTC)
    return moment(one, "date_shipped")


def _str(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)

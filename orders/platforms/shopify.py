"""Shopify's webhooks: orders, fulfillments and refunds.

Only the body is signed. What a message means is therefore read from its body; the headers (topic, ids, times) are
hints for people and have to agree with it.
"""

from __future__ import annotations

from collections.abc import Mapping
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

SIGNATURE, TOPIC, ORIGIN = "x-shopify-hmac-sha256", "x-shopify-topic", "x-shopify-shop-domain"
DELIVERY, TRIGGERED = ("x-shopify-webhook-id", "x-shopify-event-id"), "x-shopify-triggered-at"
TOPICS = (
    "orders/create",
    "orders/updated",
    "orders/cancelled",
    "fulfillments/create",
    "fulfillments/update",
    "refunds/create",
)
_PAID = frozenset({"paid", "partially_refunded", "refunded"})
_VOID = frozenset({"cancelled", "error", "failure"})
_STATUS = {
    "in_transit": "in_transit",
    "out_for_delivery": "out_for_delivery",
    "attempted_delivery": "out_for_delivery",
    "ready_for_pickup": "ready_for_pickup",
    "delivered": "delivered",
}


def is_genuine(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
    """Say whether the body was signed with the secret."""
    return fits(body, headers.get(SIGNATURE, ""), secret)


def is_greeting(body: bytes) -> bool:
    """Shopify sends nothing unsigned."""
    return False


def origin_of(headers: Mapping[str, str]) -> str:
    """Return the shop's own address at the platform."""
    return headers.get(ORIGIN, "").strip().lower()


def read(told: dict[str, Any], topic: str) -> OrderNews:
    """Return what a message says. Raises Unreadable."""
    shape = _shape(told)
    if topic and topic.partition("/")[0] != shape:
        raise Unreadable(code="hook_topic_differs")
    if shape == "fulfillments":
        return OrderNews("fulfillments", identity(told, "order_id"), shipments=(_shipment(told),))
    if shape == "refunds":
        return OrderNews("refunds", identity(told, "order_id"), repayments=_repayments([told]))
    return _order(told)


def _shape(told: dict[str, Any]) -> str:
    if "order_id" not in told:
        if "line_items" in told and "created_at" in told:
            return "orders"
        raise Unreadable(code="hook_of_unknown_type")
    if "transactions" in told or "refund_line_items" in told:
        return "refunds"
    if "tracking_company" in told or "tracking_number" in told or "tracking_numbers" in told:
        return "fulfillments"
    raise Unreadable(code="hook_of_unknown_type")


def _order(told: dict[str, Any]) -> OrderNews:
    placed = needed(moment(told, "created_at"), "created_at")
    at = moment(told, "updated_at") or placed
    total = money(told, "current_total_price", "total_price")
    status = text(told, "financial_status")
    owed = money(told, "total_outstanding")
    if status in _PAID:
        paid = total if owed is None or total is None else max(total - owed, Decimal(0))
    else:
        paid = Decimal(0) if owed is None or total is None else max(total - owed, Decimal(0))
    buyer, goes_to = part(told, "customer"), part(told, "shipping_address")
    paid_at = (moment(told, "processed_at") or placed) if status in _PAID else None
    gateways = told.get("payment_gateway_names")
    facts = {
        "number": text(told, "name", "order_number", "id").lstrip("#"),
        "placed_at": placed.isoformat(),
        "currency": text(told, "currency").upper(),
        "total": _str(total),
        "paid": _str(paid),
        "discount": _str(money(told, "current_total_discounts", "total_discounts")),
        "shipping_fee": _str(money(part(part(told, "total_shipping_price_set"), "shop_money"), "amount")),
        "recipient": text(goes_to, "name"),
        "region": place(text(goes_to, "province"), text(goes_to, "city")),
        "street": " ".join(word for word in (text(goes_to, "address1"), text(goes_to, "address2")) if word),
        "phone": text(goes_to, "phone") or text(told, "phone") or text(buyer, "phone"),
        "email": text(told, "email", "contact_email") or text(buyer, "email"),
        "account": f"shopify:{text(buyer, 'id')}" if text(buyer, "id") else "",
        "buyer_note": text(told, "note"),
        "method": text({"method": gateways[0]}, "method") if isinstance(gateways, list) and gateways else "",
        "items": [_item(line) for line in parts(told, "line_items")],
    }
    return OrderNews(
        "orders",
        identity(told, "id"),
        at,
        facts,
        tuple(_shipment(one) for one in parts(told, "fulfillments")),
        _repayments(parts(told, "refunds")),
        moment(told, "cancelled_at"),
        {"paid": paid_at} if paid_at else {},
    )


def _item(line: dict[str, Any]) -> dict[str, Any]:
    title = text(line, "title", "name")
    variant = text(line, "variant_title")
    return {
        "id": identity(line, "id"),
        "title": f"{title} {variant}".strip(),
        "sku": text(line, "sku"),
        "quantity": whole(line, "current_quantity" if line.get("current_quantity") is not None else "quantity"),
        "unit_price": _str(money(line, "price") or Decimal(0)),
        "ships": line.get("requires_shipping") is not False,
    }


def _shipment(told: dict[str, Any]) -> Shipment:
    created = needed(moment(told, "created_at", "updated_at"), "created_at")
    at = moment(told, "updated_at") or created
    listed = told.get("tracking_numbers")
    numbers = [text({"n": n}, "n") for n in listed] if isinstance(listed, list) else []
    numbers = [n for n in numbers if n] or [n for n in [text(told, "tracking_number")] if n]
    status = _STATUS.get(text(told, "shipment_status"), "")
    return Shipment(
        identity(told, "id"),
        at,
        created,
        text(told, "status") in _VOID,
        text(told, "tracking_company"),
        tuple(dict.fromkeys(numbers)),
        {identity(line, "id"): whole(line, "quantity") for line in parts(told, "line_items")},
        status,
        at if status == "delivered" else None,
    )


def _repayments(told: list[dict[str, Any]]) -> tuple[Repayment, ...]:
    found = []
    for one in told:
        paid_back = [
            t for t in parts(one, "transactions") if text(t, "kind") == "refund" and text(t, "status") == "success"
        ]
        amount = sum((money(t, "amount") or Decimal(0) for t in paid_back), Decimal(0))
        if amount > 0:
            at = needed(moment(one, "created_at", "processed_at"), "created_at")
            currency = text(paid_back[0], "currency").upper()
            found.append(Repayment(identity(one, "id"), at, amount, currency, text(one, "note")[:400]))
    return tuple(found)


def _str(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)

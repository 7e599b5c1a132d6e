"""What a shop system told of an order, as a fold of all its messages: in any order and as often as one likes.

Every part is a maximum or a minimum over the messages, by the source's own times:

- the order's facts are those of its newest version (times alike: of the greater digest, whichever came first);
- a moment (paid, shipped, cancelled) is the earliest that any version told, and no newer version takes it back;
- a shipment's numbers and lines are those of its newest version, its way only goes forward;
- a refund is there once told.

A message about a part may come before the order itself: the part is kept until the order is known.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from orders.enums import PARCEL_RANK, ParcelStatus
from orders.platforms.base import OrderNews, Repayment, Shipment
from orders.services.data import ItemData, OrderData, ParcelData, PaymentData, clean_tracking

type State = dict[str, Any]


def fold(state: State, news: OrderNews) -> State:
    """Return the state with the news taken in; neither argument is changed."""
    facts, version = state.get("facts"), state.get("version")
    if news.facts is not None and news.at is not None:
        told = [news.at.isoformat(), _digest(news.facts)]
        if version is None or _later(told, version):
            facts, version = news.facts, told
    moments = dict(state.get("moments", {}))
    given = {**news.moments, **({"cancelled": news.cancelled_at} if news.cancelled_at else {})}
    for step, moment in given.items():
        moments[step] = _earliest(moments.get(step), moment)
    shipments = dict(state.get("shipments", {}))
    for shipment in news.shipments:
        shipments[shipment.source_id] = _fold_shipment(shipments.get(shipment.source_id), shipment)
    repayments = dict(state.get("repayments", {}))
    for one in news.repayments:
        repayments[one.source_id] = _fold_repayment(repayments.get(one.source_id), one)
    return {"facts": facts, "version": version, "moments": moments, "shipments": shipments, "repayments": repayments}


def _fold_shipment(have: dict[str, Any] | None, told: Shipment) -> dict[str, Any]:
    content = {
        "void": told.is_void, "company": told.company, "numbers": list(told.numbers), "lines": dict(told.lines),
    }  # fmt: skip
    version = [told.at.isoformat(), _digest(content)]
    if have is None:
        have = {"version": version, "content": content, "created_at": None, "status": "", "delivered_at": None}
        have["ever"] = []
    elif not _later(version, have["version"]):
        version, content = have["version"], have["content"]
    return {
        "version": version,
        "content": content,
        "ever": sorted({*have["ever"], *(clean_tracking(number) for number in told.numbers)}),
        "created_at": _earliest(have["created_at"], told.created_at),
        "status": max(have["status"], told.status, key=_rank),
        "delivered_at": _earliest(have["delivered_at"], told.delivered_at)
        if told.delivered_at
        else have["delivered_at"],
    }


def _fold_repayment(have: dict[str, Any] | None, told: Repayment) -> dict[str, Any]:
    given = {
        "at": told.at.isoformat(), "amount": str(told.amount), "currency": told.currency, "note": told.note,
    }  # fmt: skip
    return given if have is None else min(have, given, key=lambda one: (_moment(one["at"]), _digest(one)))


def order_of(state: State, book: dict[str, str]) -> OrderData | None:
    """Return the order as told so far, None while only parts of it are known. `book`: carriers' names to codes."""
    facts, moments = state.get("facts"), state.get("moments", {})
    if facts is None:
        return None
    begun = [_moment(one["created_at"]) for one in state.get("shipments", {}).values()]
    if "shipped" in moments:
        begun.append(_moment(moments["shipped"]))
    return OrderData(
        number=facts["number"],
        placed_at=_moment(facts["placed_at"]),
        currency=facts["currency"],
        total=_amount(facts["total"]),
        paid=_amount(facts["paid"]) or Decimal(0),
        discount=_amount(facts["discount"]) or Decimal(0),
        shipping_fee=_amount(facts["shipping_fee"]) or Decimal(0),
        paid_at=_moment(moments["paid"]) if "paid" in moments else None,
        shipped_at=min(begun) if begun else None,  # a shipment that was called off later was shipped all the same
        cancelled_at=_moment(moments["cancelled"]) if "cancelled" in moments else None,
        recipient=facts["recipient"],
        region=facts["region"],
        street=facts["street"],
        phone=facts["phone"],
        email=facts["email"],
        account=facts["account"],
        buyer_note=facts["buyer_note"],
        items=_items(facts),
        payments=_payments(facts, moments),
        parcels=_parcels(state, book),
    )


def _items(facts: dict[str, Any]) -> tuple[ItemData, ...]:
    return tuple(
        ItemData(line["title"] or line["sku"], line["quantity"], Decimal(line["unit_price"]), line["sku"])
        for line in facts["items"]
        if line["quantity"] > 0
    )


def _payments(facts: dict[str, Any], moments: dict[str, str]) -> tuple[PaymentData, ...]:
    amount = _amount(facts["paid"])
    if not amount or "paid" not in moments:
        return ()
    reference = facts.get("reference") or "shop"
    return (PaymentData((facts.get("method") or "other")[:24], reference[:80], amount, _moment(moments["paid"])),)


def _parcels(state: State, book: dict[str, str]) -> tuple[ParcelData, ...]:
    found: dict[tuple[str, str], ParcelData] = {}
    for _key, one in sorted(state.get("shipments", {}).items()):
        content = one["content"]
        if content["void"]:
            continue
        carrier = book.get(name_key(content["company"]), "other") if content["company"] else "other"
        delivered = _moment(one["delivered_at"]) if one["delivered_at"] else None
        status = ParcelStatus.DELIVERED if delivered else one["status"] or ParcelStatus.PICKED_UP
        for number in content["numbers"]:
            told = ParcelData(carrier, number, str(status), _moment(one["created_at"]), delivered)
            found.setdefault((carrier, clean_tracking(number)), told)
    return tuple(found.values())


def numbers_ever(state: State) -> frozenset[str]:
    """Return every tracking number that was told of the order, corrected ones too."""
    return frozenset(number for one in state.get("shipments", {}).values() for number in one["ever"])


def is_partly_sent(state: State) -> bool:
    """Say whether some lines that are to be sent are in no shipment yet; False where shipments name no lines."""
    facts = state.get("facts")
    sent: dict[str, int] = {}
    for one in state.get("shipments", {}).values():
        if one["content"]["void"]:
            continue
        if not one["content"]["lines"]:
            return False
        for line, quantity in one["content"]["lines"].items():
            sent[line] = sent.get(line, 0) + quantity
    if not facts or not sent:
        return False
    return any(line["ships"] and sent.get(line["id"], 0) < line["quantity"] for line in facts["items"])


def companies(state: State) -> dict[str, str]:
    """Return the carriers' names a state holds, by key."""
    told = {one["content"]["company"] for one in state.get("shipments", {}).values() if not one["content"]["void"]}
    return {name_key(name): name[:80] for name in told if name_key(name)}


def name_key(name: str) -> str:
    """Return a carrier's name as it is compared."""
    return " ".join(name.lower().split())[:80]


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _later(told: list[str], have: list[str]) -> bool:
    return (_moment(told[0]), told[1]) > (_moment(have[0]), have[1])


def _earliest(have: str | None, told: datetime) -> str:
    return told.isoformat() if have is None or told < _moment(have) else have


def _moment(value: str) -> datetime:
    return datetime.fromisoformat(value)


def _amount(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _rank(status: str) -> int:
    return PARCEL_RANK[ParcelStatus(status)] if status else 0

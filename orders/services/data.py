"""An order as a shop tells it: the typed form every door brings it into, its checks and its fingerprint."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any
from unicodedata import is_normalized

from django.conf import settings

from core.text import (
    cn_mobile,
    mask_address,
    normalise,
    normalise_email,
    normalise_order_number,
    normalise_phone,
    tidy_text,
)
from orders.enums import OrderStatus, ParcelStatus
from orders.errors import InvalidOrder, Problem

MAX_ITEMS = 500
CENT = Decimal("0.01")
TOP = Decimal("9999999999.99")
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
ORDER_STATUSES = frozenset(str(status) for status in OrderStatus)
PARCEL_STATUSES = frozenset(str(status) for status in ParcelStatus)
STEPS = ("paid", "packed", "shipped", "delivered", "completed", "cancelled")
_MASKED_PHONE = re.compile(r"(?:\+?86[ -]?)?\d{0,4}[*x•×]{2,}\d{0,3}[*x•×]*(\d{4})", re.IGNORECASE)
_TRACKING = re.compile(r"[A-Z0-9-]{5,64}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_DIRT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


@dataclass(slots=True, unsafe_hash=True)
class ItemData:
    """One line: what, how many, at which price each."""

    title: str
    quantity: int = 1
    unit_price: Decimal = Decimal(0)
    sku: str = ""


@dataclass(slots=True, unsafe_hash=True)
class PaymentData:
    """One payment; `reference` is the payment service's number."""

    method: str
    reference: str
    amount: Decimal
    paid_at: datetime
    currency: str = ""


@dataclass(slots=True, unsafe_hash=True)
class ParcelData:
    """One parcel; `carrier` is a code or a name we know."""

    carrier: str
    tracking_number: str
    status: str = ""
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    expected_at: datetime | None = None


@dataclass(slots=True, unsafe_hash=True)
class OrderData:
    """One order. None, "" and () mean "not told": what we know already stays.

    `total` None = items - discount + shipping; `phone` may come masked (138****8000), then only its end is known;
    `account` is the buyer's name in the shop.
    """

    number: str
    placed_at: datetime | None = None
    status: str = ""
    currency: str = ""
    total: Decimal | None = None
    paid: Decimal | None = None
    discount: Decimal | None = None
    shipping_fee: Decimal | None = None
    paid_at: datetime | None = None
    packed_at: datetime | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None
    promised_at: datetime | None = None
    recipient: str = ""
    region: str = ""
    street: str = ""
    phone: str = ""
    email: str = ""
    account: str = ""
    buyer_note: str = ""
    items: tuple[ItemData, ...] = ()
    payments: tuple[PaymentData, ...] = ()
    parcels: tuple[ParcelData, ...] = ()


@dataclass(slots=True)
class _Checker:
    latest: datetime
    carriers: dict[str, str]
    problems: list[Problem] = field(default_factory=list)

    def fail(self, path: str, code: str, **params: Any) -> None:
        self.problems.append(Problem(path, code, params))

    def text(self, path: str, value: str, limit: int, *, tidy: bool = False) -> str:
        if not value:
            return ""
        # Nearly every text is clean already; isprintable also rules out control, zero-width and direction characters.
        if (
            not value.isprintable() or "  " in value or value[0] == " " or value[-1] == " "
            or not (value.isascii() or is_normalized("NFC", value))
        ):  # fmt: skip
            value = tidy_text(value) if tidy else clean_line(value)
        if len(value) > limit:
            self.fail(path, "too_long", max=limit)
        return value

    def amount(self, path: str, value: Decimal | None) -> Decimal | None:
        if value is None:
            return None
        if not isinstance(value, Decimal) or not value.is_finite():
            self.fail(path, "not_amount", value=str(value)[:20])
            return None
        if value < 0:
            self.fail(path, "negative")
        elif value > TOP:
            self.fail(path, "too_large")
        else:
            cut = value.quantize(CENT, ROUND_HALF_UP)
            if cut != value:
                self.fail(path, "decimals")
            return cut
        return None

    def moment(self, path: str, value: datetime | None, *, ahead: bool = False) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            self.fail(path, "not_date", value=value.isoformat())
            return None
        value = value.astimezone(UTC)
        if value < OLDEST or (not ahead and value > self.latest) or value.year > 2100:
            self.fail(path, "date_range")
            return None
        return value


def clean_line(value: str) -> str:
    """Return one line of text as people read it: nothing invisible, single blanks; full-width signs stay."""
    return " ".join(_DIRT.sub(" ", tidy_text(value)).split())


@lru_cache(maxsize=4096)
def clean_phone(value: str) -> tuple[str, str] | None:
    """Return (number as +86…, its last four digits); ("", last four) for a masked one; None when it is no phone."""
    if number := cn_mobile(value):
        return number, number[-4:]
    masked = _MASKED_PHONE.fullmatch(normalise(value))
    if masked:
        return "", masked[1]
    full = normalise_phone(value)
    return (full, full[-4:]) if full else None


def clean_order(
    data: OrderData, *, currency: str, at: datetime, carriers: dict[str, str], partial: bool = False
) -> OrderData:
    """Return the order in its one normal form, or raise InvalidOrder with everything that is wrong at once.

    `currency` is the shop's, `carriers` maps every known code and name in lower case to a code. With `partial` (news of
    an order we know) items and the placing time may be missing.
    """
    check = _Checker(at + timedelta(days=1), carriers)
    number = (
        data.number.upper() if data.number.isascii() and data.number.isalnum() else normalise_order_number(data.number)
    )
    if not number or len(number) > 64 or not number.isprintable():
        check.fail("number", "not_number")
    if data.placed_at is None and not partial:
        check.fail("placed_at", "missing")
    if data.status and data.status not in ORDER_STATUSES:
        check.fail("status", "not_status", value=data.status[:20])
    money = (data.currency or currency).upper()
    if not _CURRENCY.fullmatch(money):
        check.fail("currency", "not_currency", value=money[:8])
    items = _clean_items(check, data.items, partial)
    phone, email = _clean_contact(check, data)
    street = check.text("street", data.street, 300)
    region = check.text("region", data.region, 120)
    if street and not region:
        region = mask_address(street).removesuffix("****")[:120] if not street.isascii() else ""
    clean = OrderData(
        number=number,
        placed_at=check.moment("placed_at", data.placed_at),
        status=data.status,
        currency=money,
        total=check.amount("total", data.total),
        paid=check.amount("paid", data.paid),
        discount=check.amount("discount", data.discount),
        shipping_fee=check.amount("shipping_fee", data.shipping_fee),
        paid_at=check.moment("paid_at", data.paid_at),
        packed_at=check.moment("packed_at", data.packed_at),
        shipped_at=check.moment("shipped_at", data.shipped_at),
        delivered_at=check.moment("delivered_at", data.delivered_at),
        completed_at=check.moment("completed_at", data.completed_at),
        cancelled_at=check.moment("cancelled_at", data.cancelled_at),
        promised_at=check.moment("promised_at", data.promised_at, ahead=True),
        recipient=check.text("recipient", data.recipient, 120),
        region=region,
        street=street,
        phone=phone,
        email=email,
        account=check.text("account", data.account, 120),
        buyer_note=check.text("buyer_note", data.buyer_note, 2000, tidy=True),
        items=items,
        payments=_clean_payments(check, data.payments, money),
        parcels=_clean_parcels(check, data.parcels),
    )
    if not check.problems and clean.total is None and items and items_total(clean) > TOP:
        check.fail("total", "too_large")
    if check.problems:
        raise InvalidOrder(check.problems)
    return clean


def _clean_contact(check: _Checker, data: OrderData) -> tuple[str, str]:
    phone = ""
    if data.phone:
        found = clean_phone(data.phone.strip())
        if found is None:
            check.fail("phone", "not_phone")
        else:
            phone = found[0] or "****" + found[1]
    email = ""
    if data.email:
        email = normalise_email(data.email) or ""
        if not email:
            check.fail("email", "not_email")
    return phone, email


def _clean_items(check: _Checker, items: tuple[ItemData, ...], partial: bool) -> tuple[ItemData, ...]:
    if not items and not partial:
        check.fail("items", "no_items")
    if len(items) > MAX_ITEMS:
        check.fail("items", "too_many_items", max=MAX_ITEMS)
        return ()
    result = []
    for index, item in enumerate(items):
        clean, problems = _clean_item(item)
        result.append(clean)
        for problem in problems:
            check.fail(f"items[{index}].{problem.field}", problem.code, **problem.params)
    return tuple(result)


@lru_cache(maxsize=2048)
def _clean_item(item: ItemData) -> tuple[ItemData, tuple[Problem, ...]]:
    """Return the line in its normal form with what is wrong with it; a shop sells the same things again and again."""
    check = _Checker(OLDEST, {})
    title = check.text("title", item.title, 200)
    sku = check.text("sku", item.sku, 64)
    if not title and not sku:
        check.fail("title", "missing")
    if not isinstance(item.quantity, int) or not 1 <= item.quantity <= 100_000:
        check.fail("quantity", "not_quantity", value=str(item.quantity)[:20])
    price = check.amount("unit_price", item.unit_price)
    return ItemData(title or sku, item.quantity, price or Decimal("0.00"), sku), tuple(check.problems)


def _clean_payments(check: _Checker, payments: tuple[PaymentData, ...], money: str) -> tuple[PaymentData, ...]:
    result: dict[tuple[str, str], PaymentData] = {}
    for index, payment in enumerate(payments):
        path = f"payments[{index}]"
        amount = check.amount(f"{path}.amount", payment.amount)
        if amount is not None and amount <= 0:
            check.fail(f"{path}.amount", "not_zero")
        method = check.text(f"{path}.method", payment.method, 24) or "other"
        reference = check.text(f"{path}.reference", payment.reference, 80)
        paid_at = check.moment(f"{path}.paid_at", payment.paid_at)
        if (method, reference) in result:
            check.fail(f"{path}.reference", "twice")
        elif amount is not None and paid_at is not None:
            currency = (payment.currency or money).upper()
            result[method, reference] = PaymentData(method, reference, amount, paid_at, currency)
            if not _CURRENCY.fullmatch(currency):
                check.fail(f"{path}.currency", "not_currency", value=currency[:8])
    return tuple(result.values())


def _clean_parcels(check: _Checker, parcels: tuple[ParcelData, ...]) -> tuple[ParcelData, ...]:
    result: dict[tuple[str, str], ParcelData] = {}
    for index, parcel in enumerate(parcels):
        path = f"parcels[{index}]"
        tracking = clean_tracking(parcel.tracking_number)
        if not _TRACKING.fullmatch(tracking):
            check.fail(f"{path}.tracking_number", "not_tracking")
        carrier = check.carriers.get(parcel.carrier.strip().lower()) if parcel.carrier else "other"
        if carrier is None:
            check.fail(f"{path}.carrier", "unknown_carrier", value=clean_line(parcel.carrier)[:30])
            continue
        if parcel.status and parcel.status not in PARCEL_STATUSES:
            check.fail(f"{path}.status", "not_status", value=parcel.status[:20])
        if (carrier, tracking) in result:
            check.fail(f"{path}.tracking_number", "twice")
        result[carrier, tracking] = ParcelData(
            carrier,
            tracking,
            parcel.status,
            check.moment(f"{path}.shipped_at", parcel.shipped_at),
            check.moment(f"{path}.delivered_at", parcel.delivered_at),
            check.moment(f"{path}.expected_at", parcel.expected_at, ahead=True),
        )
    return tuple(result.values())


def clean_tracking(value: str) -> str:
    """Return a tracking number as it is compared: half-width capitals without blanks."""
    if value.isascii() and value.isalnum():
        return value.upper()
    return "".join(normalise(value).split()).upper()


def fingerprint(data: OrderData) -> bytes:
    """Return a 32-byte keyed digest of a cleaned order: told twice alike, nothing is to be done."""
    parts: list[Any] = [
        data.number, _stamp(data.placed_at), data.status, data.currency, data.total, data.paid, data.discount,
        data.shipping_fee, _stamp(data.paid_at), _stamp(data.packed_at), _stamp(data.shipped_at),
        _stamp(data.delivered_at), _stamp(data.completed_at), _stamp(data.cancelled_at), _stamp(data.promised_at),
        data.recipient, data.region, data.street, data.phone, data.email, data.account, data.buyer_note,
    ]  # fmt: skip
    for item in data.items:
        parts += ("i", item.sku, item.title, item.quantity, item.unit_price)
    for payment in data.payments:
        parts += ("p", payment.method, payment.reference, payment.amount, payment.currency, _stamp(payment.paid_at))
    for parcel in data.parcels:
        parts += (
            "b", parcel.carrier, parcel.tracking_number, parcel.status, _stamp(parcel.shipped_at),
            _stamp(parcel.delivered_at), _stamp(parcel.expected_at),
        )  # fmt: skip
    text = "\x1f".join([part if part.__class__ is str else "" if part is None else str(part) for part in parts])
    return hmac.digest(settings.INDEX_KEY, text.encode(), hashlib.sha256)


def _stamp(value: datetime | None) -> str | None:
    return None if value is None else str(value.timestamp())


def items_total(data: OrderData) -> Decimal:
    """Return what the lines come to, less the discount, with shipping; never below zero."""
    lines = Decimal(0)
    for item in data.items:
        lines += item.unit_price * item.quantity
    return max(Decimal("0.00"), lines - (data.discount or 0) + (data.shipping_fee or 0))


def steps_told(data: OrderData, *, now: datetime | None) -> dict[str, datetime]:
    """Return the steps an order went through with their times.

    A status told without its time is dated `now`, or, for history (None), by the latest time told.
    """
    told = {step: moment for step in STEPS if (moment := getattr(data, f"{step}_at")) is not None}
    status = data.status
    if status and status != OrderStatus.PLACED and status not in told:
        known = [*told.values(), *([data.placed_at] if data.placed_at else [])]
        told[status] = now or (max(known) if known else OLDEST)
    return told


def history_steps(told: dict[str, datetime], *, complete_after_days: int, at: datetime) -> dict[str, datetime]:
    """Return the steps of an order from the past: what arrived long enough ago is completed, at the time it was."""
    delivered = told.get("delivered")
    if delivered is None or told.keys() & {"completed", "cancelled"}:
        return told
    due = delivered + timedelta(days=complete_after_days)
    return {**told, "completed": due} if due <= at else told


def parcel_told(parcel: ParcelData, steps: dict[str, datetime]) -> ParcelData:
    """Return the parcel with status and times; what the shop left out follows from the order's own steps."""
    delivered = parcel.delivered_at or (None if parcel.status else steps.get("delivered") or steps.get("completed"))
    if parcel.status == ParcelStatus.DELIVERED and delivered is None:
        delivered = steps.get("delivered")
    shipped = parcel.shipped_at or (steps.get("shipped") if parcel.status != ParcelStatus.CREATED else None)
    status = parcel.status
    if not status:
        status = ParcelStatus.DELIVERED if delivered else ParcelStatus.PICKED_UP if shipped else ParcelStatus.CREATED
    return ParcelData(parcel.carrier, parcel.tracking_number, status, shipped, delivered, parcel.expected_at)

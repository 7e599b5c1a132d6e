"""Put many new orders of the past in at once: COPY for each table, ids taken from the sequences beforehand.

The same rules as upsert_order, by the same functions, on plain drafts instead of model rows. Orders that are there
already, and those to be treated as live, go through upsert_order itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from django.db import connection

from core.actors import Actor
from core.events import Code
from core.events.bulk import NULL, History, Note, iso, latest_time, note
from core.inserting import reserve_ids
from customers.services.bulk import Key, Person, find_or_add_customers, person
from orders.enums import PARCEL_RANK, OrderStatus, ParcelStatus
from orders.events import OrderPlaced, ParcelStep
from orders.models import Product, Shop
from orders.services.data import ItemData, OrderData, ParcelData, PaymentData, history_steps, parcel_told, steps_told
from orders.services.folding import take_news
from orders.services.imports.grouping import Ready
from orders.services.steps import steps_of_parcels, take_steps
from orders.services.told import paid_amount, parcel_moment, parcel_news, step_payload, told_fields

_ORDER = (
    "id", "shop_id", "customer_id", "number", "status", "currency", "total", "paid", "discount", "shipping_fee",
    "placed_at",
    "paid_at", "packed_at", "shipped_at", "delivered_at", "completed_at", "cancelled_at", "promised_at", "recipient",
    "region", "street_enc", "phone_enc", "phone_index", "phone_last4_index", "buyer_note", "source", "is_history",
    "content_hash", "version",
)  # fmt: skip
_ITEM = "order_id, product_id, line, sku, title, quantity, unit_price"
_PAYMENT = "order_id, method, reference, amount, currency, paid_at"
_PARCEL = (
    "id, order_id, carrier_id, tracking_number, status, rank, rank_at, place, shipped_at, delivered_at, expected_at,"
    " moved_at, returning_at, lost_at, version"
)


@dataclass(slots=True)
class Draft:
    """An order not yet written; the names are those of the model, so that the same rules read it."""

    placed_at: datetime
    status: str = OrderStatus.PLACED
    currency: str = "CNY"
    total: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    shipping_fee: Decimal = Decimal(0)
    paid_at: datetime | None = None
    packed_at: datetime | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None
    promised_at: datetime | None = None
    recipient: str = ""
    region: str = ""
    street_enc: bytes | None = None
    phone_enc: bytes | None = None
    phone_index: bytes | None = None
    phone_last4_index: bytes | None = None
    buyer_note: str = ""


@dataclass(slots=True)
class ParcelDraft:
    """A parcel not yet written."""

    carrier: str
    tracking_number: str
    status: str = ParcelStatus.CREATED
    rank: int = PARCEL_RANK[ParcelStatus.CREATED]
    rank_at: datetime | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    expected_at: datetime | None = None
    moved_at: datetime | None = None
    returning_at: datetime | None = None
    lost_at: datetime | None = None


class Prepared(NamedTuple):
    """A new order with everything that needs no database: encrypted, digested, its lines written but for ids.

    `line` is the order's from its number on; `items` are (sku, line), `parcels` (line, fact), `facts` the order's own.
    All plain values: it goes from one process to another.
    """

    number: str
    person: Person
    line: str
    items: list[tuple[str, str]]
    payments: list[str]
    parcels: list[tuple[str, Note]]
    facts: Note

    def plain(self) -> tuple[Any, ...]:
        """Return it as tuples and lists of plain values; `of` undoes this."""
        number, who, *rest = self
        return number, who.name, [tuple(key) for key in who.keys], *rest

    @classmethod
    def of(cls, plain: tuple[Any, ...]) -> Prepared:
        """Return what `plain` took apart."""
        number, name, keys, *rest = plain
        return cls(number, Person([Key(*key) for key in keys], name), *rest)


def foresee(data: OrderData, shop: Shop, *, at: datetime) -> tuple[Draft, list[tuple[str, str]], list[ParcelDraft]]:
    """Return what a new order of the past becomes: the order, its steps with the status before, its parcels."""
    assert data.placed_at is not None
    steps = history_steps(steps_told(data, now=None), complete_after_days=shop.complete_after_days, at=at)
    draft = Draft(data.placed_at, **told_fields(data))
    taken = take_steps(draft, steps)
    draft.paid = paid_amount(draft, data)
    parcels = [_parcel(parcel_told(parcel, steps), draft) for parcel in data.parcels]
    taken += take_steps(draft, steps_of_parcels(parcels))  # type: ignore[arg-type]
    return draft, taken, parcels


def prepare(ready: Ready, shop: Shop, *, carriers: dict[str, int], source: str, at: datetime) -> Prepared:
    """Return a new order ready to be written; touches no database, so it can run beside one that does."""
    data = ready.data
    draft, taken, parcels = foresee(data, shop, at=at)
    phone = data.phone if data.phone.startswith("+") else ""
    account = data.account or ("" if phone or data.email else f"order:{data.number}")
    latest = latest_time()
    placed = OrderPlaced(draft.total, Code(draft.currency), len(data.items), Code(source), draft.promised_at)
    facts = [note("order.placed", draft.placed_at, placed, latest=latest)]
    for step, before in taken:
        payload = step_payload(draft, step, before, data)
        facts.append(note(f"order.{step}", getattr(draft, f"{step}_at"), payload, latest=latest))
    return Prepared(
        data.number,
        person(account=account, phone=phone, email=data.email, name=data.recipient, shop_id=shop.pk),
        _order_line(ready, draft, source),
        [(item.sku, _item_line(number, item)) for number, item in enumerate(data.items, 1)],
        [_payment_line(payment) for payment in data.payments],
        [(_parcel_line(p, carriers[p.carrier]), _parcel_fact(p, draft, carriers[p.carrier], latest)) for p in parcels],
        "".join(facts),
    )


def _parcel(told: ParcelData, order: Draft) -> ParcelDraft:
    parcel = ParcelDraft(told.carrier, told.tracking_number, expected_at=told.expected_at)
    take_news(parcel, parcel_news(told, parcel_moment(told, order, None)))
    return parcel


def _parcel_fact(parcel: ParcelDraft, order: Draft, carrier_id: int, latest: datetime) -> Note:
    step = _first_step(carrier_id, parcel.carrier)
    return note(f"parcel.{parcel.status}", parcel.rank_at or order.placed_at, step, latest=latest)


@lru_cache(maxsize=256)
def _first_step(carrier_id: int, carrier: str) -> ParcelStep:
    return ParcelStep(carrier_id, Code(carrier), Code(""), Code(""))


def insert_orders(prepared: Sequence[Prepared], *, shop: Shop, source: str, actor: Actor, at: datetime) -> None:
    """Write new orders with customers, lines, payments, parcels and the events of their past.

    Call inside a transaction and repeat it on a unique violation: somebody brought one of them in the meantime.
    """
    if not prepared:
        return
    history, shop_id = History(actor=actor), shop.pk
    prepared = sorted(prepared, key=attrgetter("number"))
    customers = find_or_add_customers(
        people=[one.person for one in prepared],
        shop_id=shop_id, language=shop.language, source=source, actor=actor, at=at, history=history,
    )  # fmt: skip
    ids = reserve_ids("orders_order", len(prepared))
    products = _products(shop, prepared)
    orders: list[str] = []
    items: list[str] = []
    payments: list[str] = []
    parcels: list[str] = []
    parcel_ids = iter(reserve_ids("orders_parcel", sum(len(one.parcels) for one in prepared)))
    for one, order_id, customer_id in zip(prepared, ids, customers, strict=True):
        orders.append(f"{order_id}\t{shop_id}\t{customer_id}\t{one.line}")
        items += [f"{order_id}\t{products.get(sku, NULL) if sku else NULL}\t{line}" for sku, line in one.items]
        payments += [f"{order_id}\t{line}" for line in one.payments]
        about = {"shop_id": shop_id, "customer_id": customer_id, "order_id": order_id}
        history.put([one.facts], subject=("order", order_id), **about)
        for line, fact in one.parcels:
            parcel_id = next(parcel_ids)
            parcels.append(f"{parcel_id}\t{order_id}\t{line}")
            history.put([fact], subject=("parcel", parcel_id), **about)
    _copy(f"orders_order ({', '.join(_ORDER)})", orders)
    _copy(f"orders_item ({_ITEM})", items)
    _copy(f"orders_payment ({_PAYMENT})", payments)
    _copy(f"orders_parcel ({_PARCEL})", parcels)
    history.write()


def _order_line(ready: Ready, d: Draft, source: str) -> str:
    return (
        f"{_text(ready.data.number)}\t{d.status}\t{d.currency}\t{d.total}\t{d.paid}\t"
        f"{d.discount}\t{d.shipping_fee}\t{iso(d.placed_at)}\t{_time(d.paid_at)}\t{_time(d.packed_at)}\t"
        f"{_time(d.shipped_at)}\t{_time(d.delivered_at)}\t{_time(d.completed_at)}\t{_time(d.cancelled_at)}\t"
        f"{_time(d.promised_at)}\t{_text(d.recipient)}\t{_text(d.region)}\t{_bytes(d.street_enc)}\t{_bytes(d.phone_enc)}\t"
        f"{_bytes(d.phone_index)}\t{_bytes(d.phone_last4_index)}\t{_text(d.buyer_note)}\t{source}\tt\t"
        f"{_bytes(ready.digest)}\t1\n"
    )


def _item_line(number: int, item: ItemData) -> str:
    return f"{number}\t{_text(item.sku)}\t{_text(item.title)}\t{item.quantity}\t{item.unit_price}\n"


def _payment_line(payment: PaymentData) -> str:
    return (
        f"{_text(payment.method)}\t{_text(payment.reference)}\t{payment.amount}\t{payment.currency}\t"
        f"{iso(payment.paid_at)}\n"
    )


def _parcel_line(parcel: ParcelDraft, carrier_id: int) -> str:
    return (
        f"{carrier_id}\t{parcel.tracking_number}\t{parcel.status}\t{parcel.rank}\t"
        f"{_time(parcel.rank_at)}\t\t{_time(parcel.shipped_at)}\t{_time(parcel.delivered_at)}\t{_time(parcel.expected_at)}\t"
        f"{_time(parcel.moved_at)}\t{_time(parcel.returning_at)}\t{_time(parcel.lost_at)}\t1\n"
    )


def _products(shop: Shop, prepared: Sequence[Prepared]) -> dict[str, int]:
    wanted = {sku for one in prepared for sku, _line in one.items if sku}
    if not wanted or not Product.objects.filter(shop=shop).exists():
        return {}
    return dict(Product.objects.filter(shop=shop, sku__in=wanted).values_list("sku", "pk"))


def _copy(target: str, lines: list[str]) -> None:
    if lines:
        with (
            connection.wrap_database_errors,
            connection.cursor() as cursor,
            cursor.copy(f"COPY {target} FROM STDIN") as copy,  # allowed: our own table and column names
        ):
            copy.write("".join(lines))


def _time(value: datetime | None) -> str:
    return NULL if value is None else iso(value)


def _bytes(value: Any) -> str:
    return NULL if value is None else "\\\\x" + bytes(value).hex()


def _text(value: str) -> str:
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if value.isprintable():
        return value
    return value.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")

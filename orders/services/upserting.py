"""Take an order in, from whichever door: new, changed or the same as before, never backwards."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from core.actors import Actor
from core.crypto import decrypt
from core.errors import InvalidInput
from core.events import Code, Fact, record_many
from core.live import announce
from core.text import normalise_order_number
from customers.services import find_or_add_customer
from orders.errors import PROBLEMS
from orders.events import OrderChanged, OrderPlaced, ParcelStep
from orders.models import Order, OrderItem, Parcel, Payment, Product, Shop
from orders.selectors.carriers import carrier_codes, carrier_ids
from orders.services.data import (
    STEPS,
    ItemData,
    OrderData,
    ParcelData,
    clean_order,
    fingerprint,
    history_steps,
    parcel_told,
    steps_told,
)
from orders.services.folding import step_at, step_of, take_news
from orders.services.promising.keeping import keep_promise, promise_new, tell_promise
from orders.services.steps import steps_of_parcels, take_steps
from orders.services.told import paid_amount, parcel_moment, parcel_news, step_payload, told_fields


@dataclass(frozen=True, slots=True)
class Mirrored:
    """Told whole by a source that folds its own messages: what it leaves out is gone, dates may be earlier.

    `is_partly_sent`: more parcels are to come. `numbers`: every tracking number the source ever told of the order.
    """

    is_partly_sent: bool
    numbers: frozenset[str] = frozenset()


@transaction.atomic
def upsert_order(
    *,
    shop_id: int,
    data: OrderData,
    actor: Actor,
    at: datetime,
    origin: str = "live",
    source: str,
    mirrored: Mirrored | None = None,
) -> tuple[Order, str]:
    """Take an order in; return it with "new", "changed" or "same".

    Status and dates only grow; items, amounts and the address follow the latest news; payments and parcels are added.
    `source` is a code (api, hook, import, demo). Raises InvalidOrder with everything wrong, NotFound for a shop.
    Records order.placed and one event per step when its time becomes known, order.changed for corrections, parcel.*.
    """
    shop = Shop.objects.filter(pk=shop_id, is_active=True).first()
    if shop is None:
        raise InvalidInput(fields={"shop": [PROBLEMS["unknown_shop"]]})
    number = normalise_order_number(data.number)[:64]
    order = Order.objects.filter(number=number, shop_id=shop_id).first()
    clean = clean_order(data, currency=shop.currency, at=at, carriers=carrier_codes(), partial=order is not None)
    digest = fingerprint(clean)
    if mirrored is not None:
        digest = hashlib.sha256(digest + bytes([mirrored.is_partly_sent])).digest()
    if order is not None and order.content_hash is not None and bytes(order.content_hash) == digest:
        return order, "same"
    work = _Upsert(shop, clean, digest, actor, at, origin, source, mirrored)
    if order is None:
        try:
            with transaction.atomic():
                return work.add(), "new"
        except IntegrityError:  # another door brought the same number in between: theirs is committed, ours changes it
            pass
    return work.change()


class _Upsert:
    """One order on its way in: what was told, by whom, and the facts it makes."""

    def __init__(
        self, shop: Shop, data: OrderData, digest: bytes, actor: Actor, at: datetime, origin: str, source: str,
        mirrored: Mirrored | None = None,
    ) -> None:  # fmt: skip
        self.shop, self.data, self.digest, self.mirrored = shop, data, digest, mirrored
        self.actor, self.at, self.origin, self.source = actor, at, origin, source
        self.steps = steps_told(data, now=at if origin == "live" else None)
        if origin != "live":
            self.steps = history_steps(self.steps, complete_after_days=shop.complete_after_days, at=at)
        self.facts: list[Fact] = []

    def add(self) -> Order:
        data, shop = self.data, self.shop
        assert data.placed_at is not None
        customer = find_or_add_customer(
            phone=data.phone if data.phone.startswith("+") else None,
            email=data.email or None,
            name=data.recipient,
            shop_id=shop.pk,
            language=shop.language,
            source=self.source,
            actor=self.actor,
            at=self.at,
            account=data.account or (None if data.phone.startswith("+") or data.email else f"order:{data.number}"),
        )
        order = Order(shop=shop, number=data.number, customer=customer, placed_at=data.placed_at, source=self.source)
        order.is_history = self.origin == "import"
        order.is_partly_sent = self.mirrored is not None and self.mirrored.is_partly_sent
        for name, value in told_fields(data).items():
            setattr(order, name, value)
        promised = promise_new(order, data, self.shop) if self.origin != "import" else None
        taken = take_steps(order, self.steps)
        order.paid = paid_amount(order, data)
        order.content_hash = self.digest
        order.save(force_insert=True)
        if promised is not None:
            keep_promise(order, promised, at=self.at)
        self.fact(
            "order.placed",
            order,
            data.placed_at,
            OrderPlaced(order.total, Code(order.currency), len(data.items), Code(self.source), order.promised_at),
        )
        OrderItem.objects.bulk_create(
            OrderItem(order=order, line=line, product_id=product, **_columns(item))
            for line, (item, product) in enumerate(zip(data.items, self._products(), strict=True), 1)
        )
        self._add_payments(order)
        self._step_facts(order, taken)
        self._take_parcels(order)
        self._finish(order)
        return order

    def change(self) -> tuple[Order, str]:
        data = self.data
        order = Order.objects.select_for_update(no_key=True).get(number=data.number, shop_id=self.shop.pk)
        if order.content_hash is not None and bytes(order.content_hash) == self.digest:
            return order, "same"
        changed = self._correct(order)
        before = [getattr(order, f"{step}_at") for step in STEPS]
        taken = take_steps(order, self.steps, earlier=self.mirrored is not None)
        if any(was is not None and was != getattr(order, f"{s}_at") for s, was in zip(STEPS, before, strict=True)):
            changed.append("dates")
        if order.paid != (paid := paid_amount(order, data)):
            order.paid = paid
            changed.append("paid")
        if self._add_payments(order):
            changed.append("payments")
        if changed:
            fields = tuple(Code(name) for name in dict.fromkeys(changed))
            self.fact("order.changed", order, self.at, OrderChanged(fields))
        self._step_facts(order, taken)
        parcels = self._take_parcels(order)
        order.content_hash = self.digest
        if not self.facts and not parcels:
            order.save(update_fields=["content_hash"])
            return order, "same"
        if self.origin == "live":
            order.is_history = False
        self._finish(order)
        return order, "changed"

    def fact(self, kind: str, subject: Any, at: datetime, payload: Any) -> None:
        self.facts.append(Fact(kind, subject, self.actor, at, payload))

    def _finish(self, order: Order) -> None:
        if order.version and not order._state.adding:
            order.version += 1
        order.updated_at = self.at
        order.save()
        if self.facts:
            record_many(self.facts, origin=self.origin, untrusted=True)
        announce(f"order.{order.pk}", "order", order.pk, order.version)
        if self.origin == "live":
            announce("orders", "order", order.pk, order.version)

    def _step_facts(self, order: Order, taken: list[tuple[str, str]]) -> None:
        for step, before in taken:
            self.fact(
                f"order.{step}", order, getattr(order, f"{step}_at"), step_payload(order, step, before, self.data)
            )

    def _correct(self, order: Order) -> list[str]:
        changed = []
        fields = told_fields(self.data)
        if self.mirrored is not None:
            fields |= {name: value for name, value in _LEFT_OUT.items() if name not in fields}
            fields["is_partly_sent"] = self.mirrored.is_partly_sent
        for name, value in fields.items():
            if name == "promised_at":
                if (told := tell_promise(order, value, at=self.at)) is not None:
                    self.fact("order.promise_changed", order, self.at, told)
                    changed.append(name)
            elif not _alike(name, getattr(order, name), value):
                setattr(order, name, value)
                if name not in {"phone_index", "phone_last4_index"}:
                    changed.append(name.removesuffix("_enc"))
        if self.data.items and self._correct_items(order):
            changed.append("items")
        return changed

    def _correct_items(self, order: Order) -> bool:
        have = {item.line: item for item in order.items.all()}
        products = self._products()
        touched = False
        for line, (item, product) in enumerate(zip(self.data.items, products, strict=True), 1):
            columns = {**_columns(item), "product_id": product}
            row = have.pop(line, None)
            if row is None:
                OrderItem.objects.create(order=order, line=line, **columns)
                touched = True
            elif any(getattr(row, name) != value for name, value in columns.items()):
                OrderItem.objects.filter(pk=row.pk).update(**columns)
                touched = True
        if have:
            OrderItem.objects.filter(pk__in=[row.pk for row in have.values()]).delete()
        return touched or bool(have)

    def _products(self) -> list[int | None]:
        wanted = {item.sku for item in self.data.items if item.sku}
        if not wanted:
            return [None] * len(self.data.items)
        found = dict(Product.objects.filter(shop_id=self.shop.pk, sku__in=wanted).values_list("sku", "pk"))
        return [found.get(item.sku) for item in self.data.items]

    def _add_payments(self, order: Order) -> bool:
        if not self.data.payments:
            return False
        have = set(order.payments.values_list("method", "reference"))
        corrected = 0
        for p in self.data.payments if self.mirrored is not None else ():
            same = order.payments.filter(method=p.method, reference=p.reference)
            corrected += same.exclude(amount=p.amount, paid_at=p.paid_at).update(amount=p.amount, paid_at=p.paid_at)
        fresh = [
            Payment(
                order=order, method=p.method, reference=p.reference, amount=p.amount,
                currency=p.currency, paid_at=p.paid_at,
            )
            for p in self.data.payments
            if (p.method, p.reference) not in have
        ]  # fmt: skip
        Payment.objects.bulk_create(fresh)
        return bool(fresh or corrected)

    def _take_parcels(self, order: Order) -> bool:
        if not self.data.parcels and self.mirrored is None:
            return False
        ids = carrier_ids()
        have = {
            (p.carrier_id, p.tracking_number): p for p in order.parcels.select_for_update(no_key=True).order_by("pk")
        }
        touched = self._withdraw(have, ids) if self.mirrored is not None else False
        for told in self.data.parcels:
            told = parcel_told(told, self.steps)
            parcel = have.get((ids[told.carrier], told.tracking_number))
            if parcel is None:
                parcel = Parcel(order=order, carrier_id=ids[told.carrier], tracking_number=told.tracking_number)
                have[parcel.carrier_id, parcel.tracking_number] = parcel
            touched |= self._take_parcel(order, parcel, told)
        told_by_parcels = steps_of_parcels(list(have.values()), more_to_come=order.is_partly_sent)
        self._step_facts(order, take_steps(order, told_by_parcels, earlier=self.mirrored is not None))
        return touched

    def _withdraw(self, have: dict[tuple[int, str], Parcel], ids: dict[str, int]) -> bool:
        """Take out parcels the source named once and no longer does, if no carrier knows them."""
        told = {(ids[parcel.carrier], parcel.tracking_number) for parcel in self.data.parcels}
        once = self.mirrored.numbers if self.mirrored is not None else ()
        gone = [k for k, p in have.items() if k not in told and k[1] in once and not p.scans.exists()]
        for key in gone:
            try:
                with transaction.atomic():
                    have[key].delete()
            except ProtectedError:  # something else holds on to it: it stays
                continue
            del have[key]
        return bool(gone)

    def _take_parcel(self, order: Order, parcel: Parcel, told: ParcelData) -> bool:
        is_new, before, was = parcel.pk is None, str(parcel.status), _state(parcel)
        rank_before = parcel.rank
        moment = parcel_moment(told, order, self.at if self.origin == "live" else None)
        take_news(parcel, parcel_news(told, moment), moves=moment != self.at)
        step = step_of(before, str(parcel.status), rank_before=rank_before, rank=parcel.rank)
        if told.expected_at:
            parcel.expected_at, parcel.expected_low, parcel.expected_high = told.expected_at, None, None
        if not is_new and _state(parcel) == was:
            return False
        parcel.version += 0 if is_new else 1
        parcel.save()
        parcel.order = order
        if is_new or step:
            step = step or str(parcel.status)
            payload = ParcelStep(parcel.carrier_id, Code(told.carrier), Code("" if is_new else before), Code(""))
            self.fact(f"parcel.{step}", parcel, step_at(parcel, step) or moment, payload)
        return True


_LEFT_OUT: dict[str, Any] = {
    "recipient": "", "region": "", "buyer_note": "", "street_enc": None, "phone_enc": None, "phone_index": None,
    "phone_last4_index": None,
}  # fmt: skip


def _columns(item: ItemData) -> dict[str, Any]:
    return {"sku": item.sku, "title": item.title, "quantity": item.quantity, "unit_price": item.unit_price}


def _state(parcel: Parcel) -> tuple[Any, ...]:
    return (
        parcel.status, parcel.rank, parcel.rank_at, parcel.shipped_at, parcel.delivered_at, parcel.expected_at,
        parcel.moved_at, parcel.returning_at, parcel.lost_at,
    )  # fmt: skip


def _alike(name: str, have: Any, told: Any) -> bool:
    if told is None:
        return have is None
    if name.endswith("_enc"):
        return have is not None and decrypt(have) == decrypt(told)
    if isinstance(told, bytes):
        return have is not None and bytes(have) == told
    return bool(have == told)

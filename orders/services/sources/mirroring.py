"""Bring an order in line with all its shop system told of it, however often and in whatever order it was told."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from core.actors import Actor
from core.crypto import decrypt, encrypt
from core.events import Code, record
from core.live import announce
from orders.models import CarrierName, Order, Refund, ShopConnection, SourceOrder
from orders.platforms.base import OrderNews
from orders.selectors.carriers import carrier_codes
from orders.services.sources.folding import State, companies, fold, is_partly_sent, numbers_ever, order_of
from orders.services.upserting import Mirrored, upsert_order
from orders.source_events import OrderRefunded

BATCH = 200


@transaction.atomic
def mirror_news(*, connection_id: int, news: OrderNews, actor: Actor, at: datetime) -> Order | None:
    """Take one message's news in; return the order, None while it is not known yet. Raises InvalidOrder.

    What was told of an erased person is not taken in again.
    """
    connection = ShopConnection.objects.select_related("shop").get(pk=connection_id)
    SourceOrder.objects.bulk_create(
        [SourceOrder(connection=connection, source_id=news.source_id)],
        ignore_conflicts=True,
    )
    mirror = SourceOrder.objects.select_for_update(no_key=True).get(connection=connection, source_id=news.source_id)
    if mirror.is_erased:
        return mirror.order
    state = fold(state_of(mirror), news)
    return _settle(connection, mirror, state, actor, at)


def state_of(mirror: SourceOrder) -> State:
    """Return the folded state of a mirrored order."""
    return json.loads(decrypt(mirror.state_enc)) if mirror.state_enc else {}


def _settle(connection: ShopConnection, mirror: SourceOrder, state: State, actor: Actor, at: datetime) -> Order | None:
    book, unknown = carrier_book(companies(state), at)
    data = order_of(state, book)
    order = None
    if data is not None:
        mirrored = Mirrored(is_partly_sent(state), numbers_ever(state))
        order, _what = upsert_order(
            shop_id=connection.shop_id, data=data, actor=actor, at=at, source="hook", mirrored=mirrored
        )
        _mirror_refunds(order, state, actor)
    mirror.order = order
    mirror.told_at = datetime.fromisoformat(state["version"][0]) if state.get("version") else None
    mirror.unmapped = sorted(unknown)
    mirror.state_enc = encrypt(json.dumps(state, sort_keys=True))
    mirror.save(update_fields=["order", "told_at", "unmapped", "state_enc"])
    return order


def carrier_book(told: dict[str, str], at: datetime) -> tuple[dict[str, str], set[str]]:
    """Return names of carriers with our codes, and which of the told names nobody has matched; those are listed."""
    book = carrier_codes()
    for key, code in CarrierName.objects.filter(key__in=told, carrier__isnull=False).values_list(
        "key", "carrier__code"
    ):
        book[key] = code
    unknown = {key for key in told if key not in book}
    CarrierName.objects.bulk_create(
        [CarrierName(key=key, name=told[key], first_at=at) for key in sorted(unknown)], ignore_conflicts=True
    )
    return book, unknown


def _mirror_refunds(order: Order, state: State, actor: Actor) -> None:
    have = {refund.reference: refund for refund in order.refunds.all()}
    touched = False
    for reference, told in sorted(state["repayments"].items()):
        moment, refund = datetime.fromisoformat(told["at"]), have.get(reference)
        values = {
            "amount": Decimal(told["amount"]), "currency": told["currency"] or order.currency, "refunded_at": moment,
            "note": told["note"],
        }  # fmt: skip
        if refund is None:
            Refund.objects.create(order=order, reference=reference, **values)
            payload = OrderRefunded(values["amount"], Code(values["currency"]))
            record("order.refunded", subject=order, actor=actor, at=moment, data=payload, untrusted=True)
            touched = True
        elif any(getattr(refund, name) != value for name, value in values.items()):
            Refund.objects.filter(pk=refund.pk).update(**values)
            touched = True
    if touched:
        announce(f"order.{order.pk}", "order", order.pk, order.version)


def mirror_waiting_names(*, key: str, actor: Actor, at: datetime, after: int = 0) -> int:
    """Bring the next orders whose carrier's name has just been matched in line; return the last id, 0 at the end."""
    ids = SourceOrder.objects.filter(unmapped__contains=[key], pk__gt=after).order_by("pk")
    last = 0
    for pk in list(ids.values_list("pk", flat=True)[:BATCH]):
        last = pk
        with transaction.atomic():
            mirror = (
                SourceOrder.objects.select_for_update(no_key=True, of=("self",))
                .select_related("connection")
                .filter(pk=pk)
                .first()
            )
            if mirror is not None and not mirror.is_erased:
                _settle(mirror.connection, mirror, state_of(mirror), actor, at)
    return last

"""What outgoing webhooks tell of orders and parcels: numbers, states, amounts and times, nothing about a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.models import Event
from notifications.webhook_kinds import register_webhook_kinds
from orders.models import Order, Parcel


@dataclass(frozen=True)
class OrderNews:
    """An order as it stands when the message is written; `type` says what happened to it."""

    order_id: int
    order_number: str
    shop: str
    status: str
    total: Decimal
    paid: Decimal
    currency: str
    placed_at: datetime
    promised_at: datetime | None
    delivered_at: datetime | None
    happened_at: datetime


@dataclass(frozen=True)
class ParcelNews:
    """A parcel as it stands when the message is written; `type` says what happened to it."""

    parcel_id: int
    tracking_number: str
    carrier: str
    status: str
    expected_at: datetime | None
    delivered_at: datetime | None
    last_scan_at: datetime | None
    order_id: int
    order_number: str
    shop: str
    happened_at: datetime


def order_news(events: list[Event]) -> dict[int, Any]:
    """Return the payloads of order events by event id; one statement."""
    rows = Order.objects.select_related("shop").in_bulk({event.subject_id for event in events})
    return {event.pk: _order(rows[event.subject_id], event) for event in events if event.subject_id in rows}


def parcel_news(events: list[Event]) -> dict[int, Any]:
    """Return the payloads of parcel events by event id; one statement."""
    rows = Parcel.objects.select_related("carrier", "order__shop").in_bulk({event.subject_id for event in events})
    return {event.pk: _parcel(rows[event.subject_id], event) for event in events if event.subject_id in rows}


def _order(order: Order, event: Event) -> OrderNews:
    return OrderNews(
        order.pk, order.number, order.shop.code, order.status, order.total, order.paid, order.currency,
        order.placed_at, order.promised_at, order.delivered_at, event.at,
    )  # fmt: skip


def _parcel(parcel: Parcel, event: Event) -> ParcelNews:
    order = parcel.order
    return ParcelNews(
        parcel.pk, parcel.tracking_number, parcel.carrier.code, parcel.status, parcel.expected_at, parcel.delivered_at,
        parcel.last_scan_at, order.pk, order.number, order.shop.code, event.at,
    )  # fmt: skip


register_webhook_kinds(
    _("Orders"),
    {
        "order.placed": _("Order placed"),
        "order.paid": _("Order paid"),
        "order.packed": _("Order packed"),
        "order.shipped": _("Order shipped"),
        "order.delivered": _("Order delivered"),
        "order.completed": _("Order completed"),
        "order.cancelled": _("Order cancelled"),
        "order.changed": _("Order changed"),
    },
    payload=OrderNews,
    build=order_news,
)
register_webhook_kinds(
    _("Parcels"),
    {
        "parcel.created": _("Label written"),
        "parcel.picked_up": _("Parcel picked up"),
        "parcel.in_transit": _("Parcel in transit"),
        "parcel.out_for_delivery": _("Parcel out for delivery"),
        "parcel.ready_for_pickup": _("Parcel ready for pickup"),
        "parcel.delivered": _("Parcel delivered"),
        "parcel.refused": _("Parcel refused"),
        "parcel.returning": _("Parcel on its way back"),
        "parcel.returned": _("Parcel returned"),
        "parcel.lost": _("Parcel lost"),
    },
    payload=ParcelNews,
    build=parcel_news,
)

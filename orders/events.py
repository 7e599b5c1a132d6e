"""Events of the orders app."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.events import Code, declare


@dataclass(frozen=True)
class OrderPlaced:
    """An order came in."""

    total: Decimal
    currency: Code
    item_count: int
    source: Code
    promised_at: datetime | None = None


@dataclass(frozen=True)
class OrderPaid:
    """The shop told us of a payment."""

    amount: Decimal
    currency: Code
    method: Code


@dataclass(frozen=True)
class OrderStep:
    """An order moved on; `before` is the status it had."""

    before: Code


@dataclass(frozen=True)
class OrderChanged:
    """The shop corrected an order; which fields (codes)."""

    fields: tuple[Code, ...]


@dataclass(frozen=True)
class ParcelStep:
    """A parcel reached a higher rank, was lost, or was found and is again where it had come to."""

    carrier_id: int
    carrier: Code
    before: Code
    scan_code: Code


@dataclass(frozen=True)
class ParcelProblem:
    """The carrier met a problem with a parcel that has this status; told again only once it had moved on."""

    carrier_id: int
    carrier: Code
    status: Code
    scan_code: Code


@dataclass(frozen=True)
class ImportFinished:
    """A file is in."""

    rows: int
    bad: int
    new: int
    changed: int
    same: int


@dataclass(frozen=True)
class ShopChanged:
    """A shop's settings changed; which (codes)."""

    fields: tuple[Code, ...]


declare("shop.added")
declare("shop.changed", ShopChanged)
declare("carrier.saved")
declare("order.placed", OrderPlaced)
declare("order.paid", OrderPaid)
for step in ("packed", "shipped", "delivered", "completed", "cancelled"):
    declare(f"order.{step}", OrderStep)
declare("order.changed", OrderChanged)
declare("order.link_renewed")
for step in (
    "created",
    "picked_up",
    "in_transit",
    "out_for_delivery",
    "ready_for_pickup",
    "delivered",
    "refused",
    "returning",
    "returned",
    "lost",
    "found",
):
    declare(f"parcel.{step}", ParcelStep)
declare("parcel.problem_reported", ParcelProblem)
declare("import.finished", ImportFinished)

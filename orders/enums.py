"""States of orders and parcels, and which step may follow which."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class OrderStatus(models.TextChoices):
    """The life of an order."""

    PLACED = "placed", _("Placed")
    PAID = "paid", _("Paid")
    PACKED = "packed", _("Packed")
    SHIPPED = "shipped", _("Shipped")
    DELIVERED = "delivered", _("Delivered")
    COMPLETED = "completed", _("Completed")
    CANCELLED = "cancelled", _("Cancelled")


ORDER_RANK = {
    OrderStatus.PLACED: 10,
    OrderStatus.PAID: 20,
    OrderStatus.PACKED: 30,
    OrderStatus.SHIPPED: 40,
    OrderStatus.DELIVERED: 50,
    OrderStatus.COMPLETED: 60,
    OrderStatus.CANCELLED: 70,
}
"""An order only moves to a higher rank; late news of an earlier step fills in its time, never moves it back."""

ORDER_TRANSITIONS: dict[str, frozenset[str]] = {
    status: frozenset(
        other
        for other, rank in ORDER_RANK.items()
        if rank > ORDER_RANK[status]
        and not (other == OrderStatus.CANCELLED and status in {OrderStatus.DELIVERED, OrderStatus.COMPLETED})
    )
    for status in OrderStatus
}


class ParcelStatus(models.TextChoices):
    """The life of a parcel."""

    CREATED = "created", _("Label created")
    PICKED_UP = "picked_up", _("Picked up")
    IN_TRANSIT = "in_transit", _("In transit")
    OUT_FOR_DELIVERY = "out_for_delivery", _("Out for delivery")
    READY_FOR_PICKUP = "ready_for_pickup", _("Ready for pickup")
    DELIVERED = "delivered", _("Delivered")
    REFUSED = "refused", _("Refused")
    RETURNING = "returning", _("On its way back")
    RETURNED = "returned", _("Returned")
    LOST = "lost", _("Lost")


class ScanStatus(models.TextChoices):
    """What one scan says: a parcel's status, or that something is wrong without moving it."""

    CREATED = "created", _("Label created")
    PICKED_UP = "picked_up", _("Picked up")
    IN_TRANSIT = "in_transit", _("In transit")
    OUT_FOR_DELIVERY = "out_for_delivery", _("Out for delivery")
    READY_FOR_PICKUP = "ready_for_pickup", _("Ready for pickup")
    DELIVERED = "delivered", _("Delivered")
    REFUSED = "refused", _("Refused")
    RETURNING = "returning", _("On its way back")
    RETURNED = "returned", _("Returned")
    LOST = "lost", _("Lost")
    PROBLEM = "problem", _("Problem on the way")


PARCEL_RANK = {
    ParcelStatus.CREATED: 10,
    ParcelStatus.PICKED_UP: 20,
    ParcelStatus.IN_TRANSIT: 30,
    ParcelStatus.OUT_FOR_DELIVERY: 40,
    ParcelStatus.READY_FOR_PICKUP: 45,
    ParcelStatus.REFUSED: 50,
    ParcelStatus.RETURNING: 55,
    ParcelStatus.DELIVERED: 60,
    ParcelStatus.RETURNED: 70,
}
"""How far a parcel came. News only ever raises it, so any order and repetition of news gives the same state.

On its way back after a delivery is RANK_SENT_BACK. Lost is no rank: see orders.services.folding.
"""

RANK_SENT_BACK = 65
PARCEL_ENDED = frozenset({ParcelStatus.DELIVERED, ParcelStatus.REFUSED, ParcelStatus.RETURNED, ParcelStatus.LOST})
PARCEL_UNDER_WAY = (
    ParcelStatus.PICKED_UP,
    ParcelStatus.IN_TRANSIT,
    ParcelStatus.OUT_FOR_DELIVERY,
    ParcelStatus.READY_FOR_PICKUP,
    ParcelStatus.RETURNING,
)
PARCEL_FOLLOWED = (ParcelStatus.CREATED, *PARCEL_UNDER_WAY, ParcelStatus.REFUSED)
"""Parcels a provider may still tell of: one that was refused comes back."""


class ImportKind(models.TextChoices):
    """What the rows of a file are."""

    ORDERS = "orders", _("Orders")
    ITEMS = "items", _("Order items")
    PARCELS = "parcels", _("Parcels")
    PRODUCTS = "products", _("Products and stock")
    CUSTOMERS = "customers", _("Customers")
    PROMOTIONS = "promotions", _("Promotions")


class ImportState(models.TextChoices):
    """The life of a file import."""

    UPLOADED = "uploaded", _("Uploaded")
    CHECKING = "checking", _("Checking")
    CHECKED = "checked", _("Checked")
    RUNNING = "running", _("Importing")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


IMPORT_TRANSITIONS: dict[str, frozenset[str]] = {
    ImportState.UPLOADED: frozenset({ImportState.CHECKING, ImportState.CANCELLED, ImportState.FAILED}),
    ImportState.CHECKING: frozenset({ImportState.CHECKED, ImportState.CANCELLED, ImportState.FAILED}),
    ImportState.CHECKED: frozenset({ImportState.CHECKING, ImportState.RUNNING, ImportState.CANCELLED}),
    ImportState.RUNNING: frozenset({ImportState.DONE, ImportState.CANCELLED, ImportState.FAILED}),
    ImportState.DONE: frozenset(),
    ImportState.FAILED: frozenset({ImportState.CHECKING, ImportState.CANCELLED}),
    ImportState.CANCELLED: frozenset(),
}


class HookState(models.TextChoices):
    """What became of a webhook message."""

    STORED = "stored", _("Received")
    WAITING = "waiting", _("Waiting for its order")
    APPLIED = "applied", _("Applied")
    REFUSED = "refused", _("Refused")

"""An order as it stood at a moment: a fold of the events up to it, never of the rows of today.

Events of one subject are taken in the order they were written (that is causal), those whose moment had come. So news
that came late stands at the moment it was of: what is known today of that time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Max, Min, QuerySet

from core.models import Event
from core.stories import kinds_of_state, kinds_told, story_doors
from orders.enums import ORDER_RANK, OrderStatus, ParcelStatus
from orders.models import Order

STEPS = tuple(f"order.{status.value}" for status in OrderStatus)
PROMISES = ("order.promise_changed",)
PARCELS = (*(f"parcel.{status.value}" for status in ParcelStatus), "parcel.found")
EXCEPTIONS = ("exception.opened", "exception.closed")
STATE_KINDS = (*STEPS, *PROMISES, *PARCELS, *EXCEPTIONS)
MOST = 5000


@dataclass
class OrderThen:
    """How an order stood: status ("" before it was placed), promise, parcel id → status, exception id → kind."""

    status: str = ""
    promised_at: datetime | None = None
    parcels: dict[int, str] = field(default_factory=dict)
    exceptions: dict[int, str] = field(default_factory=dict)


def fold_order(events: Iterable[Event]) -> OrderThen:
    """Return how an order stood after these events, given by id."""
    then, lost_from = OrderThen(), dict[int, str]()
    for event in events:
        subject, step = event.kind.split(".", 1)
        if subject == "parcel":
            _take_parcel_step(then, lost_from, event.subject_id, step)
        elif subject == "exception" and step == "opened":
            then.exceptions[event.subject_id] = event.data["kind"]
        elif subject == "exception":
            then.exceptions.pop(event.subject_id, None)
        elif step == "promise_changed":
            then.promised_at = datetime.fromisoformat(event.data["promised_at"])
        else:
            if ORDER_RANK[OrderStatus(step)] > ORDER_RANK.get(then.status, 0):  # type: ignore[call-overload]
                then.status = step
            if step == "placed" and event.data.get("promised_at"):
                then.promised_at = datetime.fromisoformat(event.data["promised_at"])
    return then


def _take_parcel_step(then: OrderThen, lost_from: dict[int, str], parcel_id: int, step: str) -> None:
    if step == "lost":
        lost_from[parcel_id] = then.parcels.get(parcel_id, "created")
    then.parcels[parcel_id] = lost_from.get(parcel_id, "created") if step == "found" else step


def events_until(order: Order, viewer: Any, at: datetime) -> list[Event]:
    """Return the events by which an order's state at a moment is told to this viewer, by id."""
    return list(_told(order, viewer, kinds_of_state(viewer)).filter(at__lte=at).order_by("-id")[:MOST])[::-1]


def moments_around(order: Order, viewer: Any, at: datetime) -> dict[str, datetime | None]:
    """Return the first and last moment of an order's story, the one before `at` and the one after it."""
    told = _told(order, viewer, kinds_told(viewer))
    earlier = told.filter(at__lt=at).aggregate(first=Min("at"), previous=Max("at"))
    return earlier | told.filter(at__gt=at).aggregate(next=Min("at"), last=Max("at"))


def _told(order: Order, viewer: Any, kinds: tuple[str, ...]) -> QuerySet[Event]:
    return Event.objects.filter(*story_doors(viewer), order_id=order.pk, kind__in=kinds)

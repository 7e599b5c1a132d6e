"""What a customer can do from the tracking page: each app adds its own door (contact; chat and returns with theirs).

Apps call `register_tracking_door` in `<app>/registrations.py`; nothing else of the page has to change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.errors import Text
from orders.models import Order


@dataclass(frozen=True)
class TrackingDoor:
    """One way on from the page; `url` returns "" where the door is closed for an order."""

    key: str
    label: Text
    hint: Text
    icon: str
    order: int
    url: Callable[[Order], str]


@dataclass(frozen=True)
class OpenDoor:
    """A door as the page shows it."""

    label: Text
    hint: Text
    icon: str
    url: str


DOORS: dict[str, TrackingDoor] = {}


def register_tracking_door(
    key: str, label: Text, hint: Text, icon: str, order: int, url: Callable[[Order], str]
) -> None:
    """Offer a way on beside every tracked order; `url` must ask the database nothing."""
    DOORS[key] = TrackingDoor(key, label, hint, icon, order, url)


def doors_of(order: Order) -> list[OpenDoor]:
    """Return the doors open for an order, in their order."""
    doors = sorted(DOORS.values(), key=lambda door: door.order)
    return [OpenDoor(door.label, door.hint, door.icon, url) for door in doors if (url := door.url(order))]

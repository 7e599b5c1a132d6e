"""What reached a person while two records were joined, and goes with its contact when they are taken apart.

Apps above register how they find such rows and how they hand them over; customers know neither tickets nor orders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.actors import Actor
from core.errors import Text


@dataclass(frozen=True)
class Came:
    """Where to look: what belongs to `customer_id`, came since, and came by a contact with one of these."""

    customer_id: int
    since: datetime
    digests: frozenset[bytes]


type Find = Callable[[Came], list[int]]
type Give = Callable[[Sequence[int], int, Actor, datetime], int]


@dataclass(frozen=True)
class Arrivals:
    """One app's rows: their name for people, how to find them, how to hand them to a customer."""

    label: Text
    find: Find
    give: Give


ARRIVALS: dict[str, Arrivals] = {}


def register_arrivals(name: str, label: Text, *, find: Find, give: Give) -> None:
    """Have an app's rows go with the contact they came by. Handing over happens in the order of the names."""
    ARRIVALS[name] = Arrivals(label, find, give)

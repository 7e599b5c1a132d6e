"""Customers with encrypted phones and addresses, found by their digests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

from bench.seeding.loading import Connection, copy_rows
from bench.seeding.words import MOST_TAILS, person_name, phone_of
from core.crypto import encrypt
from core.text import pinyin_key
from customers.selectors import identity_index, last4_index

CUSTOMER = ("id", "name", "name_key", "tier", "language", "tags", "note", "is_blocked", "created_at", "version")
IDENTITY = ("customer_id", "kind", "value_enc", "value_index", "last4_index", "is_primary", "created_at")
TIERS, TIER_WEIGHTS = ("standard", "silver", "gold", "vip"), (80, 12, 6, 2)
ZIPF = 0.8


class Crowd:
    """The customers by rank; a few buy and write very often, most once."""

    def __init__(self, size: int, pick: Random, tails: int) -> None:
        self.size = size
        self.tails = tails
        self._pick = pick
        self._weights = list(accumulate((rank + 1) ** -ZIPF for rank in range(size)))
        self._ids = list(range(1, size + 1))
        pick.shuffle(self._ids)

    def draw(self, count: int) -> list[int]:
        """Return `count` customer ids, the popular ones more often."""
        return self._pick.choices(self._ids, cum_weights=self._weights, k=count)


def seed_people(connection: Connection, size: int, at: datetime, pick: Random, tails: int = MOST_TAILS) -> Crowd:
    """Write the customers and their identities; their phones have so many endings."""
    copy_rows(connection, "customers_customer", CUSTOMER, _customers(size, at, pick))
    copy_rows(connection, "customers_identity", IDENTITY, _identities(size, at, tails))
    return Crowd(size, pick, tails)


def _customers(size: int, at: datetime, pick: Random) -> Iterator[tuple[object, ...]]:
    for number in range(1, size + 1):
        name = person_name(pick)
        tier = pick.choices(TIERS, TIER_WEIGHTS)[0]
        since = at - timedelta(days=420 * (1 - number / size))
        yield number, name, pinyin_key(name), tier, "zh-hans", [], "", False, since, 1


def _identities(size: int, at: datetime, tails: int) -> Iterator[tuple[object, ...]]:
    for number in range(1, size + 1):
        phone, email = phone_of(number, tails), f"customer{number}@mail.example"
        yield number, "phone", encrypt(phone), identity_index("phone", phone), last4_index(phone), True, at
        yield number, "email", encrypt(email), identity_index("email", email), None, True, at

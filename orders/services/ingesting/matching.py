"""Whose scans are told: the parcels that bear a number, as the provider names their carrier."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from orders.enums import PARCEL_ENDED
from orders.models import CarrierCompany, Parcel, Tracking
from orders.services.ingesting import statements
from orders.services.ingesting.reading import Told


@dataclass(slots=True)
class OrderRow:
    """A locked order, as far as its parcels move it; names are those of the model."""

    id: int
    shop_id: int
    customer_id: int
    status: str
    paid_at: datetime | None
    packed_at: datetime | None
    shipped_at: datetime | None
    delivered_at: datetime | None
    completed_at: datetime | None
    cancelled_at: datetime | None
    is_history: bool
    is_partly_sent: bool
    created_at: datetime
    version: int
    parcels: list[ParcelRow] = field(default_factory=list)


@dataclass(slots=True)
class ParcelRow:
    """A locked parcel, as far as its fold goes; names are those of the model."""

    id: int
    order_id: int
    carrier_id: int
    tracking_number: str
    status: str
    rank: int
    rank_at: datetime | None
    shipped_at: datetime | None
    delivered_at: datetime | None
    moved_at: datetime | None
    lost_at: datetime | None
    problem_at: datetime | None
    problem_code: str

    @property
    def is_in_trouble(self) -> bool:
        """Say whether the last that was told of an open parcel is a problem, as the model does."""
        if self.problem_at is None or self.status in PARCEL_ENDED:
            return False
        return self.moved_at is None or self.problem_at >= self.moved_at


@dataclass(slots=True)
class Matched:
    """Traces with their parcels, orders and parcels locked; what nobody bears waits, what others hold is left."""

    pairs: list[tuple[Told, list[ParcelRow]]] = field(default_factory=list)
    unknown: list[Told] = field(default_factory=list)
    left: set[int] = field(default_factory=set)
    followed: set[str] = field(default_factory=set)
    orders: dict[int, OrderRow] = field(default_factory=dict)


def match(told: Sequence[Told]) -> Matched:
    """Find and lock the parcels that traces are about: orders first, by their ids, never waiting for one."""
    matched = Matched()
    numbers = sorted({one.number for one in told})
    meant, matched.followed = _carriers_meant(told, numbers)
    bearers: dict[tuple[int, str], set[int]] = defaultdict(set)
    rows = Parcel.objects.filter(tracking_number__in=numbers)
    for order_id, carrier_id, number in rows.values_list("order_id", "carrier_id", "tracking_number"):
        bearers[carrier_id, number].add(order_id)
    wanted = [(one, meant.get(id(one))) for one in told]
    order_ids = sorted({pk for one, carrier in wanted if carrier for pk in bearers.get((carrier, one.number), ())})
    matched.orders = {row[0]: OrderRow(*row) for row in _rows(statements.LOCK_ORDERS, order_ids)}
    locked: dict[tuple[int, str], list[ParcelRow]] = defaultdict(list)
    for row in _rows(statements.LOCK_PARCELS, list(matched.orders)):
        parcel = ParcelRow(*row)
        matched.orders[parcel.order_id].parcels.append(parcel)
        locked[parcel.carrier_id, parcel.tracking_number].append(parcel)
    for one, carrier in wanted:
        orders = bearers.get((carrier, one.number), set()) if carrier else set()
        parcels = locked.get((carrier, one.number), []) if carrier else []
        if not orders:
            matched.unknown.append(one)
        elif {parcel.order_id for parcel in parcels} >= orders:
            matched.pairs.append((one, parcels))
        else:
            matched.left.add(one.push.id)
    return matched


def _carriers_meant(told: Sequence[Told], numbers: list[str]) -> tuple[dict[int, int], set[str]]:
    """Return for each trace (by identity) the carrier its provider means, as carrying.following.carrier_meant does,
    and which numbers are followed at all.

    A followed number that was corrected to the told company comes first, then the company's own carrier, then, of an
    unknown company, the only number of that name.
    """
    accounts = {one.push.account_id for one in told}
    companies = {
        (account, code): carrier
        for account, code, carrier in CarrierCompany.objects.filter(account_id__in=accounts).values_list(
            "account_id", "code", "carrier_id"
        )
    }
    followed: dict[tuple[int, str], list[tuple[int, str]]] = defaultdict(list)
    rows = Tracking.objects.filter(account_id__in=accounts, tracking_number__in=numbers)
    for account, number, carrier, company in rows.values_list(
        "account_id", "tracking_number", "carrier_id", "company"
    ):  # fmt: skip
        followed[account, number].append((carrier, company))
    meant = {}
    for one in told:
        account, company = one.push.account_id, one.trace.company
        known = followed.get((account, one.number), [])
        corrected = [carrier for carrier, name in known if name and name == company]
        found = corrected[0] if corrected else companies.get((account, company))
        if found is None and len(known) == 1:
            found = known[0][0]
        if found is not None:
            meant[id(one)] = found
    return meant, {number for _account, number in followed}


def _rows(statement: str, ids: list[int]) -> list[tuple[Any, ...]]:
    if not ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(statement, [ids])
        return list(cursor.fetchall())

"""Say when parcels will come, how surely they miss their promise, and from when their silence is suspicious.

Everything is worked out for many parcels at once: one statement reads them under lock, one writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from core.actors import SYSTEM
from core.events import Code, Fact, record_many
from core.live import announce
from orders.enums import ParcelStatus
from orders.estimate_enums import COMING, ESTIMATED, LateLevel
from orders.estimate_events import LateRisk
from orders.gazetteer import region_of
from orders.models import ArrivalEstimate, Order, Parcel
from orders.services.estimates.lanes import Lanes, current_lanes
from orders.services.estimates.quantiles import HIGH, LOW, MID, chance_of_more, given_age

AT_ONCE = 500
LEVELS = ((0.8, LateLevel.LIKELY), (0.5, LateLevel.POSSIBLE))
LEVEL_CODES = {LateLevel.POSSIBLE: "possible", LateLevel.LIKELY: "likely"}
SOONEST, LATEST = timedelta(minutes=30), timedelta(hours=12)
GIVEN_UP = timedelta(days=60)
"""A parcel nobody heard of for so long is not looked at again until it moves."""

_READ = """
SELECT p.id, p.order_id, o.customer_id, o.shop_id, p.carrier_id, c.code, p.status, p.rank_at, p.shipped_at,
       p.delivered_at, p.last_scan_at, p.created_at, p.expected_at, p.expected_low, p.late_level, p.estimated_status,
       o.placed_at, o.promised_at, o.is_history, o.region, s.ships_from,
       o.delivered_at IS NULL AND o.cancelled_at IS NULL, f.place
  FROM orders_parcel p JOIN orders_order o ON o.id = p.order_id JOIN orders_shop s ON s.id = o.shop_id
       JOIN orders_carrier c ON c.id = p.carrier_id
       LEFT JOIN LATERAL (SELECT n.place FROM orders_scan n WHERE n.parcel_id = p.id AND n.place <> ''
                           ORDER BY n.at, n.id LIMIT 1) f ON true
 WHERE p.id = ANY(%s) ORDER BY p.id FOR NO KEY UPDATE OF p
"""
_WRITE = """
UPDATE orders_parcel AS p
   SET expected_at = v.expected, expected_low = v.low, expected_high = v.high, quiet_at = v.quiet, late_level = v.level,
       estimated_status = v.status, estimated_scan_at = p.last_scan_at, estimate_due_at = v.due
  FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::smallint[],
              %s::text[], %s::timestamptz[]) AS v (id, expected, low, high, quiet, level, status, due)
 WHERE p.id = v.id
"""
_SETTLE = """
UPDATE orders_arrival_estimate AS e SET arrived_at = p.delivered_at
  FROM orders_parcel p
 WHERE p.id = e.parcel_id AND e.parcel_id = ANY(%s) AND p.status = 'delivered'
   AND e.arrived_at IS DISTINCT FROM p.delivered_at
"""
_STALE = """
SELECT id FROM orders_parcel
 WHERE NOT (estimated_status = status)
   AND (status IN ('created', 'picked_up', 'in_transit', 'out_for_delivery', 'ready_for_pickup', 'returning')
        OR NOT (estimated_status = ''))
 ORDER BY id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
"""
_DUE = """
SELECT id FROM orders_parcel WHERE estimate_due_at IS NOT NULL AND estimate_due_at <= %s
 ORDER BY estimate_due_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
"""


@dataclass(slots=True)
class Looked:
    """A parcel as it was read, in the order of the statement's columns, and what becomes of it."""

    id: int
    order_id: int
    customer_id: int
    shop_id: int
    carrier_id: int
    carrier: str
    status: str
    rank_at: datetime | None
    shipped_at: datetime | None
    delivered_at: datetime | None
    last_scan_at: datetime | None
    created_at: datetime
    expected: datetime | None
    low: datetime | None
    level: int
    estimated_status: str
    placed_at: datetime
    promised_at: datetime | None
    is_history: bool
    region: str
    ships_from: str
    is_open: bool
    first_place: str | None
    high: datetime | None = None
    quiet: datetime | None = None
    due: datetime | None = None
    chance: float = 0.0
    stat_level: int = 0
    is_learnt: bool = False


@transaction.atomic
def refresh_estimates(*, parcel_ids: Iterable[int], at: datetime) -> int:
    """Estimate these parcels anew: expected_at with its 80 % interval, quiet_at, the risk to be late; return how many.

    A date told by the shop or carrier stays while it lies ahead. Records parcel.late_risk once per parcel and level,
    never for history; keeps the first estimate of each status, and settles those of what has arrived.
    """
    ids = sorted(set(parcel_ids))
    if not ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_READ, [ids])
        parcels = [Looked(*row) for row in cursor.fetchall()]
    lanes, facts, orders = current_lanes(), [], set()
    for parcel in parcels:
        before, was = parcel.level, parcel.expected
        _look(parcel, lanes, at)
        if parcel.level > before:
            facts.append(_fact(parcel, at))
        if parcel.level != before or _moved(was, parcel.expected):
            orders.add(parcel.order_id)
    _save(parcels, lanes, at)
    record_many(facts, origin="live")
    for order_id in orders:
        announce(f"order.{order_id}", "order", order_id)
    return len(parcels)


def refresh_due(*, at: datetime) -> int:
    """Estimate what moved on since it was estimated, and what is due to be looked at; return how many."""
    return _some(_STALE, [AT_ONCE], at) + _some(_DUE, [at, AT_ONCE], at)


@transaction.atomic
def _some(statement: str, values: list[datetime | int], at: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        ids = [row[0] for row in cursor.fetchall()]
    return refresh_estimates(parcel_ids=ids, at=at)


def _look(parcel: Looked, lanes: Lanes, at: datetime) -> None:
    """Work one parcel out; what is not coming any more has no expectation left but the one it had."""
    last = parcel.last_scan_at or parcel.rank_at or parcel.created_at
    if parcel.status in ESTIMATED:
        place = lanes.place(parcel.status, parcel.carrier_id, *_regions(parcel))
        parcel.quiet = last + timedelta(hours=lanes.silence(place))
    if parcel.status in COMING and parcel.is_open:
        _expect(parcel, lanes, at)
    else:
        if parcel.low is not None and parcel.status != ParcelStatus.DELIVERED:
            parcel.expected = None  # what was learnt of its coming says nothing of its way back
        parcel.low = None
    parcel.due = _due(parcel, last, at)


def _due(parcel: Looked, last: datetime, at: datetime) -> datetime | None:
    """Return when to look again: before it arrives, and when its silence becomes suspicious."""
    if parcel.quiet is None or not parcel.is_open or at - last > GIVEN_UP:
        return None
    ahead = (parcel.expected - at) / 4 if parcel.expected else LATEST
    due = at + min(max(ahead, SOONEST), LATEST)
    return parcel.quiet if at < parcel.quiet < due else due


def _expect(parcel: Looked, lanes: Lanes, at: datetime) -> None:
    is_told = parcel.expected is not None and parcel.low is None
    since, leg, level = _leg(parcel, lanes)
    if leg is None:
        parcel.low = None
        return
    age = max(0.0, (at - since) / timedelta(hours=1))
    if not (is_told and parcel.expected and parcel.expected > at):
        low, mid, high = (since + timedelta(hours=given_age(leg, age, point)) for point in (LOW, MID, HIGH))
        parcel.low, parcel.expected, parcel.high = low, max(low, mid), max(low, mid, high)
        parcel.stat_level, parcel.is_learnt = level, True
    if parcel.promised_at is None or parcel.is_history or parcel.promised_at <= at:
        return
    parcel.chance = chance_of_more(leg, age, (parcel.promised_at - since) / timedelta(hours=1))
    reached = next((level for least, level in LEVELS if parcel.chance >= least), LateLevel.NONE)
    parcel.level = max(parcel.level, reached)


def _leg(parcel: Looked, lanes: Lanes) -> tuple[datetime, Sequence[float] | None, int]:
    """Return since when the parcel is on its leg and how long it takes; an earlier leg where this one is unknown."""
    regions = _regions(parcel)
    for status, since in (
        (parcel.status, parcel.rank_at if parcel.status != ParcelStatus.CREATED else None),
        (ParcelStatus.PICKED_UP, parcel.shipped_at),
        (ParcelStatus.CREATED, parcel.placed_at),
    ):
        if since is not None and (found := lanes.leg(lanes.place(status, parcel.carrier_id, *regions))):
            return since, *found
    return parcel.placed_at, None, 0


def _regions(parcel: Looked) -> tuple[str, str]:
    origin = region_of(parcel.first_place).province if parcel.first_place else ""
    return origin or region_of(parcel.ships_from).province, region_of(parcel.region).key


def _moved(before: datetime | None, after: datetime | None) -> bool:
    """Say whether people would see another expected day or hour."""
    if before is None or after is None:
        return before is not after
    return abs(after - before) > timedelta(hours=1)


def _fact(parcel: Looked, at: datetime) -> Fact:
    assert parcel.promised_at is not None
    code = LEVEL_CODES[LateLevel(parcel.level)]
    chance = min(100, round(parcel.chance * 100))
    expected = parcel.expected or parcel.promised_at
    data = LateRisk(parcel.carrier_id, Code(parcel.carrier), Code(code), chance, parcel.promised_at, expected)
    subject = Parcel(pk=parcel.id, order_id=parcel.order_id)
    subject.order = Order(pk=parcel.order_id, customer_id=parcel.customer_id, shop_id=parcel.shop_id)
    return Fact("parcel.late_risk", subject, SYSTEM, at, data)


def _save(parcels: Sequence[Looked], lanes: Lanes, at: datetime) -> None:
    columns: list[Any] = [
        [p.id for p in parcels], [p.expected for p in parcels], [p.low for p in parcels],
        [p.high if p.low else None for p in parcels], [p.quiet for p in parcels], [p.level for p in parcels],
        [p.status for p in parcels], [p.due for p in parcels],
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, columns)
        arrived = [p.id for p in parcels if p.status == ParcelStatus.DELIVERED]
        if arrived:
            cursor.execute(_SETTLE, [arrived])
    ArrivalEstimate.objects.bulk_create(
        [
            ArrivalEstimate(
                parcel_id=p.id, carrier_id=p.carrier_id, status=p.status, model_id=lanes.model_id, level=p.stat_level,
                made_at=at, expected_at=p.expected, low_at=p.low, high_at=p.high,
            )
            for p in parcels
            if p.is_learnt and p.status != p.estimated_status and p.expected and p.low and p.high
        ],
        ignore_conflicts=True,
    )  # fmt: skip

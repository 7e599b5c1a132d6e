"""Learn from what arrived: how long each leg takes by carrier and lane, and how long parcels are silent meanwhile.

Read set-based in a transaction that writes nothing (so it holds no fold back), drawn together in memory, and written as
one new version in a short one. What is imported as history teaches too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection, transaction

from orders.enums import ParcelStatus
from orders.estimate_enums import StatKind
from orders.gazetteer import region_of
from orders.models import LaneModel, LaneStat
from orders.services.estimates.quantiles import GRID, of_known_point, shrunk

logger = logging.getLogger(__name__)
WINDOW = timedelta(days=180)
MOST_PARCELS = 200_000
MIN_COUNT = 5
WEIGHT = 25.0
KEPT_MODELS = 14
MAX_HOURS = 24 * 60

QUIET_POINT = 0.95
USUAL_SILENCE = {
    ParcelStatus.CREATED: 48.0,
    ParcelStatus.PICKED_UP: 30.0,
    ParcelStatus.IN_TRANSIT: 48.0,
    ParcelStatus.OUT_FOR_DELIVERY: 14.0,
    ParcelStatus.READY_FOR_PICKUP: 72.0,
    ParcelStatus.RETURNING: 72.0,
}
"""Hours that 19 of 20 parcels are never silent for, before a lane's own history says it better."""

_ARRIVED = """
WITH arrived AS MATERIALIZED (
    SELECT p.id, p.carrier_id, p.shipped_at, p.delivered_at, o.placed_at, o.region, s.ships_from
      FROM orders_parcel p JOIN orders_order o ON o.id = p.order_id JOIN orders_shop s ON s.id = o.shop_id
     WHERE p.status = 'delivered' AND p.delivered_at > %(since)s AND p.delivered_at <= %(until)s
     ORDER BY p.delivered_at DESC, p.id DESC LIMIT %(most)s),
scanned AS MATERIALIZED (
    SELECT a.*, COALESCE(f.place, a.ships_from) AS origin, f.transit_at, f.out_at, f.ready_at
      FROM arrived a LEFT JOIN LATERAL (
        SELECT (array_agg(c.place ORDER BY c.at, c.id) FILTER (WHERE c.place <> ''))[1] AS place,
               min(c.at) FILTER (WHERE c.status = 'in_transit') AS transit_at,
               min(c.at) FILTER (WHERE c.status = 'out_for_delivery') AS out_at,
               min(c.at) FILTER (WHERE c.status = 'ready_for_pickup') AS ready_at
          FROM orders_scan c WHERE c.parcel_id = a.id) f ON true)
"""
_TEXTS = _ARRIVED + "SELECT DISTINCT region FROM scanned UNION SELECT DISTINCT origin FROM scanned"
_COUNT = _ARRIVED + "SELECT count(*) FROM arrived"
_PLACES = """,
places AS MATERIALIZED (
    SELECT * FROM unnest(%(texts)s::text[], %(provinces)s::text[], %(keys)s::text[]) AS t (text, province, key)),
laned AS MATERIALIZED (
    SELECT a.*, COALESCE(f.province, '') AS from_province, COALESCE(t.province, '') AS to_province,
           COALESCE(t.key, '') AS to_key
      FROM scanned a LEFT JOIN places f ON f.text = a.origin LEFT JOIN places t ON t.text = a.region)
"""
_GROUPED = """
    GROUP BY GROUPING SETS ((status), (status, carrier_id), (status, carrier_id, to_province),
                            (status, carrier_id, from_province, to_key))
    HAVING count(*) >= %(least)s
"""
_SELECTED = """
SELECT status, GROUPING(carrier_id, to_province, from_province, to_key) AS grouped, carrier_id, from_province,
       to_province, to_key, count(*),
       percentile_cont(%(grid)s::float8[]) WITHIN GROUP (ORDER BY hours)
"""
_LEGS = (
    _ARRIVED
    + _PLACES
    + """, legs AS (
    SELECT l.carrier_id, l.from_province, l.to_province, l.to_key, v.status,
           extract(epoch FROM l.delivered_at - v.since)::float8 / 3600 AS hours
      FROM laned l CROSS JOIN LATERAL (VALUES ('created', l.placed_at), ('picked_up', l.shipped_at),
           ('in_transit', l.transit_at), ('out_for_delivery', l.out_at),
           ('ready_for_pickup', l.ready_at)) AS v (status, since)
     WHERE v.since IS NOT NULL AND l.delivered_at >= v.since)
"""
    + _SELECTED
    + " FROM legs WHERE hours <= %(longest)s "
    + _GROUPED
)
_GAPS = (
    _ARRIVED
    + _PLACES
    + """, told AS (
    SELECT l.id, l.carrier_id, l.from_province, l.to_province, l.to_key, c.status,
           lead(c.at, 1, l.delivered_at) OVER (PARTITION BY l.id ORDER BY c.at, c.id) - c.at AS gap
      FROM laned l JOIN orders_scan c ON c.parcel_id = l.id AND c.at <= l.delivered_at),
longest AS (
    SELECT carrier_id, from_province, to_province, to_key, status,
           extract(epoch FROM max(gap))::float8 / 3600 AS hours
      FROM told WHERE status = ANY(%(statuses)s) GROUP BY id, carrier_id, from_province, to_province, to_key, status)
"""
    + _SELECTED
    + " FROM longest WHERE hours <= %(longest)s "
    + _GROUPED
)
# GROUPING() has a bit for each column that is summed over: carrier, to_province, from_province, to_key.
_ALL, _CARRIER, _DESTINATION, _LANE = 0b1111, 0b0111, 0b0011, 0b0100


class Place(NamedTuple):
    """What a statistic is of."""

    status: str
    carrier_id: int | None
    origin: str
    destination: str


class Learnt(NamedTuple):
    """A statistic not yet written."""

    kind: str
    place: Place
    seen: int
    quantiles: list[float]


def learn_lanes(*, at: datetime) -> LaneModel | None:
    """Learn anew from the last half year's arrivals; return the model, None when nothing has arrived.

    Twice at once makes two models of the same, and the later one holds.
    """
    since = at - WINDOW
    values: dict[str, Any] = {
        "since": since, "until": at, "most": MOST_PARCELS, "grid": list(GRID), "least": MIN_COUNT,
        "longest": float(MAX_HOURS), "statuses": list(USUAL_SILENCE),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, values)
        parcels = cursor.fetchone()[0]
        if not parcels:
            return None
        cursor.execute(_TEXTS, values)
        values |= _regions(text for (text,) in cursor.fetchall())
        cursor.execute(_LEGS, values)
        learnt = _drawn(StatKind.LEG, cursor.fetchall())
        cursor.execute(_GAPS, values)
        learnt += _drawn(StatKind.GAP, cursor.fetchall())
    return _write(learnt, parcels=parcels, since=since, at=at)


def _regions(texts: Iterable[str | None]) -> dict[str, list[str]]:
    found = {text: region for text in texts if text and (region := region_of(text)).province}
    return {
        "texts": list(found),
        "provinces": [region.province for region in found.values()],
        "keys": [region.key for region in found.values()],
    }


def _drawn(kind: str, rows: list[tuple[Any, ...]]) -> list[Learnt]:
    """Draw each level towards the next wider one, the widest first; silences begin from what is usual."""
    kept: dict[Place, list[float]] = {}
    learnt = []
    for grouping in (_ALL, _CARRIER, _DESTINATION, _LANE):
        for status, grouped, carrier_id, origin, to_province, to_key, count, quantiles in rows:
            if grouped != grouping or not _is_wanted(grouping, origin, to_province, to_key):
                continue
            destination = (to_key if grouping == _LANE else to_province) or ""
            place = Place(status, carrier_id, origin or "", destination)
            drawn = shrunk(quantiles, count, _wider(kind, kept, place), weight=WEIGHT)
            kept[place] = drawn
            learnt.append(Learnt(kind, place, count, drawn))
    return learnt


def _is_wanted(grouping: int, origin: str | None, to_province: str | None, to_key: str | None) -> bool:
    if grouping == _LANE:
        return bool(origin and to_key)
    return grouping != _DESTINATION or bool(to_province)


def _wider(kind: str, kept: dict[Place, list[float]], place: Place) -> list[float] | None:
    for wider in wider_places(place):
        if wider in kept:
            return kept[wider]
    return of_known_point(USUAL_SILENCE[ParcelStatus(place.status)], QUIET_POINT) if kind == StatKind.GAP else None


def wider_places(place: Place) -> list[Place]:
    """Return the levels above a place, the nearest first: destination, carrier, all."""
    levels = []
    if place.origin:
        levels.append(Place(place.status, place.carrier_id, "", place.destination.partition("/")[0]))
    if place.destination:
        levels.append(Place(place.status, place.carrier_id, "", ""))
    if place.carrier_id is not None:
        levels.append(Place(place.status, None, "", ""))
    return levels


@transaction.atomic
def _write(learnt: list[Learnt], *, parcels: int, since: datetime, at: datetime) -> LaneModel:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('orders.lane_model'))")
    LaneModel.objects.filter(is_current=True).update(is_current=False)
    model = LaneModel.objects.create(made_at=at, since=since, parcels=parcels, is_current=True)
    LaneStat.objects.bulk_create(
        (
            LaneStat(
                model=model, kind=one.kind, status=one.place.status, carrier_id=one.place.carrier_id,
                origin=one.place.origin, destination=one.place.destination, count=one.seen, quantiles=one.quantiles,
            )
            for one in learnt
        ),
        batch_size=2000,
    )  # fmt: skip
    old = LaneModel.objects.filter(is_current=False).order_by("-pk").values_list("pk", flat=True)[KEPT_MODELS:]
    LaneModel.objects.filter(pk__in=list(old)).delete()
    logger.info("lanes.learnt model=%s parcels=%s stats=%s", model.pk, parcels, len(learnt))
    return model

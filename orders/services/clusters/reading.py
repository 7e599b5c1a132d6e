"""Who is silent now, and how many are under way beside them: two statements on partial indexes."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from functools import lru_cache

from django.db import connection

from orders.gazetteer import region_of
from orders.services.clusters.judging import Silent, Spot

FRESH = timedelta(days=7)
"""Silence that became suspicious longer ago is a lost parcel's, not a sign of a standstill."""
HEARD = timedelta(days=21)
MOST = 20_000
# The ranges of parcel_quiet and parcel_followed; the lists stand here in full, so that the planner knows the index.
_SILENT = """
SELECT p.id, p.order_id, p.carrier_id, p.place, s.ships_from, o.region
  FROM orders_parcel p JOIN orders_order o ON o.id = p.order_id JOIN orders_shop s ON s.id = o.shop_id
 WHERE p.quiet_at IS NOT NULL AND p.quiet_at > %s AND p.quiet_at <= %s
   AND p.estimated_status = p.status AND p.last_scan_at IS NOT DISTINCT FROM p.estimated_scan_at
   AND p.status IN ('picked_up', 'in_transit', 'out_for_delivery') AND NOT o.is_history AND o.cancelled_at IS NULL
 ORDER BY p.quiet_at DESC, p.id LIMIT %s
"""
_CROWD = """
SELECT p.carrier_id, p.place, s.ships_from, o.region, count(*)
  FROM orders_parcel p JOIN orders_order o ON o.id = p.order_id JOIN orders_shop s ON s.id = o.shop_id
 WHERE p.carrier_id = ANY(%s) AND p.status IN ('picked_up', 'in_transit', 'out_for_delivery')
   AND p.last_scan_at > %s AND NOT o.is_history AND o.cancelled_at IS NULL
 GROUP BY 1, 2, 3, 4
"""


def silent_now(at: datetime) -> list[Silent]:
    """Return the moving parcels whose silence became suspicious within the last days, the newest first."""
    with connection.cursor() as cursor:
        cursor.execute(_SILENT, [at - FRESH, at, MOST])
        return [Silent(row[0], row[1], _spot(*row[2:])) for row in cursor.fetchall()]


def crowd_of(carrier_ids: list[int], at: datetime) -> Counter[Spot]:
    """Count the moving parcels of these carriers by where they are; read only when enough of one are silent."""
    crowd: Counter[Spot] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(_CROWD, [carrier_ids, at - HEARD])
        for *where, count in cursor.fetchall():
            crowd[_spot(*where)] += count
    return crowd


def _spot(carrier_id: int, place: str, ships_from: str, region: str) -> Spot:
    origin, destination = _province(ships_from), _province(region)
    lane = f"{origin}→{destination}" if origin and destination else ""
    return Spot(carrier_id, " ".join(place.split()), lane)


@lru_cache(maxsize=20_000)
def _province(words: str) -> str:
    return region_of(words).province

"""The parcels of a month and what became of each: the one statement every number of the scorecard is counted from.

A parcel belongs to the month it was shipped in (business days), history brought in from outside left out. It is judged
once it was delivered or its order's promise passed; on time when it came by that promise. A complaint is an order with
a ticket about its delivery (COMPLAINTS), counted once, with the first of its parcels. An estimate is the last one made
before the parcel's arrival; its bias is how much later it came than expected.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from orders.gazetteer import region_of

COMPLAINTS = ("complaint-delivery", "logistics-lost", "logistics-damaged")
"""Categories that complain of the delivery; so does what is below 物流 and marked a complaint."""
NUMBERS = {
    "parcels": "true",
    "judged": "judged", "on_time": "on_time", "late": "judged AND NOT on_time", "delivered": "delivered",
    "stalled": "stalled", "lost": "lost", "damaged": "damaged", "returned": "returned", "complaints": "complained",
    "estimates": "inside IS NOT NULL", "inside": "inside",
}  # fmt: skip
"""What can be counted, as a condition on a row of the cohort."""

COHORT = """
WITH g AS (SELECT * FROM unnest(%(raw)s::text[], %(province)s::text[]) AS t (raw, province)),
complaint AS (
    SELECT DISTINCT k.order_id FROM tickets_ticket k JOIN tickets_category c ON c.id = k.category_id
           LEFT JOIN tickets_category u ON u.id = c.parent_id
     WHERE k.order_id IS NOT NULL AND k.merged_into_id IS NULL AND k.opened_at >= %(since)s
       AND (c.key = ANY(%(keys)s) OR (c.is_complaint AND coalesce(u.key, c.key) = 'logistics'))),
cohort AS (
    SELECT p.id, p.order_id, p.carrier_id, p.tracking_number, o.number, p.shipped_at, p.delivered_at,
           CASE WHEN gs.province <> '' AND gr.province <> '' THEN gs.province || '→' || gr.province ELSE '' END AS lane,
           coalesce(gr.province, '') AS region, m.counted_at,
           m.counted_at IS NOT NULL AND (p.delivered_at IS NOT NULL OR m.passed_at IS NOT NULL) AS judged,
           coalesce(p.delivered_at <= m.counted_at, false) AS on_time,
           p.delivered_at IS NOT NULL AND p.status = 'delivered' AS delivered,
           p.status = 'lost' OR coalesce(x.lost, false) AS lost, coalesce(x.stalled, false) AS stalled,
           coalesce(x.damaged, false) AS damaged,
           p.status IN ('refused', 'returning', 'returned') OR coalesce(x.returned, false) AS returned,
           k.order_id IS NOT NULL AND NOT EXISTS (
               SELECT 1 FROM orders_parcel q WHERE q.order_id = o.id AND q.id < p.id AND q.shipped_at IS NOT NULL
           ) AS complained, e.inside, e.late
      FROM orders_parcel p JOIN orders_order o ON o.id = p.order_id JOIN orders_shop s ON s.id = o.shop_id
           LEFT JOIN orders_delivery_promise m ON m.order_id = o.id
           LEFT JOIN g gs ON gs.raw = s.ships_from LEFT JOIN g gr ON gr.raw = o.region
           LEFT JOIN complaint k ON k.order_id = o.id
           LEFT JOIN LATERAL (
               SELECT bool_or(f.kind = 'stalled') AS stalled, bool_or(f.kind = 'damaged') AS damaged,
                      bool_or(f.kind = 'lost') AS lost, bool_or(f.kind IN ('refused', 'returned')) AS returned
                 FROM orders_exception f WHERE f.order_id = o.id AND f.parcel_id = p.id) x ON true
           LEFT JOIN LATERAL (
               SELECT a.arrived_at BETWEEN a.low_at AND a.high_at AS inside,
                      extract(epoch FROM a.arrived_at - a.expected_at) / 3600 AS late
                 FROM orders_arrival_estimate a WHERE a.parcel_id = p.id AND a.made_at < a.arrived_at
                ORDER BY a.made_at DESC LIMIT 1) e ON true
     WHERE p.shipped_at >= %(since)s AND p.shipped_at < %(until)s AND NOT o.is_history)
"""


def month_of(day: date) -> date:
    """Return the first of a day's month."""
    return day.replace(day=1)


def next_month(month: date) -> date:
    """Return the first of the month after."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def values_of(month: date) -> dict[str, Any]:
    """Return the statement's values for a month: its limits, complaint keys, and the provinces of what is written."""
    zone = ZoneInfo(settings.BUSINESS_TIME_ZONE)
    since, until = (datetime.combine(day, time(), zone) for day in (month, next_month(month)))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT o.region FROM orders_parcel p JOIN orders_order o ON o.id = p.order_id"
            " WHERE p.shipped_at >= %s AND p.shipped_at < %s UNION SELECT ships_from FROM orders_shop",
            [since, until],
        )
        raw = [row[0] for row in cursor.fetchall()]
    provinces = [region_of(words).province for words in raw]
    return {"since": since, "until": until, "raw": raw, "province": provinces, "keys": list(COMPLAINTS)}

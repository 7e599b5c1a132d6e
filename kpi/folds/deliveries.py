"""What was delivered when it was promised: one root per order; formulas as in kpis.md, on_time_rate and delivery_days.

An order counts once: on its delivery when that came by the promise in force then, otherwise on the day that promise
passed. Passing is told by its own event, so an order still under way counts from that moment; a delivery told late that
came in time takes the passing back. A promise changed after the delivery changes nothing. Its parcels count by the same
promise, each by its own delivery. Orders of the past are not ours to judge.

A confirmation reached when one of its messages went out and its last word is not a failure: mail knows no receipt.
"""

from kpi.folds.engine import RootFold

_KINDS = (
    "'order.placed', 'order.promise_changed', 'order.promise_passed', 'order.shipped', 'order.delivered',"
    " 'parcel.picked_up', 'parcel.in_transit', 'parcel.out_for_delivery', 'parcel.ready_for_pickup',"
    " 'parcel.delivered', 'parcel.refused', 'parcel.returning', 'parcel.returned', 'parcel.lost',"
    " 'delivery.sent', 'delivery.delivered', 'delivery.failed'"
)
_DIMS = """p.shop_id, NULL::bigint AS team_id, NULL::bigint AS agent_id, NULL::text AS channel, NULL::text AS category,
       NULL::text AS stage, NULL::smallint AS priority, NULL::text AS tier, NULL::text AS survey"""


def _judged(metric: str, key: str, arrived: str, event: str, source: str) -> str:
    """Return one rate's facts: `arrived` is when the counted thing came, null while it has not."""
    kept = f"coalesce({arrived} <= p.counted_at, false)"
    return f"""
SELECT '{metric}' AS metric, {key} AS fact_key, p.root_id, CASE WHEN {kept} THEN {arrived} ELSE p.counted_at END AS at,
       coalesce({event}, p.passed_id) AS event_id, NULL::bigint AS ticket_id, p.root_id AS order_id, p.customer_id,
       NULL::float AS value, {kept}::int::float AS numerator, 1::float AS denominator, {_DIMS}
  FROM {source} WHERE p.counted_at IS NOT NULL AND ({arrived} IS NOT NULL OR p.passed_id IS NOT NULL)"""


_FACTS = f"""
WITH arrived AS (
    SELECT DISTINCT ON (root_id) root_id, id, at FROM ev WHERE kind = 'order.delivered' ORDER BY root_id, id DESC),
passed AS (
    SELECT DISTINCT ON (root_id) root_id, id FROM ev WHERE kind = 'order.promise_passed' ORDER BY root_id, id DESC),
changed AS (
    SELECT DISTINCT ON (c.root_id) c.root_id, (c.data->>'counted_at')::timestamptz AS counted_at
      FROM ev c LEFT JOIN arrived a ON a.root_id = c.root_id
     WHERE c.kind = 'order.promise_changed' AND (a.id IS NULL OR c.id < a.id) ORDER BY c.root_id, c.id DESC),
promised AS (
    SELECT DISTINCT ON (o.root_id) o.root_id, o.id, o.at, o.shop_id, o.customer_id, x.id AS passed_id,
           a.id AS arrived_id, a.at AS arrived_at,
           coalesce(c.counted_at, (o.data->>'promised_at')::timestamptz) AS counted_at
      FROM ev o LEFT JOIN changed c ON c.root_id = o.root_id LEFT JOIN passed x ON x.root_id = o.root_id
           LEFT JOIN arrived a ON a.root_id = o.root_id
     WHERE o.kind = 'order.placed' ORDER BY o.root_id, o.id),
parcel AS (
    SELECT root_id, subject_id, max(at) FILTER (WHERE kind = 'parcel.delivered') AS arrived_at,
           max(id) FILTER (WHERE kind = 'parcel.delivered') AS arrived_id
      FROM ev WHERE subject_type = 'parcel' GROUP BY root_id, subject_id),
told AS (
    SELECT DISTINCT ON (root_id, subject_id) root_id, kind FROM ev
     WHERE kind IN ('delivery.sent', 'delivery.delivered', 'delivery.failed')
       AND data->>'template' = 'order.confirmation' ORDER BY root_id, subject_id, id DESC),
reached AS (SELECT DISTINCT root_id FROM told WHERE kind <> 'delivery.failed'),
placed AS (
    SELECT DISTINCT ON (root_id) root_id, id, at, shop_id, customer_id FROM ev WHERE kind = 'order.placed'
     ORDER BY root_id, id)
{_judged("on_time_rate", "'order:' || p.root_id", "p.arrived_at", "p.arrived_id", "promised p")}
UNION ALL
{
    _judged(
        "parcel_on_time_rate",
        "'parcel:' || b.subject_id",
        "b.arrived_at",
        "b.arrived_id",
        "promised p JOIN parcel b ON b.root_id = p.root_id",
    )
}
UNION ALL
SELECT 'delivery_days', 'order:' || p.root_id, p.root_id, p.arrived_at, p.arrived_id, NULL, p.root_id, p.customer_id,
       greatest(0, extract(epoch FROM p.arrived_at - p.at))::float, 1, 1, {_DIMS}
  FROM promised p WHERE p.arrived_at IS NOT NULL
UNION ALL
SELECT 'confirmation_reach', 'order:' || p.root_id, p.root_id, p.at, p.id, NULL, p.root_id, p.customer_id,
       NULL, (r.root_id IS NOT NULL)::int::float, 1, {_DIMS}
  FROM placed p LEFT JOIN reached r ON r.root_id = p.root_id
"""

DELIVERIES = RootFold(
    name="deliveries",
    version=2,
    root_column="order_id",
    where=f"e.order_id IS NOT NULL AND e.origin <> 'import' AND e.kind IN ({_KINDS})",
    facts=_FACTS,
)

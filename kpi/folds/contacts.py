"""Whether one contact was enough and who had to come back: one root per ticket, decided by its neighbours too.

Neighbours are the counted tickets of the same customer and first-level category. Who is one customer and which category
lies under which is read from their records, as the ticket page does. So an event of one ticket recounts all tickets of
its customer, and joining two records those of both.
"""

from __future__ import annotations

from typing import Any

from core.folds import FIRST_XID, Chunk
from kpi.folds.counting import COUNTED_STEPS, dims
from kpi.folds.engine import RootFold

_KINDS = """('ticket.opened', 'ticket.changed', 'ticket.resolved', 'ticket.reopened', 'ticket.marked_spam',
 'ticket.unmarked_spam', 'ticket.merged', 'ticket.unmerged')"""
_JOINING = "('customer.merged', 'customer.took_in', 'customer.unmerged', 'customer.let_go')"

_WIDEN = f"""
WITH met AS (
    SELECT DISTINCT e.customer_id FROM unnest(%(roots)s::bigint[]) AS t (ticket_id)
      JOIN core_event e ON e.ticket_id = t.ticket_id
     WHERE e.kind = 'ticket.opened' AND e.customer_id IS NOT NULL
    UNION
    SELECT e.customer_id FROM core_event e
     WHERE %(joins)s AND e.xid >= %(since)s::text::xid8 AND e.xid < %(before)s::text::xid8 AND e.kind IN {_JOINING}),
person AS (
    SELECT DISTINCT coalesce(c.merged_into_id, m.customer_id) AS id
      FROM met m LEFT JOIN customers_customer c ON c.id = m.customer_id),
record AS (
    SELECT id FROM person UNION SELECT c.id FROM customers_customer c JOIN person p ON c.merged_into_id = p.id
    UNION SELECT customer_id FROM met)
SELECT e.ticket_id FROM record r JOIN core_event e ON e.customer_id = r.id
 WHERE e.kind = 'ticket.opened' AND e.ticket_id IS NOT NULL AND e.xid < %(before)s::text::xid8"""

_FACTS = f"""
WITH {COUNTED_STEPS},
topic AS (
    SELECT DISTINCT ON (root_id) root_id, data->>'category' AS category FROM ev
     WHERE kind IN ('ticket.opened', 'ticket.changed') ORDER BY root_id, id DESC),
visit AS (
    SELECT o.*, coalesce(c.merged_into_id, o.customer_id) AS person, coalesce(p.key, t.category) AS top
      FROM counted o JOIN topic t ON t.root_id = o.root_id
      LEFT JOIN customers_customer c ON c.id = o.customer_id
      LEFT JOIN tickets_category k ON k.key = t.category
      LEFT JOIN tickets_category p ON p.id = k.parent_id),
lined AS (SELECT v.*, lag(v.at) OVER (PARTITION BY v.person, v.top ORDER BY v.at, v.id) AS last_at FROM visit v)
SELECT 'repeat_contact_rate' AS metric, 'ticket:' || o.root_id AS fact_key, o.root_id, o.at, o.id AS event_id,
       o.ticket_id, o.order_id, o.customer_id, NULL::float AS value,
       (o.person IS NOT NULL AND o.top IS NOT NULL
        AND coalesce(o.last_at >= o.at - interval '7 days', false))::int::float AS numerator,
       1::float AS denominator, {dims("o")}
  FROM lined o
UNION ALL
SELECT 'first_contact_resolution', 'event:' || r.id, r.root_id, r.at, r.id, r.ticket_id, r.order_id, r.customer_id,
       NULL, (NOT r.ever_reopened AND NOT EXISTS (
           SELECT FROM visit n WHERE n.person = v.person AND n.top = v.top AND n.root_id <> r.root_id
              AND n.at > r.at AND n.at <= r.at + interval '7 days'))::int, 1, {dims("r")}
  FROM resolved r JOIN visit v ON v.root_id = r.root_id WHERE NOT r.was_reopened AND r.origin <> 'import'
"""


class _Neighbourly(RootFold):
    """A fold whose roots are recounted together with all tickets of the same customer."""

    def _widen(self, cursor: Any, chunk: Chunk, roots: list[int]) -> list[int]:
        joins = chunk.after_root == 0 and chunk.since > FIRST_XID  # from the beginning every ticket is a root
        limits = {"since": str(chunk.since), "before": str(chunk.before)}
        cursor.execute(_WIDEN, {"roots": roots, "joins": joins, **limits})
        return sorted({*roots, *(ticket_id for (ticket_id,) in cursor.fetchall())})


CONTACTS = _Neighbourly(
    name="contacts",
    version=1,
    root_column="ticket_id",
    where=f"e.ticket_id IS NOT NULL AND e.kind IN {_KINDS}",
    facts=_FACTS,
)

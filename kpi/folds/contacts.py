"""Whether one contact was enough and who had to come back: one root per ticket, decided by its neighbours too.

Neighbours are the counted tickets of the same customer and first-level category within a week. Who is one customer and
which category lies under which is read from their records, as the ticket page does. So an event of one ticket recounts
those of its customer that came or were solved within a week of it, and joining two records all of both. A customer with
thousands of tickets costs what a week of them costs.
"""

from __future__ import annotations

from typing import Any

from core.folds import FIRST_XID, Chunk
from kpi.folds.counting import COUNTED_STEPS, dims
from kpi.folds.engine import RootFold

_KINDS = """('ticket.opened', 'ticket.changed', 'ticket.resolved', 'ticket.reopened', 'ticket.marked_spam',
 'ticket.unmarked_spam', 'ticket.merged', 'ticket.unmerged')"""
_JOINING = "('customer.merged', 'customer.took_in', 'customer.unmerged', 'customer.let_go')"

# The stretches of a person's time within a week of something, under every record they have.
_NEAR = """
person AS (
    SELECT coalesce(c.merged_into_id, m.customer_id) AS id, m.customer_id, m.at
      FROM met m LEFT JOIN customers_customer c ON c.id = m.customer_id),
stretch AS (
    SELECT id, unnest(range_agg(tstzrange(at - interval '7 days', at + interval '7 days', '[]'))) AS span
      FROM person GROUP BY id),
record AS (
    SELECT id AS person, id FROM person UNION SELECT id, customer_id FROM person
    UNION SELECT p.id, c.id FROM person p JOIN customers_customer c ON c.merged_into_id = p.id),
near AS (
    SELECT e.ticket_id, e.kind FROM stretch s JOIN record r ON r.person = s.id
      JOIN core_event e ON e.customer_id = r.id AND e.at BETWEEN lower(s.span) AND upper(s.span)
     WHERE e.kind IN ('ticket.opened', 'ticket.resolved') AND e.ticket_id IS NOT NULL
       AND e.xid < %(before)s::text::xid8)"""

# Whom a ticket's coming, going or moving can touch: those that came or were solved within a week of its opening.
_WIDEN = f"""
WITH met AS (
    SELECT e.customer_id, e.at FROM unnest(%(roots)s::bigint[]) AS t (ticket_id)
      JOIN core_event e ON e.ticket_id = t.ticket_id
     WHERE e.kind = 'ticket.opened' AND e.customer_id IS NOT NULL),
{_NEAR}
SELECT DISTINCT ticket_id FROM near"""

# Joining or parting two records can touch all tickets of both.
_WIDEN_JOINED = f"""
WITH met AS (
    SELECT DISTINCT e.customer_id FROM core_event e
     WHERE e.xid >= %(since)s::text::xid8 AND e.xid < %(before)s::text::xid8 AND e.kind IN {_JOINING}),
person AS (
    SELECT DISTINCT coalesce(c.merged_into_id, m.customer_id) AS id
      FROM met m LEFT JOIN customers_customer c ON c.id = m.customer_id),
record AS (
    SELECT id FROM person UNION SELECT c.id FROM customers_customer c JOIN person p ON c.merged_into_id = p.id
    UNION SELECT customer_id FROM met)
SELECT e.ticket_id FROM record r JOIN core_event e ON e.customer_id = r.id
 WHERE e.kind = 'ticket.opened' AND e.ticket_id IS NOT NULL AND e.xid < %(before)s::text::xid8"""

# What is asked of a ticket's neighbours: whether one came within a week before it, or after it was solved.
_BESIDE = f"""
WITH met AS (
    SELECT o.customer_id, e.at FROM unnest(%(roots)s::bigint[]) AS t (ticket_id)
      JOIN core_event o ON o.ticket_id = t.ticket_id AND o.kind = 'ticket.opened' AND o.customer_id IS NOT NULL
      JOIN core_event e ON e.ticket_id = t.ticket_id AND e.kind IN ('ticket.opened', 'ticket.resolved')),
{_NEAR}
SELECT DISTINCT ticket_id FROM near WHERE kind = 'ticket.opened'"""

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
-- Neighbours are found by windows, not by joins: the planner takes these lists for one row each.
lined AS (SELECT v.*, lag(v.at) OVER (PARTITION BY v.person, v.top ORDER BY v.at, v.id) AS last_at FROM visit v),
moment AS (
    SELECT root_id, id, at, ticket_id, order_id, customer_id, shop_id, data, person, top, at AS came_at,
           false AS is_solved, false AS ever_reopened FROM visit
    UNION ALL
    SELECT root_id, id, at, ticket_id, order_id, customer_id, shop_id, data, NULL, NULL, NULL, true, ever_reopened
      FROM resolved WHERE NOT was_reopened AND origin <> 'import'),
known AS (
    SELECT m.*, first_value(person) OVER life AS who, first_value(top) OVER life AS what
      FROM moment m WINDOW life AS (PARTITION BY root_id ORDER BY is_solved)),
solved AS (
    SELECT k.*, min(came_at) OVER (PARTITION BY who, what ORDER BY at DESC
        GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS next_at FROM known k)
SELECT 'repeat_contact_rate' AS metric, 'ticket:' || o.root_id AS fact_key, o.root_id, o.at, o.id AS event_id,
       o.ticket_id, o.order_id, o.customer_id, NULL::float AS value,
       (o.person IS NOT NULL AND o.top IS NOT NULL
        AND coalesce(o.last_at >= o.at - interval '7 days', false))::int::float AS numerator,
       1::float AS denominator, {dims("o")}
  FROM lined o
UNION ALL
SELECT 'first_contact_resolution', 'event:' || r.id, r.root_id, r.at, r.id, r.ticket_id, r.order_id, r.customer_id,
       NULL, (NOT r.ever_reopened AND (r.who IS NULL OR r.what IS NULL
              OR coalesce(r.next_at > r.at + interval '7 days', true)))::int, 1, {dims("r")}
  FROM solved r WHERE r.is_solved
"""


class _Neighbourly(RootFold):
    """A fold whose roots are recounted together with the tickets of the same customer around the same time."""

    def _widen(self, cursor: Any, chunk: Chunk, roots: list[int]) -> list[int]:
        if chunk.since <= FIRST_XID:  # from the beginning every ticket is a root
            return roots
        values = {"roots": roots, "since": str(chunk.since), "before": str(chunk.before)}
        return self._with(cursor, [_WIDEN, _WIDEN_JOINED] if chunk.after_root == 0 else [_WIDEN], values)

    def _beside(self, cursor: Any, chunk: Chunk, roots: list[int]) -> list[int]:
        found = self._with(cursor, [_BESIDE], {"roots": roots, "before": str(chunk.before)})
        return sorted(set(found) - set(roots))

    @staticmethod
    def _with(cursor: Any, statements: list[str], values: dict[str, Any]) -> list[int]:
        found = set(values["roots"])
        for statement in statements:
            cursor.execute(statement, values)
            found |= {ticket_id for (ticket_id,) in cursor.fetchall()}
        return sorted(found)


CONTACTS = _Neighbourly(
    name="contacts",
    version=1,
    root_column="ticket_id",
    where=f"e.ticket_id IS NOT NULL AND e.kind IN {_KINDS}",
    facts=_FACTS,
)

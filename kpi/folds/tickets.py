"""The service figures: one root per ticket. Formulas as in kpis.md, section Service."""

from kpi.folds.clocks import CLOCK_STEPS, clock_facts
from kpi.folds.closing import CLOSING_STEPS, closing_facts
from kpi.folds.counting import COUNTED_STEPS, dims
from kpi.folds.engine import RootFold
from kpi.folds.handling import HANDLING_STEPS, handling_facts
from kpi.folds.standing import NOW, STANDING_STEPS, standing_facts

_FACTS = f"""
WITH {COUNTED_STEPS},
first_reply AS (
    SELECT DISTINCT ON (m.root_id) m.*, o.at AS opened_at, o.origin AS opened_origin
      FROM ev m JOIN counted o ON o.root_id = m.root_id
     WHERE m.kind = 'message.sent' AND m.actor_type = 'staff' ORDER BY m.root_id, m.at, m.id),
holder AS (
    SELECT root_id, id, (data->>'agent_id')::bigint AS agent_id FROM ev
     WHERE kind IN ('ticket.opened', 'ticket.assigned') AND data->>'agent_id' IS NOT NULL),
handed AS (
    SELECT r.id, count(DISTINCT h.agent_id) AS agents FROM resolved r JOIN holder h ON h.root_id = r.root_id
     WHERE h.id < r.id GROUP BY r.id),
spoken AS (
    SELECT root_id, count(DISTINCT subject_id) AS calls,
           count(DISTINCT subject_id) FILTER (WHERE actor_type = 'staff') AS by_staff
      FROM ev WHERE kind IN ('call.answered', 'call.ended') GROUP BY root_id),
answered AS (
    SELECT root_id, count(*) AS n FROM ev WHERE kind = 'message.sent' AND actor_type = 'staff' GROUP BY root_id),
call AS (
    SELECT DISTINCT ON (c.subject_id) c.*, o.data AS opened_data,
           s.calls = 1 AND coalesce(a.n, 0) <= s.by_staff AND d.root_id IS NOT NULL AS is_enough
      FROM ev c JOIN counted o ON o.root_id = c.root_id JOIN spoken s ON s.root_id = c.root_id
      LEFT JOIN answered a ON a.root_id = c.root_id
      LEFT JOIN (SELECT DISTINCT root_id FROM resolved WHERE NOT was_reopened) d ON d.root_id = c.root_id
     WHERE c.kind IN ('call.answered', 'call.ended') AND c.data->>'talked' IS NOT NULL  -- it has ended
       AND c.data->>'direction' = 'in' AND c.origin <> 'import'
     ORDER BY c.subject_id, c.id DESC),{CLOCK_STEPS},{CLOSING_STEPS},{STANDING_STEPS},{HANDLING_STEPS}
SELECT 'tickets_opened' AS metric, 'ticket:' || o.root_id AS fact_key, o.root_id, o.at, o.id AS event_id, o.ticket_id,
       o.order_id, o.customer_id, NULL::float AS value, 1::float AS numerator, 1::float AS denominator, {dims("o")}
  FROM counted o
UNION ALL
SELECT 'complaints_opened', 'ticket:' || o.root_id, o.root_id, o.at, o.id, o.ticket_id, o.order_id, o.customer_id,
       NULL, 1, 1, {dims("o")}
  FROM counted o WHERE (o.data->>'is_complaint')::boolean
UNION ALL
SELECT 'first_response_time', 'ticket:' || f.root_id, f.root_id, f.at, f.id, f.ticket_id, f.order_id, f.customer_id,
       greatest(0, extract(epoch FROM f.at - f.opened_at)), 1, 1, {dims("f")}
  FROM first_reply f WHERE f.origin <> 'import'
UNION ALL
SELECT 'response_time', 'event:' || m.id, m.root_id, m.at, m.id, m.ticket_id, m.order_id, m.customer_id,
       (m.data->>'turn_seconds')::float, 1, 1, {dims("m")}
  FROM ev m JOIN counted o ON o.root_id = m.root_id
 WHERE m.kind = 'message.sent' AND m.actor_type = 'staff' AND m.data->>'turn_seconds' IS NOT NULL
   AND m.origin <> 'import'
UNION ALL
SELECT 'tickets_resolved', 'event:' || r.id, r.root_id, r.at, r.id, r.ticket_id, r.order_id, r.customer_id,
       NULL, 1, 1, {dims("r")}
  FROM resolved r
UNION ALL
SELECT 'resolution_time', 'event:' || r.id, r.root_id, r.at, r.id, r.ticket_id, r.order_id, r.customer_id,
       greatest(0, extract(epoch FROM r.at - r.opened_at) - coalesce((r.data->>'waited')::float, 0)), 1, 1,
       {dims("r")}
  FROM resolved r WHERE NOT r.was_reopened AND r.origin <> 'import'
UNION ALL
SELECT 'resolution_time_total', 'event:' || r.id, r.root_id, r.at, r.id, r.ticket_id, r.order_id, r.customer_id,
       greatest(0, extract(epoch FROM r.at - r.opened_at)), 1, 1, {dims("r")}
  FROM resolved r WHERE NOT r.was_reopened AND r.origin <> 'import'
UNION ALL
SELECT 'reopen_rate', 'event:' || r.id, r.root_id, r.at, r.id, r.ticket_id, r.order_id, r.customer_id,
       NULL, r.was_reopened::int, 1, {dims("r")}
  FROM resolved r WHERE r.origin <> 'import'
UNION ALL
SELECT 'one_touch_rate', 'event:' || r.id, r.root_id, r.at, r.id, r.ticket_id, r.order_id, r.customer_id,
       NULL, ((r.data->>'replies')::int = 1)::int, 1, {dims("r")}
  FROM resolved r WHERE NOT r.was_reopened AND r.origin <> 'import'
UNION ALL
SELECT 'transfer_rate', 'event:' || r.id, r.root_id, r.at, r.id, r.ticket_id, r.order_id, r.customer_id, NULL,
       (coalesce(h.agents, 0) > 1)::int, 1, {dims("r")}
  FROM resolved r LEFT JOIN handed h ON h.id = r.id WHERE r.origin <> 'import'
UNION ALL
SELECT 'call_resolution_rate', 'call:' || c.subject_id, c.root_id,
       CASE c.kind WHEN 'call.ended' THEN c.at ELSE c.at + (c.data->>'talked')::int * interval '1 s' END,
       c.id, c.ticket_id, c.order_id, c.customer_id,
       NULL, c.is_enough::int, 1, c.shop_id, (c.data->>'team_id')::bigint, (c.data->>'agent_id')::bigint, 'phone',
       c.opened_data->>'category', c.opened_data->>'stage', (c.opened_data->>'priority')::smallint,
       c.opened_data->>'tier', NULL::text
  FROM call c{clock_facts(dims("k"))}{closing_facts(dims("d"))}{handling_facts(dims("h"))}{standing_facts()}
"""

TICKETS = RootFold(
    name="tickets", version=5, root_column="ticket_id", where="e.ticket_id IS NOT NULL", facts=_FACTS, inner=(NOW,)
)

-- What happened, as the services would have recorded it: orders, parcels, tickets, messages, in the order of time.
INSERT INTO core_event (schema_v, kind, at, origin, actor_type, actor_id, subject_type, subject_id,
                        shop_id, customer_id, order_id, ticket_id, reason, depth, data)
WITH ticket AS MATERIALIZED (
  SELECT t.*, jsonb_build_object(
           'channel', t.channel, 'priority', t.priority, 'category', c.key, 'stage', c.stage,
           'is_complaint', c.is_complaint, 'tier', cu.tier, 'team_id', t.team_id, 'agent_id', t.assignee_id,
           'version', 1) AS dims
    FROM tickets_ticket t JOIN tickets_category c ON c.id = t.category_id JOIN customers_customer cu ON cu.id = t.customer_id
), said AS (
  SELECT m.*, extract(epoch FROM m.at - lag(m.at) OVER (PARTITION BY m.ticket_id ORDER BY m.seq))::int AS waited
    FROM tickets_message m
), facts AS (
  SELECT 'ticket.opened' AS kind, opened_at AS at, 'customer' AS actor_type, customer_id AS actor_id, 'ticket' AS subject_type,
         id AS subject_id, shop_id, customer_id, order_id, id AS ticket_id, 0 AS place,
         dims || '{"language": "zh-hans", "first_response_target": 7200, "resolution_target": 172800}' AS data
    FROM ticket
  UNION ALL
  SELECT 'ticket.assigned', opened_at + interval '3 seconds', 'system', NULL, 'ticket', id, shop_id, customer_id, order_id, id, 3,
         jsonb_build_object('agent_id', assignee_id, 'team_id', team_id, 'before_id', NULL, 'version', 2)
    FROM ticket WHERE assignee_id IS NOT NULL
  UNION ALL
  SELECT CASE WHEN m.kind = 'auto' THEN 'message.acknowledged' WHEN m.kind = 'note' THEN 'message.noted'
              WHEN m.author_type = 'staff' THEN 'message.sent' ELSE 'message.received' END,
         m.at, m.author_type, m.author_id, 'message', m.id, t.shop_id, t.customer_id, t.order_id, t.id, m.seq,
         CASE WHEN m.kind = 'note' THEN jsonb_build_object('seq', m.seq, 'mentioned', '[]'::jsonb, 'version', m.seq)
              WHEN m.author_type = 'staff' THEN t.dims || jsonb_build_object(
                'seq', m.seq, 'is_first', m.at = t.first_response_at, 'turn_seconds', m.waited)
              ELSE jsonb_build_object('seq', m.seq, 'channel', m.channel, 'starts_turn', m.seq > 2, 'attachment_count', 0,
                                      'version', m.seq) END
    FROM said m JOIN ticket t ON t.id = m.ticket_id
  UNION ALL
  SELECT 'ticket.resolved', resolved_at, 'staff', assignee_id, 'ticket', id, shop_id, customer_id, order_id, id, 9000,
         dims || jsonb_build_object('waited', 0, 'replies', greatest(1, last_seq / 2), 'agents', 1)
    FROM ticket WHERE resolved_at IS NOT NULL
  UNION ALL
  SELECT 'ticket.closed', closed_at, 'system', NULL, 'ticket', id, shop_id, customer_id, order_id, id, 9001,
         '{"before": "resolved", "after": "closed", "waited": 0, "version": 1}'
    FROM ticket WHERE closed_at IS NOT NULL
  UNION ALL
  SELECT 'order.' || step, moment, 'system', NULL, 'order', o.id, o.shop_id, o.customer_id, o.id, NULL, place,
         CASE step WHEN 'placed' THEN jsonb_build_object('total', o.total::text, 'currency', 'CNY', 'item_count', 2, 'source', 'api', 'promised_at', NULL)
                   WHEN 'paid' THEN jsonb_build_object('amount', o.total::text, 'currency', 'CNY', 'method', 'alipay')
                   ELSE jsonb_build_object('before', 'placed') END
    FROM orders_order o CROSS JOIN LATERAL (VALUES
      ('placed', o.placed_at, 0), ('paid', o.paid_at, 1), ('packed', o.packed_at, 2), ('shipped', o.shipped_at, 3),
      ('delivered', o.delivered_at, 4), ('completed', o.completed_at, 5), ('cancelled', o.cancelled_at, 6)) s(step, moment, place)
   WHERE moment IS NOT NULL
  UNION ALL
  SELECT 'parcel.' || s.status, min(s.at), 'carrier', p.carrier_id, 'parcel', p.id, o.shop_id, o.customer_id, o.id, NULL, 7,
         jsonb_build_object('carrier_id', p.carrier_id, 'carrier', c.code, 'before', 'created', 'scan_code', s.code)
    FROM orders_scan s JOIN orders_parcel p ON p.id = s.parcel_id JOIN orders_order o ON o.id = p.order_id
    JOIN orders_carrier c ON c.id = p.carrier_id
   GROUP BY p.id, o.id, c.id, s.status, s.code
)
SELECT 1, kind, at, 'demo', actor_type, actor_id, subject_type, subject_id, shop_id, customer_id, order_id, ticket_id, '', 0, data
  FROM facts ORDER BY at, place

-- Open tickets one may see with a parcel of SF, in whose newest matching messages the words stand, the newest twenty.
WITH found AS MATERIALIZED (
  SELECT DISTINCT ON (m.ticket_id) m.ticket_id, m.id, m.text FROM (
    SELECT w.id, w.ticket_id, w.text FROM tickets_message w JOIN tickets_ticket f ON f.id = w.ticket_id
     WHERE w.search @@ cs_query(%(words)s) AND f.status = 'open'
       AND EXISTS (SELECT FROM orders_parcel p JOIN orders_carrier c ON c.id = p.carrier_id
                    WHERE p.order_id = f.order_id AND c.code = 'shunfeng')
     ORDER BY w.id DESC LIMIT 60) m
   ORDER BY m.ticket_id, m.id DESC)
SELECT t.id, t.subject, t.preview, t.channel, t.status, t.priority, t.last_message_at, t.last_message_by, t.last_seq, t.opened_at,
       t.first_response_due_at, t.first_response_at, t.resolution_due_at, t.resolved_at, t.version, c.name, c.tier,
       t.assignee_id, s.display_name, t.is_spam, r.seq, found.text
  FROM found JOIN tickets_ticket t ON t.id = found.ticket_id
  LEFT JOIN customers_customer c ON c.id = t.customer_id
  LEFT JOIN accounts_staff s ON s.id = t.assignee_id
  LEFT JOIN tickets_read r ON r.ticket_id = t.id AND r.staff_id = %(me)s
 WHERE (t.team_id = ANY(%(teams)s) OR t.assignee_id = %(me)s
        OR (t.team_id IS NULL AND (t.shop_id IS NULL OR t.shop_id = ANY(%(shops)s)))) AND t.merged_into_id IS NULL
 ORDER BY found.id DESC LIMIT 20

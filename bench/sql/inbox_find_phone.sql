-- Tickets of whoever has a phone, or about orders with it.
SELECT t.id, t.subject, t.preview, t.channel, t.status, t.priority, t.last_message_at, t.last_message_by, t.last_seq, t.opened_at,
       t.first_response_due_at, t.first_response_at, t.resolution_due_at, t.resolved_at, t.version, c.name, c.tier,
       t.assignee_id, s.display_name, t.is_spam, r.seq
  FROM tickets_ticket t
  LEFT JOIN customers_customer c ON c.id = t.customer_id
  LEFT JOIN accounts_staff s ON s.id = t.assignee_id
  LEFT JOIN tickets_read r ON r.ticket_id = t.id AND r.staff_id = %(me)s
 WHERE (t.team_id = ANY(%(teams)s) OR t.assignee_id = %(me)s
        OR (t.team_id IS NULL AND (t.shop_id IS NULL OR t.shop_id = ANY(%(shops)s)))) AND t.merged_into_id IS NULL
   AND t.id IN (
     SELECT id FROM tickets_ticket WHERE customer_id IN
       (SELECT customer_id FROM customers_identity WHERE kind = 'phone' AND value_index = %(phone)s LIMIT 100)
     UNION
     SELECT id FROM tickets_ticket WHERE order_id IN
       (SELECT id FROM orders_order WHERE phone_index = %(phone)s ORDER BY id DESC LIMIT 100))
 ORDER BY t.last_message_at DESC, t.id DESC LIMIT 50

-- One ticket with its newest messages, what happened around it, its customer and parcels, and the list beside it.
WITH shell AS MATERIALIZED (
--+ inbox_shell
)
SELECT t.*, c.name, c.tier, o.number, k.key, sh.name, te.name, a.display_name,
       (SELECT json_agg(m ORDER BY m.seq) FROM (
          SELECT m.id, m.seq, m.kind, m.author_type, m.author_id, w.display_name, m.channel, m.text, m.html, m.quoted, m.delivery_id, m.at
            FROM tickets_message m LEFT JOIN accounts_staff w ON w.id = m.author_id AND m.author_type = 'staff'
           WHERE m.ticket_id = t.id ORDER BY m.seq DESC LIMIT 51) m),
       (SELECT json_agg(e ORDER BY e.at, e.id) FROM (
          (SELECT e.* FROM core_event e WHERE e.ticket_id = t.id AND e.kind NOT LIKE 'message.%%' ORDER BY e.at DESC, e.id DESC LIMIT 60)
          UNION ALL
          (SELECT e.* FROM core_event e WHERE e.order_id = t.order_id AND e.ticket_id IS NULL ORDER BY e.at DESC, e.id DESC LIMIT 60)) e),
       (SELECT json_agg(i) FROM customers_identity i WHERE i.customer_id = t.customer_id),
       (SELECT json_agg(p) FROM orders_parcel p WHERE p.order_id = t.order_id),
       (SELECT json_agg(other ORDER BY other.placed_at DESC) FROM (
          SELECT id, number, status, placed_at FROM orders_order WHERE customer_id = t.customer_id ORDER BY placed_at DESC LIMIT 5) other),
       (SELECT r.seq FROM tickets_read r WHERE r.ticket_id = t.id AND r.staff_id = %(me)s),
       shell.*,
       (SELECT json_agg(line) FROM (
SELECT t.id, t.subject, t.preview, t.channel, t.status, t.priority, t.last_message_at, t.last_message_by, t.last_seq, t.opened_at,
       t.first_response_due_at, t.first_response_at, t.resolution_due_at, t.resolved_at, t.version, c.name, c.tier,
       t.assignee_id, s.display_name, t.is_spam, r.seq
  FROM tickets_ticket t
  LEFT JOIN customers_customer c ON c.id = t.customer_id
  LEFT JOIN accounts_staff s ON s.id = t.assignee_id
  LEFT JOIN tickets_read r ON r.ticket_id = t.id AND r.staff_id = %(me)s
         WHERE (t.team_id = ANY(%(teams)s) OR t.assignee_id = %(me)s
        OR (t.team_id IS NULL AND (t.shop_id IS NULL OR t.shop_id = ANY(%(shops)s))))
           AND t.assignee_id = %(me)s AND t.status IN ('new', 'open', 'waiting_customer', 'waiting_department') AND NOT t.is_spam AND t.merged_into_id IS NULL
         ORDER BY t.last_message_at DESC, t.id DESC LIMIT 51) line)
  FROM shell, tickets_ticket t
  LEFT JOIN customers_customer c ON c.id = t.customer_id
  LEFT JOIN orders_order o ON o.id = t.order_id
  LEFT JOIN tickets_category k ON k.id = t.category_id
  LEFT JOIN orders_shop sh ON sh.id = t.shop_id
  LEFT JOIN accounts_team te ON te.id = t.team_id
  LEFT JOIN accounts_staff a ON a.id = t.assignee_id
 WHERE t.id = %(ticket)s AND (t.team_id = ANY(%(teams)s) OR t.assignee_id = %(me)s
        OR (t.team_id IS NULL AND (t.shop_id IS NULL OR t.shop_id = ANY(%(shops)s))))

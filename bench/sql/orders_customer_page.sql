-- One customer with contacts, consents, newest orders, tickets and calls: what the page and its fragments show.
SELECT c.*,
       (SELECT json_agg(i ORDER BY i.id) FROM customers_identity i WHERE i.customer_id = c.id),
       (SELECT json_agg(o ORDER BY o.placed_at DESC) FROM (
          SELECT o.*, sh.name AS shop, (SELECT json_agg(p ORDER BY p.id) FROM orders_parcel p WHERE p.order_id = o.id) AS parcels
            FROM orders_order o JOIN orders_shop sh ON sh.id = o.shop_id
           WHERE o.customer_id = c.id AND o.shop_id = ANY(%(shops)s) ORDER BY o.placed_at DESC, o.id DESC LIMIT 11) o),
       (SELECT json_agg(t ORDER BY t.last_message_at DESC) FROM (
          SELECT id, subject, preview, status, channel, last_message_at FROM tickets_ticket
           WHERE customer_id = c.id AND (team_id = ANY(%(teams)s) OR assignee_id = %(me)s)
           ORDER BY last_message_at DESC LIMIT 11) t),
       (SELECT json_agg(k) FROM (
          SELECT * FROM tickets_call WHERE customer_id = c.id ORDER BY started_at DESC LIMIT 11) k),
       (SELECT count(*) FROM feedback_visit v
         WHERE v.shop_id = ANY(%(shops)s) AND v.state IN ('planned', 'due', 'attempted') AND v.show_at <= now())
  FROM customers_customer c WHERE c.id = %(customer)s

-- One order of one's shops with all that its page and its fragments show.
SELECT o.*, sh.name, c.name, c.tier,
       (SELECT json_agg(i ORDER BY i.line) FROM (
          SELECT i.*, pr.stock, pr.price FROM orders_item i LEFT JOIN orders_product pr ON pr.id = i.product_id WHERE i.order_id = o.id) i),
       (SELECT json_agg(p ORDER BY p.paid_at) FROM orders_payment p WHERE p.order_id = o.id),
       (SELECT json_agg(p ORDER BY p.id) FROM (
          SELECT p.*, ca.name AS carrier_name, (SELECT json_agg(s ORDER BY s.at DESC) FROM orders_scan s WHERE s.parcel_id = p.id) AS scans
            FROM orders_parcel p JOIN orders_carrier ca ON ca.id = p.carrier_id WHERE p.order_id = o.id) p),
       (SELECT json_agg(e ORDER BY e.at DESC, e.id DESC) FROM (
          SELECT e.*, w.display_name FROM core_event e LEFT JOIN accounts_staff w ON w.id = e.actor_id AND e.actor_type = 'staff'
           WHERE e.order_id = o.id ORDER BY e.at DESC, e.id DESC LIMIT 301) e),
       (SELECT json_agg(other ORDER BY other.placed_at DESC) FROM (
          SELECT id, number, status, placed_at FROM orders_order
           WHERE customer_id = o.customer_id AND shop_id = ANY(%(shops)s) ORDER BY placed_at DESC LIMIT 7) other),
       (SELECT json_agg(t ORDER BY t.last_message_at DESC) FROM (
          SELECT id, subject, preview, status, channel, last_message_at FROM tickets_ticket
           WHERE customer_id = o.customer_id ORDER BY last_message_at DESC LIMIT 11) t),
       (SELECT json_agg(k) FROM (
          SELECT id, direction, state, started_at FROM tickets_call WHERE customer_id = o.customer_id ORDER BY started_at DESC LIMIT 11) k),
       (SELECT count(*) FROM feedback_visit v
         WHERE v.shop_id = ANY(%(shops)s) AND v.state IN ('planned', 'due', 'attempted') AND v.show_at <= now())
  FROM orders_order o JOIN orders_shop sh ON sh.id = o.shop_id JOIN customers_customer c ON c.id = o.customer_id
 WHERE o.id = %(order)s AND o.shop_id = ANY(%(shops)s)

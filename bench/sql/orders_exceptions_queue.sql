-- The open exceptions of one's shops, what is due first, and how many there are by tab.
SELECT e.*, p.*, o.*, c.name, sh.name, ca.name, w.display_name, n.*
  FROM (SELECT count(*) FILTER (WHERE owner_id = %(me)s), count(*), count(*) FILTER (WHERE due_at < now()),
               count(*) FILTER (WHERE owner_id IS NULL)
          FROM orders_exception WHERE state IN ('open', 'working') AND shop_id = ANY(%(shops)s)) n,
       (SELECT * FROM orders_exception WHERE state IN ('open', 'working') AND shop_id = ANY(%(shops)s)
         ORDER BY due_at, id LIMIT 51) e
  JOIN orders_parcel p ON p.id = e.parcel_id
  JOIN orders_order o ON o.id = e.order_id
  JOIN customers_customer c ON c.id = o.customer_id
  JOIN orders_shop sh ON sh.id = e.shop_id
  JOIN orders_carrier ca ON ca.id = e.carrier_id
  LEFT JOIN accounts_staff w ON w.id = e.owner_id
 ORDER BY e.due_at, e.id

-- Orders of one's shops by what the caller has in hand (phone), with their parcels.
SELECT o.*, sh.name, c.name, p.parcels
  FROM orders_order o JOIN orders_shop sh ON sh.id = o.shop_id JOIN customers_customer c ON c.id = o.customer_id
  LEFT JOIN LATERAL (SELECT json_agg(p ORDER BY p.id) AS parcels FROM orders_parcel p WHERE p.order_id = o.id) p ON true
 WHERE o.phone_index = %(phone)s AND o.shop_id = ANY(%(shops)s)
 ORDER BY o.placed_at DESC, o.id DESC LIMIT 50

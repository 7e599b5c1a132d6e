-- The orders placed before one of them, of one's shops, with their parcels.
SELECT o.*, sh.name, p.parcels
  FROM (SELECT * FROM orders_order WHERE shop_id = ANY(%(shops)s) AND (placed_at, id) < (%(placed_at)s, %(order)s)
         ORDER BY placed_at DESC, id DESC LIMIT 51) o
  JOIN orders_shop sh ON sh.id = o.shop_id
  LEFT JOIN LATERAL (SELECT json_agg(p ORDER BY p.id) AS parcels FROM orders_parcel p WHERE p.order_id = o.id) p ON true
 ORDER BY o.placed_at DESC, o.id DESC

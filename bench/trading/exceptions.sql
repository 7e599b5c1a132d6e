-- What the sweep would have opened: stalled parcels and those that come back; what is older than a month is closed.
INSERT INTO orders_exception (parcel_id, order_id, shop_id, carrier_id, kind, state, owner_id, since, parcel_version,
                              opened_at, due_at, closed_at, close_reason, note, version)
SELECT p.id, o.id, o.shop_id, p.carrier_id,
       CASE p.status WHEN 'refused' THEN 'refused' WHEN 'returned' THEN 'returned' ELSE 'stalled' END,
       CASE WHEN x.old THEN 'closed' ELSE 'open' END,
       CASE WHEN p.id %% 3 > 0 THEN %(busy)s::bigint END, p.last_scan_at, 1, p.last_scan_at + interval '50 hours',
       p.last_scan_at + interval '60 hours', CASE WHEN x.old THEN p.last_scan_at + interval '90 hours' END,
       CASE WHEN x.old THEN 'solved' ELSE '' END, '', 1
  FROM orders_parcel p JOIN orders_order o ON o.id = p.order_id
 CROSS JOIN LATERAL (SELECT p.last_scan_at < %(at)s::timestamptz - interval '30 days' AS old) x
 WHERE (p.status IN ('refused', 'returned') OR p.delivered_at IS NULL)
   AND p.last_scan_at < %(at)s::timestamptz - interval '50 hours'

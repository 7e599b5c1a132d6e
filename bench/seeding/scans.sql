-- Four scans a parcel; the parcel with the long story gets forty steps of its own code.
INSERT INTO orders_scan (parcel_id, at, code, status, text, text_hash, place)
SELECT p.id, p.shipped_at + step * interval '17 hours', s.code, s.status, s.text, decode(md5(s.text), 'hex'), s.place
  FROM orders_parcel p
 CROSS JOIN (VALUES (0, 'GOT', 'picked_up', '快件已揽收', '杭州'), (1, 'MOVE', 'in_transit', '快件已到达转运中心', '杭州转运中心'),
                    (2, 'OUT', 'out_for_delivery', '快递员正在派送', '收件城市'), (3, 'SIGN', 'delivered', '已签收', '收件城市')) s(step, code, status, text, place)
 WHERE p.delivered_at IS NOT NULL OR s.step < 2
UNION ALL
SELECT p.id, p.shipped_at + n * interval '1 hour', 'HUB' || n, 'in_transit', '快件经过第 ' || n || ' 站', decode(md5(n::text), 'hex'), '中转站'
  FROM orders_parcel p, generate_series(1, 34) n WHERE p.id = %(parcel)s

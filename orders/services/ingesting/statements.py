"""The statements that take many scans in at once. The fold is that of services.folding, said in SQL."""

# One table for each session, emptied with each transaction: making one anew every time would bloat the catalogue.
MAKE_TOLD = """
CREATE TEMPORARY TABLE IF NOT EXISTS told_scan (
    parcel_id bigint NOT NULL, push_id bigint NOT NULL, received_at timestamptz NOT NULL, at timestamptz NOT NULL,
    code text COLLATE "C" NOT NULL, status text NOT NULL, text text NOT NULL, text_hash bytea NOT NULL,
    place text NOT NULL
) ON COMMIT DELETE ROWS
"""
EMPTY_TOLD = "DELETE FROM told_scan"  # what an attempt before in the same transaction left
COPY_TOLD = "COPY told_scan (parcel_id, push_id, received_at, at, code, status, text, text_hash, place) FROM STDIN"

CLAIM = """
WITH next AS MATERIALIZED (
        SELECT id, octet_length(body_enc) AS size FROM orders_carrier_push
         WHERE state = 'stored' AND id > %(after)s ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED),
     fitting AS (SELECT id FROM (SELECT id, sum(size) OVER (ORDER BY id) - size AS before FROM next) n
               WHERE before < %(bytes)s)
SELECT p.id, p.account_id, a.provider, p.body_enc, p.received_at
  FROM fitting JOIN orders_carrier_push p USING (id) JOIN orders_carrier_account a ON a.id = p.account_id
 ORDER BY p.id
"""

# Whoever holds an order holds its parcels and their scans. This one never waits for an order, so that it is never part
# of a circle, whatever else it holds; what was held by others is taken the next time.
LOCK_ORDERS = """
SELECT id, shop_id, customer_id, status, paid_at, packed_at, shipped_at, delivered_at, completed_at, cancelled_at,
       is_history, is_partly_sent, created_at, version
  FROM orders_order WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""
LOCK_PARCELS = """
SELECT p.id, p.order_id, p.carrier_id, p.tracking_number, p.status, p.rank, p.rank_at, p.shipped_at, p.delivered_at,
       p.moved_at, p.lost_at, p.problem_at, p.problem_code
  FROM orders_parcel p WHERE p.order_id = ANY(%s) ORDER BY p.id FOR NO KEY UPDATE
"""
# Nobody else does it for a temporary table; without, joins are guessed badly. What was learnt outlives the rows.
IS_ANALYZED = """
SELECT EXISTS (SELECT FROM pg_stats s JOIN pg_namespace n ON n.nspname = s.schemaname
                WHERE n.oid = pg_my_temp_schema() AND s.tablename = 'told_scan')
"""
ANALYZE_TOLD = "ANALYZE told_scan"
COUNT_FRESH = "SELECT push_id, count(*) FROM told_scan GROUP BY push_id"

FORGET_KNOWN = """
DELETE FROM told_scan t USING orders_scan s
 WHERE s.parcel_id = t.parcel_id AND s.at = t.at AND s.code = t.code AND s.text_hash = t.text_hash
"""
INSERT_SCANS = """
INSERT INTO orders_scan (parcel_id, at, code, status, text, text_hash, place, received_at)
SELECT parcel_id, at, code, status, text, text_hash, place, received_at FROM told_scan ORDER BY parcel_id, at
ON CONFLICT (parcel_id, at, code, text_hash) DO NOTHING
"""

FOLD = """
WITH heard AS (SELECT unnest(%(ids)s::bigint[]) AS parcel_id, unnest(%(heard)s::timestamptz[]) AS at),
     news AS (
        SELECT parcel_id, status, code, least(at, received_at + interval '5 minutes') AS at FROM told_scan),
     tally AS (
        SELECT parcel_id, max(at) AS last_scan_at,
               max(at) FILTER (WHERE status NOT IN ('created', 'problem', 'lost')) AS moved_at,
               min(at) FILTER (WHERE status NOT IN ('created', 'problem')) AS shipped_at,
               max(at) FILTER (WHERE status = 'lost') AS lost_at,
               max(at) FILTER (WHERE status = 'returning') AS back_at,
               min(at) FILTER (WHERE status = 'delivered') AS delivered_at,
               min(at) FILTER (WHERE status = 'returned') AS returned_at,
               max(at) FILTER (WHERE status = 'problem') AS problem_at,
               (array_agg(code ORDER BY at DESC, code DESC) FILTER (WHERE status = 'problem'))[1] AS problem_code,
               min(at) FILTER (WHERE status = 'created') AS at10, min(at) FILTER (WHERE status = 'picked_up') AS at20,
               min(at) FILTER (WHERE status = 'in_transit') AS at30,
               min(at) FILTER (WHERE status = 'out_for_delivery') AS at40,
               min(at) FILTER (WHERE status = 'ready_for_pickup') AS at45,
               min(at) FILTER (WHERE status = 'refused') AS at50, min(at) FILTER (WHERE status = 'returning') AS at55
          FROM news GROUP BY parcel_id),
     told AS (
        SELECT t.*, coalesce(at55, at50, at45, at40, at30, at20, at10) AS top_at,
               CASE WHEN at55 IS NOT NULL THEN 55 WHEN at50 IS NOT NULL THEN 50 WHEN at45 IS NOT NULL THEN 45
                    WHEN at40 IS NOT NULL THEN 40 WHEN at30 IS NOT NULL THEN 30 WHEN at20 IS NOT NULL THEN 20
                    WHEN at10 IS NOT NULL THEN 10 END AS top
          FROM tally t),
     known AS (
        SELECT p.id, t.last_scan_at, greatest(p.refreshed_at, h.at) AS refreshed_at,
               greatest(p.moved_at, t.moved_at) AS moved_at, least(p.shipped_at, t.shipped_at) AS shipped_at,
               greatest(p.lost_at, t.lost_at) AS lost_at, greatest(p.returning_at, t.back_at) AS back_at,
               least(p.delivered_at, t.delivered_at) AS delivered_at,
               least(CASE WHEN p.rank = 70 THEN p.rank_at END, t.returned_at) AS returned_at,
               CASE WHEN t.top > p.rank THEN t.top ELSE p.rank END AS rank,
               CASE WHEN t.top > p.rank THEN t.top_at WHEN t.top = p.rank THEN least(p.rank_at, t.top_at)
                    ELSE p.rank_at END AS rank_at,
               CASE WHEN p.problem_at IS NULL OR (t.problem_at, t.problem_code) > (p.problem_at, p.problem_code)
                    THEN coalesce(t.problem_at, p.problem_at) ELSE p.problem_at END AS problem_at,
               CASE WHEN t.problem_at IS NOT NULL
                         AND (p.problem_at IS NULL OR (t.problem_at, t.problem_code) > (p.problem_at, p.problem_code))
                    THEN t.problem_code ELSE p.problem_code END AS problem_code
          FROM told t JOIN orders_parcel p ON p.id = t.parcel_id JOIN heard h ON h.parcel_id = t.parcel_id),
     settled AS (
        SELECT k.id, k.last_scan_at, k.refreshed_at, k.moved_at, k.shipped_at, k.lost_at, k.back_at, k.problem_at,
               k.problem_code,
               CASE WHEN k.returned_at <= k.delivered_at THEN NULL ELSE k.delivered_at END AS delivered_at,
               CASE WHEN k.returned_at IS NOT NULL THEN 70 WHEN k.delivered_at IS NULL THEN k.rank
                    WHEN k.back_at > k.delivered_at THEN 65 ELSE 60 END AS rank,
               CASE WHEN k.returned_at IS NOT NULL THEN k.returned_at WHEN k.delivered_at IS NULL THEN k.rank_at
                    WHEN k.back_at > k.delivered_at THEN k.back_at ELSE k.delivered_at END AS rank_at
          FROM known k)
UPDATE orders_parcel p
   SET rank = s.rank, rank_at = s.rank_at, shipped_at = s.shipped_at, delivered_at = s.delivered_at,
       moved_at = s.moved_at, lost_at = s.lost_at, returning_at = s.back_at, problem_at = s.problem_at,
       problem_code = s.problem_code, refreshed_at = s.refreshed_at,
       last_scan_at = greatest(p.last_scan_at, s.last_scan_at),
       status = CASE WHEN s.rank NOT IN (60, 70) AND s.lost_at >= coalesce(s.moved_at, s.lost_at) THEN 'lost'
                     ELSE CASE s.rank WHEN 10 THEN 'created' WHEN 20 THEN 'picked_up' WHEN 30 THEN 'in_transit'
                                      WHEN 40 THEN 'out_for_delivery' WHEN 45 THEN 'ready_for_pickup'
                                      WHEN 50 THEN 'refused' WHEN 60 THEN 'delivered' WHEN 70 THEN 'returned'
                                      ELSE 'returning' END END,
       place = coalesce((SELECT c.place FROM orders_scan c WHERE c.parcel_id = p.id AND c.place <> ''
                          ORDER BY c.at DESC, c.code DESC, c.text_hash DESC LIMIT 1), p.place),
       version = p.version + 1
  FROM settled s WHERE s.id = p.id
RETURNING p.id, p.status, p.rank, p.rank_at, p.shipped_at, p.delivered_at, p.moved_at, p.lost_at, p.problem_at,
          p.problem_code
"""

REFRESHED = """
UPDATE orders_parcel p SET refreshed_at = greatest(p.refreshed_at, v.at)
  FROM (SELECT unnest(%(ids)s::bigint[]) AS id, unnest(%(heard)s::timestamptz[]) AS at) v WHERE p.id = v.id
"""

MOVE_ORDERS = """
UPDATE orders_order o SET status = v.status, shipped_at = v.shipped_at, delivered_at = v.delivered_at,
       is_history = v.is_history, version = o.version + 1, updated_at = %s
  FROM (SELECT unnest(%s::bigint[]) AS id, unnest(%s::text[]) AS status, unnest(%s::timestamptz[]) AS shipped_at,
               unnest(%s::timestamptz[]) AS delivered_at, unnest(%s::boolean[]) AS is_history) v
 WHERE o.id = v.id
"""

# What is locked is being asked for at this moment: whoever asks hears the same and writes it down.
HEARD = """
WITH heard AS (
        SELECT account_id, carrier_id, tracking_number, bool_or(is_over) AS is_over, max(at) AS at
          FROM (SELECT unnest(%(accounts)s::bigint[]) AS account_id, unnest(%(carriers)s::bigint[]) AS carrier_id,
                       unnest(%(numbers)s::text[]) AS tracking_number, unnest(%(over)s::boolean[]) AS is_over,
                       unnest(%(at)s::timestamptz[]) AS at) h
         GROUP BY account_id, carrier_id, tracking_number),
     mine AS MATERIALIZED (
        SELECT t.id, h.is_over, h.at,
               EXISTS (SELECT FROM orders_parcel p
                        WHERE p.tracking_number = t.tracking_number AND p.carrier_id = t.carrier_id
                          AND p.status NOT IN ('delivered', 'returned', 'lost')) AS is_under_way
          FROM orders_tracking t JOIN heard h USING (account_id, carrier_id, tracking_number)
         WHERE t.state IN ('waiting', 'subscribed') ORDER BY t.id FOR NO KEY UPDATE OF t SKIP LOCKED)
UPDATE orders_tracking t
   SET fresh_at = greatest(t.fresh_at, m.at), pushed_at = greatest(t.pushed_at, m.at), attempts = 0, error_code = '',
       version = t.version + 1,
       state = CASE WHEN NOT m.is_under_way THEN 'ended' WHEN m.is_over THEN t.state ELSE 'subscribed' END,
       ended_at = CASE WHEN NOT m.is_under_way THEN m.at END,
       leased_until = CASE WHEN m.is_under_way THEN t.leased_until END,
       subscribed_at = CASE WHEN NOT m.is_under_way THEN NULL WHEN m.is_over THEN t.subscribed_at
                            ELSE coalesce(t.subscribed_at, m.at) END,
       next_query_at = CASE WHEN m.is_under_way
                            THEN m.at + interval '68 minutes' + random() * interval '12 minutes' END
  FROM mine m WHERE m.id = t.id
"""

FINISH = """
UPDATE orders_carrier_push p
   SET state = v.state, error_code = v.error_code, tracking_number = v.number,
       applied_at = CASE WHEN v.state <> 'waiting' THEN %(at)s::timestamptz END,
       waited_at = CASE WHEN v.state = 'waiting' THEN %(at)s::timestamptz END,
       scan_count = v.scans
  FROM (SELECT unnest(%(ids)s::bigint[]) AS id, unnest(%(states)s::text[]) AS state,
               unnest(%(codes)s::text[]) AS error_code, unnest(%(numbers)s::text[]) AS number,
               unnest(%(scans)s::int[]) AS scans) v
 WHERE p.id = v.id
"""

# A parcel made while its push was being applied may have been invisible then: hence the five minutes.
WAKE_WAITING = """
UPDATE orders_carrier_push u SET state = 'stored', waited_at = NULL
 WHERE u.id IN (SELECT w.id FROM orders_carrier_push w
                 WHERE w.state = 'waiting'
                   AND EXISTS (SELECT FROM orders_parcel p WHERE p.tracking_number = w.tracking_number
                                  AND p.created_at > w.waited_at - interval '5 minutes')
                 ORDER BY w.id LIMIT %s FOR UPDATE SKIP LOCKED)
"""
GIVE_UP = """
UPDATE orders_carrier_push u SET state = 'refused', error_code = 'push_of_unknown_number', applied_at = %(at)s,
       waited_at = NULL
 WHERE u.id IN (SELECT w.id FROM orders_carrier_push w WHERE w.state = 'waiting' AND w.received_at < %(before)s
                 ORDER BY w.received_at, w.id LIMIT 1000 FOR UPDATE SKIP LOCKED)
"""

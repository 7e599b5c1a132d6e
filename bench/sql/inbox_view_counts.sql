-- What the list of views says: each count stops at a thousand.
WITH open_ones AS NOT MATERIALIZED (
  SELECT t.* FROM tickets_ticket t
   WHERE (t.team_id = ANY(%(teams)s) OR t.assignee_id = %(me)s
          OR (t.team_id IS NULL AND (t.shop_id IS NULL OR t.shop_id = ANY(%(shops)s))))
     AND t.status IN ('new', 'open', 'waiting_customer', 'waiting_department') AND NOT t.is_spam AND t.merged_into_id IS NULL)
SELECT (SELECT count(*) FROM (SELECT FROM open_ones WHERE assignee_id = %(me)s LIMIT 1000) n),
       (SELECT count(*) FROM (SELECT FROM open_ones WHERE assignee_id IS NULL LIMIT 1000) n),
       (SELECT count(*) FROM (SELECT FROM open_ones LIMIT 1000) n),
       (SELECT count(*) FROM (SELECT FROM open_ones WHERE next_due_at >= now() AND warn_at <= now() LIMIT 1000) n),
       (SELECT count(*) FROM (SELECT FROM open_ones WHERE next_due_at < now() LIMIT 1000) n),
       (SELECT count(*) FROM (SELECT FROM open_ones WHERE status = 'waiting_customer' LIMIT 1000) n),
       (SELECT count(*) FROM (SELECT FROM tickets_ticket t
          WHERE (t.team_id = ANY(%(teams)s) OR t.assignee_id = %(me)s
                 OR (t.team_id IS NULL AND (t.shop_id IS NULL OR t.shop_id = ANY(%(shops)s))))
            AND t.status = 'resolved' AND t.resolved_at >= date_trunc('day', now() AT TIME ZONE 'Asia/Shanghai') AT TIME ZONE 'Asia/Shanghai'
            AND NOT t.is_spam AND t.merged_into_id IS NULL LIMIT 1000) n),
       (SELECT count(*) FROM (SELECT FROM tickets_ticket t
          WHERE (t.team_id = ANY(%(teams)s) OR t.assignee_id = %(me)s
                 OR (t.team_id IS NULL AND (t.shop_id IS NULL OR t.shop_id = ANY(%(shops)s))))
            AND t.is_spam AND t.merged_into_id IS NULL LIMIT 1000) n)

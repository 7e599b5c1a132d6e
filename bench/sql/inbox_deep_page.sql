-- The same from a place deep in the list.
WITH shell AS MATERIALIZED (
--+ inbox_shell
)
SELECT t.id, t.subject, t.preview, t.channel, t.status, t.priority, t.last_message_at, t.last_message_by, t.last_seq, t.opened_at,
       t.first_response_due_at, t.first_response_at, t.resolution_due_at, t.resolved_at, t.version, c.name, c.tier,
       t.assignee_id, s.display_name, t.is_spam, r.seq, shell.*
  FROM shell, tickets_ticket t
  LEFT JOIN customers_customer c ON c.id = t.customer_id
  LEFT JOIN accounts_staff s ON s.id = t.assignee_id
  LEFT JOIN tickets_read r ON r.ticket_id = t.id AND r.staff_id = %(me)s
 WHERE (t.team_id = ANY(%(teams)s) OR t.assignee_id = %(me)s
        OR (t.team_id IS NULL AND (t.shop_id IS NULL OR t.shop_id = ANY(%(shops)s))))
   AND t.assignee_id = %(me)s AND t.status IN ('new', 'open', 'waiting_customer', 'waiting_department') AND NOT t.is_spam AND t.merged_into_id IS NULL
   AND (t.last_message_at, t.id) < (%(at)s, %(id)s)
 ORDER BY t.last_message_at DESC, t.id DESC LIMIT 51

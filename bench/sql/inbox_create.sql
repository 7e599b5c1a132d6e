-- One ticket like another, with its first message and one event.
WITH made AS (
  INSERT INTO tickets_ticket (shop_id, customer_id, category_id, team_id, channel, status, priority, language, subject, preview, tags, order_given, is_spam, policy_id, opened_at, first_response_due_at, resolution_due_at, waiting_seconds, last_message_at, last_message_by, last_seq, last_public_seq, reopen_count, version)
  SELECT shop_id, customer_id, category_id, team_id, channel, 'new', priority, language, subject, preview, tags, order_given, false, policy_id, now(), now() + interval '2 hours', now() + interval '2 days', 0, now(), 'customer', 1, 1, 0, 1
    FROM tickets_ticket WHERE id = %(ticket)s RETURNING id),
said AS (
  INSERT INTO tickets_message (ticket_id, seq, public_seq, kind, author_type, channel, text, html, quoted, mail_id, at)
  SELECT id, 1, 1, 'public', 'customer', 'api', '收到的杯子有裂纹，麻烦看一下。', '', '', '', now() FROM made),
noted AS (
  INSERT INTO core_event (schema_v, kind, at, origin, actor_type, subject_type, subject_id, ticket_id, reason, depth, data)
  SELECT 1, 'ticket.created', now(), 'live', 'staff', 'ticket', id, id, '', 0, '{}' FROM made)
SELECT id FROM made

-- One answer and the mail that brings it, the ticket that has it, one event, the jobs that send and follow up, the draft
-- it ends; and what must be known for it: whether one may, the address, sender and words of the mail, its thread, the
-- clocks, the rules, and whether anything happened meanwhile.
WITH moved AS (
  UPDATE tickets_ticket SET last_seq = last_seq + 1, last_public_seq = last_public_seq + 1, version = version + 1,
         last_message_at = now(), last_message_by = 'staff', preview = '您好，已经为您登记，明天给您答复。'
   WHERE id = (SELECT t.id FROM tickets_ticket t WHERE t.id = %(ticket)s AND (t.team_id = ANY(%(teams)s) OR t.assignee_id = %(me)s
                  OR (t.team_id IS NULL AND (t.shop_id IS NULL OR t.shop_id = ANY(%(shops)s)))) FOR NO KEY UPDATE)
  RETURNING id, last_seq, last_public_seq, assignee_id, customer_id, shop_id),
brought AS (
  INSERT INTO notifications_delivery (key, channel, template, purpose, language, to_enc, to_index, subject, text, html, headers, files,
         message_id, state, attempts, rounds, provider_code, queued_at, due_at, version)
  SELECT 'bench:' || id || ':' || last_seq, 'email', 'ticket.reply', 'service', 'zh-hans', decode(repeat('ab', 60), 'hex'),
         decode(repeat('ab', 32), 'hex'), '', '您好，已经为您登记，明天给您答复。', repeat('<p>您好</p>', 200), '{}', '[]',
         '<' || random() || '@bench.example>', 'queued', 0, 0, '', now(), now(), 1 FROM moved RETURNING id, message_id),
said AS (
  INSERT INTO tickets_message (ticket_id, seq, public_seq, kind, author_type, author_id, channel, text, html, quoted, mail_id, delivery_id, at)
  SELECT moved.id, last_seq, last_public_seq, 'public', 'staff', assignee_id, 'email', '您好，已经为您登记，明天给您答复。',
         '<p>您好，已经为您登记，明天给您答复。</p>', '', trim(message_id, '<>'), brought.id, now() FROM moved, brought),
owed AS (
  INSERT INTO core_job (name, shard, key, payload, due_at, state, fence, attempts, last_error, cause_depth)
  SELECT 'bench.' || n, 'bench', moved.id || ':' || last_seq || ':' || n, '{}', now() + interval '1 day', 'ready', 0, 0, '', 0 FROM moved, generate_series(1, 2) n),
noted AS (
  INSERT INTO core_event (schema_v, kind, at, origin, actor_type, subject_type, subject_id, ticket_id, reason, depth, data)
  SELECT 1, 'ticket.replied', now(), 'live', 'staff', 'ticket', moved.id, moved.id, '', 0, '{}' FROM moved),
done AS (DELETE FROM tickets_draft d USING moved WHERE d.ticket_id = moved.id AND d.staff_id = %(me)s AND d.kind = 'public')
SELECT moved.id, s.*,
       (SELECT value_enc FROM customers_identity i WHERE i.customer_id = moved.customer_id AND i.kind = 'email' AND i.is_primary LIMIT 1),
       (SELECT b FROM notifications_mailbox b WHERE b.shop_id = moved.shop_id OR b.shop_id IS NULL LIMIT 1),
       (SELECT w FROM notifications_template w WHERE w.key = 'tickets.reply' LIMIT 1),
       (SELECT array_agg(m.mail_id ORDER BY m.seq) FROM tickets_message m WHERE m.ticket_id = moved.id AND m.mail_id <> ''),
       (SELECT json_agg(c) FROM tickets_sla_clock c WHERE c.ticket_id = moved.id AND c.state IN ('running', 'paused')),
       (SELECT array_agg(DISTINCT r.trigger) FROM tickets_rule r WHERE r.is_active),
       (SELECT array_agg(n.id) FROM (SELECT id FROM core_event e WHERE e.ticket_id = moved.id ORDER BY at DESC, id DESC LIMIT 60) n)
  FROM moved LEFT JOIN accounts_staff s ON s.id = moved.assignee_id

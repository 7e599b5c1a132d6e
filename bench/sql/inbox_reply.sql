-- One answer and the mail that brings it, the ticket that has it, one event, and the jobs that send and follow up.
WITH moved AS (
  UPDATE tickets_ticket SET last_seq = last_seq + 1, last_public_seq = last_public_seq + 1, version = version + 1,
         last_message_at = now(), last_message_by = 'staff', preview = '您好，已经为您登记，明天给您答复。'
   WHERE id = %(ticket)s RETURNING id, last_seq, last_public_seq, assignee_id),
brought AS (
  INSERT INTO notifications_delivery (key, channel, template, purpose, language, to_enc, to_index, subject, text, html, headers, files,
         message_id, state, attempts, rounds, provider_code, queued_at, due_at, version)
  SELECT 'bench:' || id || ':' || last_seq, 'email', 'ticket.reply', 'service', 'zh-hans', decode(repeat('ab', 60), 'hex'),
         decode(repeat('ab', 32), 'hex'), '', '您好，已经为您登记，明天给您答复。', repeat('<p>您好</p>', 200), '{}', '[]',
         '<' || random() || '@bench.example>', 'queued', 0, 0, '', now(), now(), 1 FROM moved RETURNING id),
said AS (
  INSERT INTO tickets_message (ticket_id, seq, public_seq, kind, author_type, author_id, channel, text, html, quoted, mail_id, at)
  SELECT id, last_seq, last_public_seq, 'public', 'staff', assignee_id, 'email', '您好，已经为您登记，明天给您答复。', '', '', '', now()
    FROM moved),
owed AS (
  INSERT INTO core_job (name, shard, key, payload, due_at, state, fence, attempts, last_error, cause_depth)
  SELECT 'bench.' || n, 'bench', moved.id || ':' || last_seq || ':' || n, '{}', now() + interval '1 day', 'ready', 0, 0, '', 0 FROM moved, generate_series(1, 2) n),
noted AS (
  INSERT INTO core_event (schema_v, kind, at, origin, actor_type, subject_type, subject_id, ticket_id, reason, depth, data)
  SELECT 1, 'ticket.replied', now(), 'live', 'staff', 'ticket', moved.id, moved.id, '', 0, '{}' FROM moved)
SELECT id FROM moved

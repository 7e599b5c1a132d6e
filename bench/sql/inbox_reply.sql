-- One answer, the ticket that has it, and one event.
WITH moved AS (
  UPDATE tickets_ticket SET last_seq = last_seq + 1, last_public_seq = last_public_seq + 1, version = version + 1,
         last_message_at = now(), last_message_by = 'staff', preview = '您好，已经为您登记，明天给您答复。'
   WHERE id = %(ticket)s RETURNING id, last_seq, last_public_seq, assignee_id),
said AS (
  INSERT INTO tickets_message (ticket_id, seq, public_seq, kind, author_type, author_id, channel, text, html, quoted, mail_id, at)
  SELECT id, last_seq, last_public_seq, 'public', 'staff', assignee_id, 'email', '您好，已经为您登记，明天给您答复。', '', '', '', now()
    FROM moved),
noted AS (
  INSERT INTO core_event (schema_v, kind, at, origin, actor_type, subject_type, subject_id, ticket_id, reason, depth, data)
  SELECT 1, 'ticket.replied', now(), 'live', 'staff', 'ticket', id, id, '', 0, '{}' FROM moved)
SELECT id FROM moved

-- A ticket to somebody else, and one event.
WITH moved AS (
  UPDATE tickets_ticket SET assignee_id = (SELECT min(id) FROM accounts_staff), version = version + 1
   WHERE id = %(ticket)s RETURNING id),
noted AS (
  INSERT INTO core_event (schema_v, kind, at, origin, actor_type, subject_type, subject_id, ticket_id, reason, depth, data)
  SELECT 1, 'ticket.assigned', now(), 'live', 'staff', 'ticket', id, id, '', 0, '{}' FROM moved)
SELECT id FROM moved

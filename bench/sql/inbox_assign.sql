-- A ticket one may give away to somebody else, one event, and the notice for whoever has it now; and what must be known
-- for it: who gives it, who gets it and whether she is there, how her team gets its tickets, the rules.
WITH given AS (SELECT s.* FROM accounts_staff s WHERE s.id = (SELECT min(id) FROM accounts_staff)),
moved AS (
  UPDATE tickets_ticket SET assignee_id = (SELECT id FROM given), version = version + 1
   WHERE id = (SELECT t.id FROM tickets_ticket t WHERE t.id = %(ticket)s AND (t.team_id = ANY(%(teams)s) OR t.assignee_id = %(me)s
                  OR (t.team_id IS NULL AND (t.shop_id IS NULL OR t.shop_id = ANY(%(shops)s)))) FOR NO KEY UPDATE)
  RETURNING id, team_id),
noted AS (
  INSERT INTO core_event (schema_v, kind, at, origin, actor_type, subject_type, subject_id, ticket_id, reason, depth, data)
  SELECT 1, 'ticket.assigned', now(), 'live', 'staff', 'ticket', id, id, '', 0, '{}' FROM moved),
told AS (
  INSERT INTO accounts_notification (staff_id, kind, params, url, at)
  SELECT given.id, 'ticket.assigned', '{"ticket_id": 1, "number": "100001"}', '/desk/t/1/', now() FROM given, moved)
SELECT moved.id, given.*, (SELECT a FROM accounts_staff a WHERE a.id = %(me)s),
       (SELECT s.session_data FROM django_session s WHERE s.expire_date > now() ORDER BY s.session_key LIMIT 1), (SELECT p FROM accounts_presence p WHERE p.staff_id = given.id),
       (SELECT r.mode FROM tickets_team_routing r WHERE r.team_id = moved.team_id),
       (SELECT array_agg(DISTINCT r.trigger) FROM tickets_rule r WHERE r.is_active)
  FROM moved, given

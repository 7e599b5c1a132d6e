-- A customer with a phone, her ticket with its first message and the acknowledgement, two clocks and the jobs that watch
-- them, three events and a reaction, and the answer kept for the key of the call.
WITH person AS (
  INSERT INTO customers_customer (name, name_key, tier, language, tags, note, is_blocked, version)
  VALUES ('何青', 'he2 qing1', 'standard', 'zh-hans', '{}', '', false, 1) RETURNING id),
reached AS (
  INSERT INTO customers_identity (customer_id, kind, value_enc, value_index, is_primary)
  SELECT id, 'phone', decode(repeat('ab', 60), 'hex'), decode(md5(random()::text) || md5(random()::text), 'hex'), true FROM person),
made AS (
  INSERT INTO tickets_ticket
        (shop_id, customer_id, category_id, team_id, channel, status, priority, language, subject, preview, tags, order_given, is_spam,
         policy_id, opened_at, first_response_due_at, resolution_due_at, waiting_seconds, last_message_at, last_message_by, last_seq,
         last_public_seq, reopen_count, version)
  SELECT t.shop_id, person.id, t.category_id, t.team_id, 'api', 'new', t.priority, t.language, t.subject, t.preview, t.tags, '', false,
         t.policy_id, now(), now() + interval '2 hours', now() + interval '2 days', 0, now(), 'customer', 2, 2, 0, 1
    FROM tickets_ticket t, person WHERE t.id = %(ticket)s RETURNING id, policy_id),
said AS (
  INSERT INTO tickets_message (ticket_id, seq, public_seq, kind, author_type, channel, text, html, quoted, mail_id, at)
  SELECT id, n, n, CASE n WHEN 1 THEN 'public' ELSE 'auto' END, CASE n WHEN 1 THEN 'customer' ELSE 'system' END, 'api',
         '收到的杯子有裂纹，麻烦看一下。', '', '', '', now() FROM made, generate_series(1, 2) n),
timed AS (
  INSERT INTO tickets_sla_clock
        (ticket_id, kind, round, generation, state, policy_id, policy_version, calendar_version, target, started_at, due_at, warn_at)
  SELECT id, kind, 1, 1, 'running', policy_id, 1, 1, 7200, now(), now() + interval '2 hours', now() + interval '1 hour'
    FROM made, unnest(ARRAY['first_response', 'resolution']) kind),
watched AS (
  INSERT INTO core_job (name, shard, key, payload, due_at, state, fence, attempts, last_error, cause_depth)
  SELECT 'bench.' || n, 'bench', made.id || ':' || n, '{}', now() + interval '1 day', 'ready', 0, 0, '', 0 FROM made, generate_series(1, 3) n),
noted AS (
  INSERT INTO core_event (schema_v, kind, at, origin, actor_type, subject_type, subject_id, ticket_id, reason, depth, data)
  SELECT 1, 'ticket.created', now(), 'live', 'staff', 'ticket', made.id, made.id, '', 0, '{}' FROM made, generate_series(1, 3)),
kept AS (
  INSERT INTO core_idempotent_reply (scope, key, request_hash) SELECT 'bench', id::text, decode(repeat('ab', 32), 'hex') FROM made)
SELECT id FROM made

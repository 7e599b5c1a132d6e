-- A customer with a phone, her ticket with its first message and the acknowledgement, two clocks and the jobs that watch
-- them, three events and a reaction, the call counted, and the answer kept for its key; and what must be known for it:
-- whose key it is, whether she is known, the shop, the category, the policies, the teams, how tickets are handed out, the
-- rules.
WITH person AS (
  INSERT INTO customers_customer (name, name_key, tier, language, tags, note, is_blocked, version)
  VALUES ('何青', 'he2 qing1', 'standard', 'zh-hans', '{}', '', false, 1) RETURNING id),
reached AS (
  INSERT INTO customers_identity (customer_id, kind, value_enc, value_index, last4_index, is_primary)
  SELECT id, 'phone', decode(repeat('ab', 60), 'hex'), decode(md5(random()::text) || md5(random()::text), 'hex'),
         decode(md5(random()::text) || md5(random()::text), 'hex'), true FROM person),
made AS (
  INSERT INTO tickets_ticket
        (shop_id, customer_id, category_id, team_id, channel, status, priority, language, subject, preview, tags, order_given, is_spam,
         policy_id, opened_at, first_response_due_at, resolution_due_at, waiting_seconds, last_message_at, last_message_by, last_seq,
         last_public_seq, reopen_count, version)
  SELECT t.shop_id, person.id, t.category_id, t.team_id, 'api', 'new', t.priority, t.language, t.subject, t.preview, t.tags, '', false,
         t.policy_id, now(), now() + interval '2 hours', now() + interval '2 days', 0, now(), 'customer', 2, 2, 0, 1
    FROM tickets_ticket t, person WHERE t.id = %(ticket)s RETURNING id, policy_id, customer_id, shop_id, category_id, team_id),
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
  INSERT INTO core_event (schema_v, kind, at, origin, actor_type, subject_type, subject_id, ticket_id, customer_id, shop_id, reason, depth, data)
  SELECT 1, 'ticket.created', now(), 'live', 'staff', 'ticket', made.id, made.id, customer_id, shop_id, '', 0,
         '{"channel": "api", "category": "quality-defect", "priority": 20, "tier": "standard", "version": 1}'
    FROM made, generate_series(1, 3)),
counted AS (
  INSERT INTO core_rate_counter (scope, key_hash, window_start, hits, expires_at)
  VALUES ('bench', decode(repeat('ab', 32), 'hex'), date_trunc('minute', now()), 1, now() + interval '1 minute')
      ON CONFLICT (scope, key_hash, window_start) DO UPDATE SET hits = core_rate_counter.hits + 1 RETURNING hits),
kept AS (
  INSERT INTO core_idempotent_reply (scope, key, request_hash, status, body)
  SELECT 'bench', id::text, decode(repeat('ab', 32), 'hex'), 201, '{"id": 1, "number": "100001", "status": "new"}' FROM made)
SELECT made.id, counted.hits,
       (SELECT k FROM accounts_apikey k ORDER BY k.prefix LIMIT 1),
       (SELECT i.id FROM customers_identity i WHERE i.kind = 'phone' AND i.value_index = decode(repeat('ab', 32), 'hex') LIMIT 1),
       (SELECT o FROM orders_shop o WHERE o.id = made.shop_id), (SELECT y FROM tickets_category y WHERE y.id = made.category_id),
       (SELECT json_agg(p) FROM tickets_sla_policy p WHERE p.is_active),
       (SELECT json_agg(json_build_array(t.id, t.shop_ids)) FROM accounts_team t WHERE t.archived_at IS NULL),
       (SELECT r.mode FROM tickets_team_routing r WHERE r.team_id = made.team_id),
       (SELECT array_agg(DISTINCT r.trigger) FROM tickets_rule r WHERE r.is_active)
  FROM made, counted

"""What other departments owe: one root per task; formulas as in kpis.md, department_task_on_time.

A task counts once: answered in time at its answer, otherwise at the due time that passed. Asked again, the answer
stands until the next one; moved, withdrawn or declined, it counts as nothing. The team is the department asked.
"""

from kpi.folds.engine import RootFold

_DIMS = """t.shop_id, (t.data->>'team_id')::bigint AS team_id, (t.data->>'agent_id')::bigint AS agent_id,
       NULL::text AS channel, t.data->>'category' AS category, NULL::text AS stage, NULL::smallint AS priority,
       NULL::text AS tier, NULL::text AS survey"""

_FACTS = f"""
WITH last AS (
    SELECT DISTINCT ON (root_id) * FROM ev
     WHERE kind IN ('task.answered', 'task.overdue', 'task.rescheduled', 'task.withdrawn', 'task.declined')
       AND origin <> 'import'
     ORDER BY root_id, id DESC),
judged AS (
    SELECT l.*, l.kind = 'task.answered' AND (l.data->>'late')::bigint <= 0 AS is_kept FROM last l
     WHERE l.kind IN ('task.answered', 'task.overdue')),
answered AS (
    SELECT DISTINCT ON (root_id) * FROM ev WHERE kind = 'task.answered' AND origin <> 'import'
     ORDER BY root_id, id DESC)
SELECT 'department_task_on_time' AS metric, 'task:' || t.root_id AS fact_key, t.root_id,
       CASE WHEN t.is_kept THEN t.at ELSE (t.data->>'due_at')::timestamptz END AS at, t.id AS event_id, t.ticket_id,
       t.order_id, t.customer_id, NULL::float AS value, t.is_kept::int::float AS numerator, 1::float AS denominator,
       {_DIMS}
  FROM judged t
UNION ALL
SELECT 'department_task_time', 'task:' || t.root_id, t.root_id, t.at, t.id, t.ticket_id, t.order_id, t.customer_id,
       (t.data->>'seconds')::float, 1, 1, {_DIMS}
  FROM answered t
"""

TASKS = RootFold(
    name="tasks",
    version=1,
    root_column="subject_id",
    where="e.subject_type = 'task'",
    facts=_FACTS,
)

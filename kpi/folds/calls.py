"""The telephone's figures: one root per call; formulas as in kpis.md, call_resolution_rate and what stands beside it.

A call counts once it has ended. What it came to is told by the newer of its answer and its end: a PBX may tell of an
answer after the end, even after an end without one. The wrap-up may come before the end or long after, or never.
"""

from kpi.folds.engine import RootFold

_DIMS = """{e}.shop_id, ({e}.data->>'team_id')::bigint AS team_id, ({e}.data->>'agent_id')::bigint AS agent_id,
       'phone' AS channel, {category} AS category, NULL::text AS stage, NULL::smallint AS priority, NULL::text AS tier,
       NULL::text AS survey"""


def _row(metric: str, source: str, value: str = "NULL") -> str:
    dims = _DIMS.format(e="c", category="c.category")
    return (
        f"SELECT '{metric}' AS metric, 'call:' || c.root_id AS fact_key, c.root_id, c.at, c.id AS event_id,"
        f" c.ticket_id, c.order_id, c.customer_id, ({value})::float AS value, 1::float AS numerator,"
        f" 1::float AS denominator, {dims} FROM {source} c"
    )


_FACTS = f"""
WITH wrapped AS (
    SELECT DISTINCT ON (root_id) root_id, data->>'category' AS category, (data->>'wrapped')::float AS seconds FROM ev
     WHERE kind = 'call.wrapped_up' ORDER BY root_id, id DESC),
over AS (
    SELECT DISTINCT ON (root_id) root_id, at FROM ev WHERE kind IN ('call.ended', 'call.missed')
     ORDER BY root_id, id DESC),
told AS (
    SELECT DISTINCT ON (root_id) * FROM ev WHERE kind IN ('call.answered', 'call.ended') ORDER BY root_id, id DESC),
ended AS (
    SELECT t.root_id, o.at, t.id, t.ticket_id, t.order_id, t.customer_id, t.shop_id, t.data, w.category,
           coalesce(w.seconds, 0) AS wrap_seconds
      FROM told t JOIN over o ON o.root_id = t.root_id LEFT JOIN wrapped w ON w.root_id = t.root_id
     WHERE t.data->>'direction' = 'in' AND t.origin <> 'import'),
missed AS (
    SELECT DISTINCT ON (e.root_id) e.*, NULL::text AS category FROM ev e
     WHERE e.kind = 'call.missed' AND e.data->>'direction' = 'in' AND e.origin <> 'import'
       AND NOT EXISTS (SELECT FROM told t WHERE t.root_id = e.root_id)
     ORDER BY e.root_id, e.id DESC)
{_row("calls_answered", "ended")}
UNION ALL {_row("calls_missed", "missed")}
UNION ALL {_row("call_wait", "ended", "c.data->>'waited'")} WHERE c.data->>'waited' IS NOT NULL
UNION ALL {_row("call_talk_time", "ended", "c.data->>'talked'")} WHERE c.data->>'talked' IS NOT NULL
UNION ALL {_row("call_handling_time", "ended", "(c.data->>'talked')::float + c.wrap_seconds")}
 WHERE c.data->>'talked' IS NOT NULL
"""

CALLS = RootFold(
    name="calls",
    version=1,
    root_column="subject_id",
    where="e.subject_type = 'call'",
    facts=_FACTS,
)

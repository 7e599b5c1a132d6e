"""The satisfaction and follow-up figures: one root per invitation or visit; formulas as in kpis.md, Satisfaction.

Payloads: `survey.answered` carries csat (1–5), nps (0–10), ces (1–7) or none of them, whether it is valid, and the
dimensions of what it is about; `survey.judged` corrects validity later. `visit.window_closed` says whether a visit was
attempted in time and whether any feedback was collected.
"""

from kpi.folds.engine import RootFold

_DIMS = """{e}.shop_id, ({e}.data->>'team_id')::bigint AS team_id, ({e}.data->>'agent_id')::bigint AS agent_id,
       {e}.data->>'channel' AS channel, NULL::text AS category, {e}.data->>'stage' AS stage, NULL::smallint AS priority,
       {e}.data->>'tier' AS tier, {e}.data->>'survey' AS survey"""

_COMMON = """{e}.root_id, {e}.at, {e}.id, {e}.ticket_id, {e}.order_id, {e}.customer_id"""


def _row(metric: str, alias: str, value: str, numerator: str = "1", denominator: str = "1") -> str:
    return (
        f"SELECT '{metric}' AS metric, 'invite:' || {alias}.root_id AS fact_key, {_COMMON.format(e=alias)}, "
        f"({value})::float AS value, ({numerator})::float AS numerator, ({denominator})::float AS denominator, "
        f"{_DIMS.format(e=alias)} FROM {'valid' if alias == 'a' else 'invited'} {alias}"
    )


_SURVEY_FACTS = f"""
WITH judged AS (
    SELECT DISTINCT ON (root_id) root_id, (data->>'is_valid')::boolean AS is_valid FROM ev
     WHERE kind IN ('survey.answered', 'survey.judged') ORDER BY root_id, id DESC),
valid AS (
    SELECT a.* FROM ev a JOIN judged j ON j.root_id = a.root_id
     WHERE a.kind = 'survey.answered' AND j.is_valid AND a.origin <> 'import'),
invited AS (
    SELECT i.*, EXISTS (SELECT 1 FROM valid v WHERE v.root_id = i.root_id) AS is_answered
      FROM ev i WHERE i.kind = 'survey.delivered' AND i.origin <> 'import')
SELECT metric, fact_key, root_id, at, id AS event_id, ticket_id, order_id, customer_id, value, numerator, denominator,
       shop_id, team_id, agent_id, channel, category, stage, priority, tier, survey
  FROM (
    {_row("satisfaction_score", "a", "((a.data->>'csat')::float - 1) * 25")} WHERE a.data->>'csat' IS NOT NULL
    UNION ALL
    {_row("csat", "a", "(a.data->>'csat')::float", "((a.data->>'csat')::int >= 4)::int")}
     WHERE a.data->>'csat' IS NOT NULL
    UNION ALL
    {
    _row(
        "nps",
        "a",
        "(a.data->>'nps')::float",
        "CASE WHEN (a.data->>'nps')::int >= 9 THEN 1 WHEN (a.data->>'nps')::int <= 6 THEN -1 ELSE 0 END",
    )
}
     WHERE a.data->>'nps' IS NOT NULL
    UNION ALL
    {_row("ces", "a", "(a.data->>'ces')::float")} WHERE a.data->>'ces' IS NOT NULL
    UNION ALL
    {_row("survey_response_rate", "i", "NULL", "i.is_answered::int")}
  ) AS facts
"""

SURVEYS = RootFold(
    name="surveys",
    version=1,
    root_column="subject_id",
    where="e.subject_type = 'invitation'",
    facts=_SURVEY_FACTS,
)

_VISIT_FACTS = f"""
WITH closed AS (SELECT DISTINCT ON (root_id) * FROM ev WHERE kind = 'visit.window_closed' ORDER BY root_id, id DESC)
SELECT metric, fact_key, root_id, at, id AS event_id, ticket_id, order_id, customer_id, NULL::float AS value, numerator,
       1::float AS denominator, shop_id, team_id, agent_id, channel, category, stage, priority, tier, survey
  FROM (
    SELECT 'followup_coverage' AS metric, 'visit:' || c.root_id AS fact_key, c.root_id,
           (c.data->>'completed_at')::timestamptz AS at, c.id, c.ticket_id, c.order_id, c.customer_id,
           (c.data->>'is_attempted')::boolean::int AS numerator, {_DIMS.format(e="c")} FROM closed c
    UNION ALL
    SELECT 'feedback_collection_rate', 'visit:' || c.root_id, c.root_id, (c.data->>'completed_at')::timestamptz, c.id,
           c.ticket_id, c.order_id, c.customer_id, (c.data->>'is_collected')::boolean::int, {_DIMS.format(e="c")}
      FROM closed c
  ) AS facts
"""

VISITS = RootFold(
    name="visits",
    version=1,
    root_column="subject_id",
    where="e.subject_type = 'visit'",
    facts=_VISIT_FACTS,
)

"""The quality score: one root per review; formula as in kpis.md, section Service.

`quality.reviewed` carries the score and the dimensions of the conversation; `quality.decided` the score that counts
after an appeal. The fact stands on the day of the review, whatever was decided later.
"""

from kpi.folds.engine import RootFold

_FACTS = """
WITH last AS (
    SELECT DISTINCT ON (root_id) root_id, (data->>'score')::numeric AS score FROM ev
     WHERE kind IN ('quality.reviewed', 'quality.decided') ORDER BY root_id, id DESC)
SELECT 'quality_score' AS metric, 'review:' || r.root_id AS fact_key, r.root_id, r.at, r.id AS event_id, r.ticket_id,
       r.order_id, r.customer_id, l.score AS value, 1 AS numerator, 1 AS denominator, r.shop_id,
       (r.data->>'team_id')::bigint AS team_id, (r.data->>'agent_id')::bigint AS agent_id,
       r.data->>'channel' AS channel,
       r.data->>'category' AS category, r.data->>'stage' AS stage, (r.data->>'priority')::smallint AS priority,
       r.data->>'tier' AS tier, NULL::text AS survey
  FROM ev r JOIN last l ON l.root_id = r.root_id
 WHERE r.kind = 'quality.reviewed' AND r.origin <> 'import'
"""

QUALITY = RootFold(
    name="quality",
    version=1,
    root_column="subject_id",
    where="e.subject_type = 'quality_review'",
    facts=_FACTS,
)

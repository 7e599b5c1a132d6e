"""The part of the tickets fold that tells how much work a resolved ticket took: the console's focus and the calls.

What came after the resolution (a wrap-up, the last words written down) belongs to it too: the fact is counted afresh
with every event. A ticket nobody was seen working on has no fact: before the console measured, nothing is known.
"""

HANDLING_STEPS = """
focus AS (
    SELECT root_id, sum((data->>'seconds')::float) AS seconds FROM ev WHERE kind = 'ticket.worked' GROUP BY root_id),
talk AS (
    SELECT root_id, sum(seconds) AS seconds FROM (
        SELECT DISTINCT ON (subject_id) root_id, (data->>'talked')::float AS seconds FROM ev
         WHERE kind IN ('call.answered', 'call.ended') AND data->>'talked' IS NOT NULL
         ORDER BY subject_id, id DESC) AS told GROUP BY root_id),
wrap AS (
    SELECT root_id, sum(seconds) AS seconds FROM (
        SELECT DISTINCT ON (subject_id) root_id, (data->>'wrapped')::float AS seconds FROM ev
         WHERE kind = 'call.wrapped_up' ORDER BY subject_id, id DESC) AS told GROUP BY root_id),
handled AS (
    SELECT DISTINCT ON (r.root_id) r.*,
           coalesce(f.seconds, 0) + coalesce(t.seconds, 0) + coalesce(w.seconds, 0) AS seconds
      FROM resolved r LEFT JOIN focus f ON f.root_id = r.root_id LEFT JOIN talk t ON t.root_id = r.root_id
      LEFT JOIN wrap w ON w.root_id = r.root_id
     WHERE NOT r.was_reopened AND r.origin <> 'import'
       AND coalesce(f.seconds, t.seconds, w.seconds) IS NOT NULL
     ORDER BY r.root_id, r.id DESC)"""


def handling_facts(dims: str) -> str:
    """Return the SELECT of the work per resolved ticket, led by UNION ALL; `dims` reads the dimensions of alias h."""
    return f"""
UNION ALL
SELECT 'handle_time', 'event:' || h.id, h.root_id, h.at, h.id, h.ticket_id, h.order_id, h.customer_id, h.seconds, 1, 1,
       {dims}
  FROM handled h"""

"""The part of the tickets fold that tells whether closed tickets were solved: one fact per closing, on its day.

Solved is what its customer did not contest: the resolution it was closed upon was not reopened within 7 days. A later
return is a new matter of the same ticket. Hard ones had a department task or a joint answer before they were closed.
"""

# One pass over each ticket's steps: looking each closing's neighbours up would read the whole chunk for every one.
CLOSING_STEPS = """
told AS (
    SELECT e.*, count(*) FILTER (WHERE kind = 'ticket.resolved') OVER past AS times_resolved,
           coalesce(bool_or(kind IN ('task.asked', 'joint_response.asked')) OVER past, false) AS is_hard,
           min(at) FILTER (WHERE kind = 'ticket.reopened') OVER (PARTITION BY root_id ORDER BY id
               ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS contested_at
      FROM ev e
     WHERE kind IN ('ticket.resolved', 'ticket.reopened', 'ticket.closed', 'task.asked', 'joint_response.asked')
       AND root_id IN (SELECT root_id FROM counted)
    WINDOW past AS (PARTITION BY root_id ORDER BY id ROWS UNBOUNDED PRECEDING)),
closed AS (
    SELECT t.*, first_value(at) OVER round AS resolved_at, first_value(data) OVER round AS resolved_data,
           first_value(contested_at) OVER round AS first_contested_at
      FROM told t WHERE times_resolved > 0 WINDOW round AS (PARTITION BY root_id, times_resolved ORDER BY id)),
judged AS (
    SELECT root_id, at, id, ticket_id, order_id, customer_id, shop_id, resolved_data AS data, is_hard,
           coalesce(first_contested_at > resolved_at + interval '7 days', true) AS is_solved
      FROM closed WHERE kind = 'ticket.closed' AND origin <> 'import')"""


def closing_facts(dims: str) -> str:
    """Return the SELECTs of both rates, each led by UNION ALL; `dims` reads the dimensions of alias d."""
    return "".join(
        f"""
UNION ALL
SELECT '{metric}', 'event:' || d.id, d.root_id, d.at, d.id, d.ticket_id, d.order_id, d.customer_id, NULL,
       d.is_solved::int, 1, {dims}
  FROM judged d{only}"""
        for metric, only in (("resolution_rate", ""), ("resolution_rate_joint", " WHERE d.is_hard"))
    )

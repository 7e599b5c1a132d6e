"""The part of the tickets fold that tells whether closed tickets were solved: one fact per closing, on its day.

Solved is what its customer did not contest: the resolution it was closed upon was not reopened within 7 days. A later
return is a new matter of the same ticket. Hard ones had a department task or a joint answer before they were closed.
"""

CLOSING_STEPS = """
closing AS (
    SELECT DISTINCT ON (c.id) c.*, r.id AS resolved_id, r.at AS resolved_at, r.data AS resolved_data
      FROM ev c JOIN counted o ON o.root_id = c.root_id
      JOIN resolved r ON r.root_id = c.root_id AND r.id < c.id
     WHERE c.kind = 'ticket.closed' AND c.origin <> 'import' ORDER BY c.id, r.id DESC),
judged AS (
    SELECT c.root_id, c.at, c.id, c.ticket_id, c.order_id, c.customer_id, c.shop_id, c.resolved_data AS data,
           NOT EXISTS (SELECT FROM ev b WHERE b.root_id = c.root_id AND b.kind = 'ticket.reopened'
                          AND b.id > c.resolved_id AND b.at <= c.resolved_at + interval '7 days') AS is_solved,
           EXISTS (SELECT FROM ev t WHERE t.root_id = c.root_id AND t.id < c.id
                      AND t.kind IN ('task.asked', 'joint_response.asked')) AS is_hard
      FROM closing c)"""


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

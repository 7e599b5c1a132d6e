"""The part of the tickets fold that tells what is left to do: how each ticket stood at the end of each day.

Only ends of days matter, so a ticket opened and resolved on one day leaves nothing. A stretch in which it stood open
under the same team, agent and category begins with a fact of 1 and ends with one of -1, both of the dimensions of its
beginning; a level is their sum. `value` of a beginning is the ticket's age then, in seconds.

What stands open after its last event is counted once more under NOW: from there a level is reckoned backwards, and the
rows of a day are found without reading everything before it.
"""

NOW = "backlog_now"
_KEPT = ("root_id", "id", "at", "day", "ticket_id", "order_id", "customer_id", "shop_id")
_TOLD = ("channel", "category", "stage", "priority", "tier")
_HELD = ("team_id", "agent_id")
_SAME = ("team_id", "agent_id", "category")

_kept = ", ".join(f"e.{name}" for name in _KEPT)
_told = ", ".join(f"first_value(s.data->>'{name}') OVER told AS {name}" for name in _TOLD)
_differs = "(" + ", ".join(_SAME) + ") IS DISTINCT FROM (" + ", ".join(f"old_{name}" for name in _SAME) + ")"
_lagged = ", ".join(f"lag({name}) OVER days AS old_{name}" for name in ("is_open", *_HELD, *_TOLD))

# told: the newest event with every dimension; held: the newest that says whose it is; stood: the newest that opens or
# ends it. The counts number them, so that first_value() of a number is what the events after it go by.
STANDING_STEPS = f"""
step AS (
    SELECT {_kept}, e.kind, e.data, o.at AS opened_at,
           count(*) FILTER (WHERE e.kind NOT IN ('ticket.assigned', 'ticket.closed')) OVER life AS told,
           count(*) FILTER (WHERE e.kind <> 'ticket.closed') OVER life AS held,
           count(*) FILTER (WHERE e.kind NOT IN ('ticket.assigned', 'ticket.changed')) OVER life AS stood
      FROM ev e JOIN counted o ON o.root_id = e.root_id
     WHERE e.kind IN ('ticket.opened', 'ticket.assigned', 'ticket.changed', 'ticket.resolved', 'ticket.reopened',
                      'ticket.closed')
    WINDOW life AS (PARTITION BY e.root_id ORDER BY e.at, e.id)),
stand AS (
    SELECT s.*, first_value(s.kind) OVER stood IN ('ticket.opened', 'ticket.reopened') AS is_open,
           first_value(s.data->>'team_id') OVER held AS team_id, first_value(s.data->>'agent_id') OVER held AS agent_id,
           {_told}
      FROM step s
    WINDOW told AS (PARTITION BY s.root_id, s.told ORDER BY s.at, s.id),
           held AS (PARTITION BY s.root_id, s.held ORDER BY s.at, s.id),
           stood AS (PARTITION BY s.root_id, s.stood ORDER BY s.at, s.id)),
day_end AS (SELECT DISTINCT ON (root_id, day) * FROM stand ORDER BY root_id, day, at DESC, id DESC),
turn AS (
    SELECT d.*, {_lagged}, lead(d.id) OVER days IS NULL AS is_last FROM day_end d
    WINDOW days AS (PARTITION BY d.root_id ORDER BY d.day))"""


def _fact(metric: str, key: str, at: str, value: str, sign: int, prefix: str = "") -> str:
    return f"""
UNION ALL
SELECT '{metric}', '{key}:' || t.id, t.root_id, {at}, t.id, t.ticket_id, t.order_id, t.customer_id, {value}, {sign}, 1,
       t.shop_id, t.{prefix}team_id::bigint, t.{prefix}agent_id::bigint, t.{prefix}channel, t.{prefix}category,
       t.{prefix}stage, t.{prefix}priority::smallint, t.{prefix}tier, NULL::text
  FROM turn t WHERE"""


def standing_facts() -> str:
    """Return the SELECTs of what began, ended and still stands, each led by UNION ALL."""
    age = "greatest(0, extract(epoch FROM t.at - t.opened_at))"
    begins = f"t.is_open AND (t.old_is_open IS NOT TRUE OR {_differs})"
    ends = f"t.old_is_open AND (NOT t.is_open OR {_differs})"
    return "".join(
        (
            f"{_fact('backlog', 'open', 't.at', age, 1)} {begins}",
            f"{_fact('backlog', 'done', 't.at', 'NULL', -1, 'old_')} {ends}",
            f"{_fact(NOW, 'open', 't.opened_at', 'NULL', 1)} t.is_open AND t.is_last",
        )
    )

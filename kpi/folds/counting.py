"""What every figure of tickets begins with: the tickets that count, and the dimensions of an event."""

# Dimensions as they stood at an event that carries them.
_DIMS = """{e}.shop_id, ({e}.data->>'team_id')::bigint AS team_id, ({e}.data->>'agent_id')::bigint AS agent_id,
       {e}.data->>'channel' AS channel, {e}.data->>'category' AS category, {e}.data->>'stage' AS stage,
       ({e}.data->>'priority')::smallint AS priority, {e}.data->>'tier' AS tier, NULL::text AS survey"""


def dims(alias: str) -> str:
    """Return the dimension columns as an event carries them."""
    return _DIMS.format(e=alias)


COUNTED_STEPS = """
opened AS (SELECT * FROM ev WHERE kind = 'ticket.opened'),
spam AS (
    SELECT DISTINCT ON (root_id) root_id, kind = 'ticket.marked_spam' AS is_spam FROM ev
     WHERE kind IN ('ticket.marked_spam', 'ticket.unmarked_spam') ORDER BY root_id, id DESC),
merged AS (
    SELECT DISTINCT ON (root_id) root_id, kind = 'ticket.merged' AS is_merged FROM ev
     WHERE kind IN ('ticket.merged', 'ticket.unmerged') ORDER BY root_id, id DESC),
counted AS (
    SELECT o.* FROM opened o LEFT JOIN spam s ON s.root_id = o.root_id LEFT JOIN merged m ON m.root_id = o.root_id
     WHERE coalesce(s.is_spam, false) = false AND coalesce(m.is_merged, false) = false),
reopened AS (SELECT root_id, max(id) AS last_id FROM ev WHERE kind = 'ticket.reopened' GROUP BY root_id),
resolved AS (
    SELECT r.*, o.at AS opened_at, later.root_id IS NOT NULL AS ever_reopened,
           coalesce(later.last_id > r.id, false) AS was_reopened
      FROM ev r JOIN counted o ON o.root_id = r.root_id LEFT JOIN reopened later ON later.root_id = r.root_id
     WHERE r.kind = 'ticket.resolved')"""

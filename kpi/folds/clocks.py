"""The part of the tickets fold that tells promises kept: one fact per clock, at its stop or its deadline.

A clock counts as missed at the deadline that passed, answered since or not; else as kept at its first stop in time. A
breach taken back (new terms put the deadline ahead) counts no more. A solution that did not hold stays kept until its
clock, running on, is missed.
"""

CLOCK_STEPS = """
clock_event AS (
    SELECT c.*, c.kind = 'clock.met' AND (c.data->>'was_kept')::boolean AS is_in_time
      FROM ev c JOIN counted o ON o.root_id = c.root_id
     WHERE c.kind IN ('clock.met', 'clock.breached', 'clock.spared') AND c.origin <> 'import' AND o.origin <> 'import'),
clock_end AS (
    SELECT subject_id,
           coalesce(max(id) FILTER (WHERE is_in_time OR kind = 'clock.spared'), 0) AS good_until,
           coalesce(max(id) FILTER (WHERE NOT is_in_time AND kind <> 'clock.spared'), 0) AS missed_id
      FROM clock_event GROUP BY subject_id),
clock_fact AS (
    SELECT DISTINCT ON (c.subject_id) c.*, e.missed_id < e.good_until AS is_kept
      FROM clock_event c JOIN clock_end e ON e.subject_id = c.subject_id
     WHERE CASE WHEN e.missed_id > e.good_until
                THEN NOT c.is_in_time AND c.kind <> 'clock.spared' AND c.id > e.good_until ELSE c.is_in_time END
     ORDER BY c.subject_id, c.kind, c.id)"""
# By kind: a breach goes before a stop, which for a missed clock stands in only where no breach was written.


def clock_facts(dims: str) -> str:
    """Return the SELECTs of the three rates, each led by UNION ALL; `dims` reads the dimensions of alias k."""
    metrics = (
        ("first_response_rate", "first_response"),
        ("next_response_rate", "next_response"),
        ("resolution_rate_48h", "resolution"),
    )
    return "".join(
        f"""
UNION ALL
SELECT '{metric}', 'clock:' || k.subject_id, k.root_id, k.at, k.id, k.ticket_id, k.order_id, k.customer_id,
       NULL, k.is_kept::int, 1, {dims}
  FROM clock_fact k WHERE k.data->>'clock' = '{clock}'"""
        for metric, clock in metrics
    )

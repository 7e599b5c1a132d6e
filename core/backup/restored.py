"""After a restore: the log's transaction ids may lie above the new cluster's present; folds would wait for ever."""

from __future__ import annotations

from django.db import connection, transaction

from core.folds import FIRST_XID, start_over
from core.models import FoldCursor


def has_future_xids() -> bool:
    """Say whether the log or a fold holds transaction ids this cluster has not reached."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT coalesce((SELECT max(xid) FROM core_event) >= pg_snapshot_xmax(pg_current_snapshot()), false)
                   OR coalesce((SELECT bool_or(greatest(upto, window_end) > pg_snapshot_xmax(pg_current_snapshot()))
                                  FROM core_fold_cursor), false)"""
        )
        return bool(cursor.fetchone()[0])


@transaction.atomic
def reset_xids() -> int:
    """Give every event of the restored log the first transaction id and start the folds anew; return the event count.

    The one time the log is written over, and only in a column that is about this cluster, not about history.
    """
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_event DISABLE TRIGGER event_append_only")
        cursor.execute("UPDATE core_event SET xid = %s::text::xid8", [str(FIRST_XID)])
        count = cursor.rowcount
        cursor.execute("ALTER TABLE core_event ENABLE TRIGGER event_append_only")
    for row in FoldCursor.objects.select_for_update():
        start_over(row)
    return count

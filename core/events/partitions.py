"""Month partitions of the event log by id range.

Each month owns the ids from `month_base(month)` on: 2**36 of them, far more than a month can fill. A due job creates
the next month's partition; when the month begins, the sequence is set to its base. Ids therefore rise with recording,
a month is one partition, the primary key stays `id`, and no row ever moves. If the job never runs, ids simply go on
in the old month's range: nothing breaks, the cut comes later.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import connection, transaction

MONTH_BITS = 36
ZONE = ZoneInfo("UTC")


def month_number(day: date) -> int:
    """Count months since January of year 0."""
    return day.year * 12 + day.month - 1


def month_base(number: int) -> int:
    """Return the first id of a month."""
    return number << MONTH_BITS


def partition_name(number: int) -> str:
    """Return the partition's table name, e.g. core_event_2026_11."""
    year, month = divmod(number, 12)
    return f"core_event_{year:04d}_{month + 1:02d}"


def create_partition(number: int) -> None:
    """Create one month's partition if it is not there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('CREATE TABLE IF NOT EXISTS %%I PARTITION OF core_event FOR VALUES FROM (%%s) TO (%%s)',"
            " %s::text, %s::text, %s::text)",
            [
                partition_name(number),
                str(month_base(number)),
                str(month_base(number + 1)),
            ],
        )
        cursor.execute(cursor.fetchone()[0])


def roll_partitions(now: datetime) -> int:
    """Make this and the next two months' partitions and start this month's ids; return the month's number.

    Runs twice without harm. Two at once: the advisory lock lets one through at a time.
    """
    number = month_number(now.astimezone(ZONE).date())
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('core_event.partitions'))")
        for ahead in range(3):
            create_partition(number + ahead)
    # After the commit: an id of the new month must never meet a missing partition. Under the lock again: two callers
    # that both saw the old month must not set the sequence back after ids of the new one were given out.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('core_event.partitions'))")
        cursor.execute(
            "SELECT CASE WHEN last_value < %s THEN setval('core_event_id_seq', %s) END FROM core_event_id_seq",
            [month_base(number), month_base(number)],
        )
    return number

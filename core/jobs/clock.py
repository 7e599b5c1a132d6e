"""The tick: make the jobs of due periods, do light upkeep, drain what is due."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from core.jobs.queue import schedule
from core.jobs.registry import PERIODIC, TICKS, Periodic
from core.models import Period

logger = logging.getLogger(__name__)
MAX_FILL = 2000
_last_run: dict[str, datetime] = {}


def tick(now: datetime) -> None:
    """Do what is due at this moment. Two tickers, or none for an hour, do no harm."""
    for item in PERIODIC.values():
        try:
            make_periods(item, now)
        except Exception:  # one broken period must not stop the others
            logger.exception("tick.period_failed name=%s", item.name)
    for name, (at_most_every, function) in TICKS.items():
        last = _last_run.get(name)
        if last is not None and timedelta(0) <= now - last < at_most_every:
            continue
        _last_run[name] = now
        try:
            _alone(name, function, now)
        except Exception:
            logger.exception("tick.upkeep_failed name=%s", name)


@transaction.atomic
def make_periods(item: Periodic, now: datetime) -> int:
    """Owe a job for each period begun since the last one; return how many were made."""
    newest = period_start(now, item.every)
    row = Period.objects.select_for_update().filter(name=item.name).first()
    if row is None:
        Period.objects.bulk_create([Period(name=item.name, last_start=newest)], ignore_conflicts=True)
        starts = [newest]
    elif newest <= row.last_start:
        return 0
    else:
        count = int((newest - row.last_start) / item.every)
        starts = [newest - item.every * n for n in range(min(count, MAX_FILL))][::-1] if item.fill else [newest]
        row.last_start = newest
        row.save(update_fields=["last_start"])
    made = 0
    for start in starts:
        made += schedule(
            item.name,
            key=start.isoformat(),
            due_at=start,
            shard="period",
            payload={"period_start": start.isoformat()},
        )
    return made


def period_start(now: datetime, every: timedelta) -> datetime:
    """Return the start of the period `now` lies in, periods counted from 1970-01-01 UTC."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + every * int((now - epoch) / every)


def _alone(name: str, function: Callable[[datetime], None], now: datetime) -> None:
    """Run the function in one process at a time; it opens its own transactions."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [f"tick:{name}"])
        if not cursor.fetchone()[0]:
            return
        try:
            function(now)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [f"tick:{name}"])

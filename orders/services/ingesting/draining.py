"""Apply what providers pushed, batch after batch, the oldest first; a push that breaks is refused alone.

A batch is one transaction. Killed anywhere, it leaves every push as it was, and the next one begins with them again.
Two appliers take different pushes; what belongs to an order somebody else holds is left for the next round.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from django.db import OperationalError, connection, transaction

from core.kept import run_prepared
from orders.services.carrying.pushes import apply_push
from orders.services.ingesting import statements
from orders.services.ingesting.applying import Applied, apply_told
from orders.services.ingesting.reading import Push, Read, Told, read_pushes

logger = logging.getLogger(__name__)
BATCH, BATCH_BYTES = 1000, 8 * 2**20
BUSY_SECONDS = 15.0
PAUSE = 0.05
WAIT = timedelta(days=7)


@dataclass(slots=True)
class Batch:
    """What one transaction did: the pushes it took, up to which id, and what came of them."""

    pushes: int = 0
    last_id: int = 0
    single: list[int] = field(default_factory=list)
    applied: Applied = field(default_factory=Applied)


def apply_pushes(*, at: datetime, seconds: float = BUSY_SECONDS) -> bool:
    """Apply stored pushes for some seconds; return whether some are left. Not inside a transaction."""
    end, after, left = time.monotonic() + seconds, 0, False
    while time.monotonic() < end:
        batch = apply_batch(at=at, after=after)
        for push_id in batch.single:
            apply_push(push_id=push_id, at=at)
        left |= bool(batch.applied.left)
        after = batch.last_id
        if not batch.pushes and not left:
            return False
        if not batch.pushes:  # from the beginning: orders others held may be free by now
            time.sleep(PAUSE)
            after, left = 0, False
    return True


@transaction.atomic
def apply_batch(*, at: datetime, after: int = 0, limit: int = BATCH) -> Batch:
    """Apply the oldest stored pushes behind `after` that nobody else applies now."""
    values = {"after": after, "limit": limit, "bytes": BATCH_BYTES}
    pushes = [Push(*row) for row in run_prepared(statements.CLAIM, values, binary=True)]
    if not pushes:
        return Batch()
    read = read_pushes(pushes)
    applied = _apply_apart(read, at)
    return Batch(len(pushes), pushes[-1].id, read.single, applied)


def _apply_apart(read: Read, at: datetime) -> Applied:
    """Apply together; where that fails halve until the push that breaks it stands alone, and refuse that."""
    try:
        with transaction.atomic():
            return apply_told(read.told, silent=read.silent, refused=read.refused, at=at)
    except OperationalError:
        raise  # ours, not a push's: all of it is tried again
    except Exception:  # a batch may break in any way on what was told; the one that breaks it is found
        of_push = [list(group) for _pk, group in groupby(read.told, key=_push_id)]
        if not of_push:
            raise
        if len(of_push) == 1:
            push_id = of_push[0][0].push.id
            logger.exception("push.not_applied id=%s", push_id)
            return _apply_apart(Read(silent=read.silent, refused={**read.refused, push_id: "not_applied"}), at)
    half = len(of_push) // 2
    first = _apply_apart(Read([one for group in of_push[:half] for one in group], read.silent, [], read.refused), at)
    rest = _apply_apart(Read([one for group in of_push[half:] for one in group]), at)
    return Applied(
        first.told + rest.told, first.scans + rest.scans, first.events + rest.events, first.jobs + rest.jobs,
        first.left | rest.left,
    )  # fmt: skip


def _push_id(told: Told) -> int:
    return told.push.id


@transaction.atomic
def wake_waiting(*, limit: int = 5000) -> int:
    """Let pushes be applied whose parcel has come by now; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(statements.WAKE_WAITING, [limit])
        return int(cursor.rowcount)


@transaction.atomic
def give_up_waiting(*, at: datetime) -> int:
    """Refuse pushes whose parcel did not come in seven days; they are kept with that reason. Return how many."""
    with connection.cursor() as cursor:
        cursor.execute(statements.GIVE_UP, {"at": at, "before": at - WAIT})
        return int(cursor.rowcount)

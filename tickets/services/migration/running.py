"""Take a checked export in: batches of one transaction each, from wherever the last one stopped."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import batched, islice

from django.db import DataError, IntegrityError, OperationalError, connection, transaction

from core.actors import Actor, ActorType
from core.errors import DomainError
from core.events import record
from core.jobs import schedule
from core.live import announce
from tickets.migration_enums import MigrationState
from tickets.migration_events import MigrationFinished
from tickets.models import Migration, MigrationProblem
from tickets.services.migration.checking import fail_migration, problem, read_all, read_piece
from tickets.services.migration.reading import Piece
from tickets.services.migration.shapes import TicketIn, Unfit
from tickets.services.migration.starting import RUN_JOB, drop_files, lock_migration, move_migration, wipe_unfinished
from tickets.services.migration.taking import Taker, Tally

logger = logging.getLogger(__name__)
BATCH = 250
SLICE_SECONDS = 25.0  # behind what is passed over: a million tickets of JSON take 40 s, a worker's task has 90
TRIES = 5

type Told = tuple[str, Piece]


class Stopped(Exception):
    """The migration was called off, or another worker is on it."""


def run_migration(*, migration_id: int, at: datetime) -> Migration:
    """Take everything in within this process; for the command line and tests."""
    while migrate_slice(migration_id=migration_id, at=at, seconds=3600.0, go_on=False):
        pass
    return Migration.objects.get(pk=migration_id)


def migrate_slice(
    *,
    migration_id: int,
    at: datetime,
    seconds: float = SLICE_SECONDS,
    go_on: bool = True,
    went_on: Callable[[], None] | None = None,
) -> bool:
    """Take in for a while; with `go_on` owe the next slice as a job. Return whether something is left.

    Runs outside a transaction; each batch is one, and `went_on` is called in it. Started twice or killed at any point,
    it goes on where it stands.
    """
    migration = Migration.objects.select_related("shop").filter(pk=migration_id, state=MigrationState.RUNNING).first()
    if migration is None:
        return False
    end, position = 0.0, migration.items_done
    taker = Taker(migration, at, went_on)
    was_collecting = gc.isenabled()
    gc.disable()  # drafts hold no cycles worth looking for; batches are freed by counting
    try:
        for batch in batched(islice(read_all(migration), position, None), BATCH):
            end = end or time.monotonic() + seconds
            _take(migration.pk, taker, batch, position)
            position += len(batch)
            if time.monotonic() > end:
                if go_on:
                    _owe_next(migration.pk, position, at)
                return True
    except Stopped:
        return False
    except DomainError as refused:
        logger.info("migration.refused id=%s code=%s", migration.pk, refused.code)
        fail_migration(migration_id=migration.pk, code=refused.code, at=at)
        return False
    finally:
        if was_collecting:
            gc.enable()
    _finish(migration.pk, at)
    return False


def _take(migration_id: int, taker: Taker, batch: Sequence[Told], position: int) -> None:
    """Write a batch and the place behind it together. Raises Stopped."""
    tickets = [read for _name, piece in batch if isinstance(read := _read(piece), TicketIn)]
    for attempt in range(1, TRIES + 1):
        try:
            with transaction.atomic():
                _write(migration_id, taker, tickets, position, len(batch))
            return
        except DataError:
            break  # one of them cannot be stored: one by one, so that the others can
        except (IntegrityError, OperationalError) as clash:
            # Somebody else brought the same person or ticket just now: it is committed, the next try finds it.
            if not connection.is_usable() or (attempt == TRIES and isinstance(clash, OperationalError)):
                raise
            taker.__post_init__()
            time.sleep(0.05 * attempt)
    _one_by_one(migration_id, taker, batch, position)


def _one_by_one(migration_id: int, taker: Taker, batch: Sequence[Told], position: int) -> None:
    for number, (name, piece) in enumerate(batch):
        read = _read(piece)
        tickets = [read] if isinstance(read, TicketIn) else []
        try:
            with transaction.atomic():
                _write(migration_id, taker, tickets, position + number, 1)
        except (DataError, IntegrityError) as error:
            logger.warning("migration.piece_refused id=%s error=%s", migration_id, type(error).__name__)
            with transaction.atomic():
                migration = lock_migration(migration_id)
                MigrationProblem.objects.bulk_create([problem(migration, name, piece, Unfit("refused"))])
                _write(migration_id, taker, [], position + number, 1, bad=1)


def _read(piece: Piece) -> object:
    try:
        return read_piece(piece)
    except Unfit:
        return None


def _write(
    migration_id: int, taker: Taker, tickets: Sequence[TicketIn], position: int, count: int, *, bad: int = 0
) -> None:
    migration = lock_migration(migration_id)
    if migration.state != MigrationState.RUNNING or migration.items_done != position:
        raise Stopped
    tally = taker.take(tickets) if tickets else Tally()
    migration.items_done = position + count
    migration.tickets_new += tally.new
    migration.tickets_changed += tally.changed
    migration.tickets_same += tally.same
    migration.messages_new += tally.messages
    migration.bad += bad
    migration.version += 1
    migration.save(
        update_fields=[
            "items_done", "tickets_new", "tickets_changed", "tickets_same", "messages_new", "bad", "version",
        ]
    )  # fmt: skip
    announce(f"migration.{migration.pk}", "migration", migration.pk, migration.version)
    if taker.went_on is not None:
        taker.went_on()


@transaction.atomic
def _owe_next(migration_id: int, position: int, at: datetime) -> None:
    schedule(
        RUN_JOB, key=f"{migration_id}:{position}", due_at=at, shard=f"migration:{migration_id}",
        payload={"migration_id": migration_id},
    )  # fmt: skip


@transaction.atomic
def _finish(migration_id: int, at: datetime) -> None:
    migration = lock_migration(migration_id)
    if migration.state != MigrationState.RUNNING:
        return
    move_migration(migration, MigrationState.DONE)
    migration.finished_at = at
    migration.save()
    wipe_unfinished(migration)
    data = MigrationFinished(migration.tickets_new, migration.tickets_changed, migration.messages_new, migration.bad)
    who = migration.started_by_id
    actor = Actor(ActorType.STAFF, who) if who else Actor(ActorType.IMPORT, migration.pk)
    record("migration.finished", subject=migration, actor=actor, at=at, data=data)
    announce("tickets", "migration", migration.pk, migration.version)
    transaction.on_commit(lambda: drop_files(migration), robust=True)
    logger.info(
        "migration.done id=%s new=%s same=%s bad=%s",
        migration.pk, migration.tickets_new, migration.tickets_same, migration.bad,
    )  # fmt: skip

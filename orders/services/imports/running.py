"""Let a checked file in: in batches of one transaction each, from wherever the last one stopped.

A process beside this one reads, checks, encrypts and digests the next batch while this one and the database work on
theirs; it hands over in pieces, so that little more than one batch is in memory. Each batch locks the run's row, so two
workers never take one file twice.
"""

from __future__ import annotations

import logging
import marshal  # allowed: it reads what it packed itself, or its own child, a minute ago
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from operator import attrgetter
from typing import Any, NamedTuple

from django.db import transaction

from core.actors import Actor, ActorType
from core.errors import DomainError
from core.events import record
from core.jobs import schedule
from core.live import announce
from orders.enums import ImportKind, ImportState
from orders.errors import InvalidOrder
from orders.events import ImportFinished
from orders.models import ImportRun
from orders.selectors.carriers import carrier_ids
from orders.services.data import OrderData
from orders.services.imports.beside import made_beside
from orders.services.imports.bulk import Prepared, insert_orders, prepare
from orders.services.imports.checking import fail_import
from orders.services.imports.grouping import Group, Reader, Ready, Refused
from orders.services.imports.handling import digests_of, open_reader
from orders.services.imports.one_by_one import take_things
from orders.services.imports.reading import collector_paused, local_file
from orders.services.imports.starting import drop_file, lock_run, move_run
from orders.services.imports.writing import (
    Stopped,
    again_on_clash,
    hold_run,
    refuse,
    refuse_late,
    save_progress,
    write_alone,
)
from orders.services.upserting import upsert_order

logger = logging.getLogger(__name__)
BATCH, PIECE = 2000, 250
SOURCE = "import"
MAX_SINGLE = 250
SLICE_SECONDS = 35.0


class Told(NamedTuple):
    """An order of the file: its rows (packed), and what to write should it be new; else it is read from them again."""

    number: str
    digest: bytes
    is_live: bool
    rows: bytes
    new: Prepared

    def group(self) -> Group:
        """Return the rows it was read from."""
        return Group(self.number, _unpacked(self.rows))


@dataclass(slots=True)
class Portion:
    """Orders that go in together, and how many orders and rows of the file they stand for, refused ones included."""

    orders: list[Told] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    done: int = 0
    rows: int = 0

    def __getstate__(self) -> tuple[bytes, list[Refused], int, int]:
        """Go from one process to the other as plain values in one block: a third of what pickling each order costs."""
        return _packed([(*one[:-1], one.new.plain()) for one in self.orders]), self.refused, self.done, self.rows

    def __setstate__(self, state: tuple[bytes, list[Refused], int, int]) -> None:
        orders, self.refused, self.done, self.rows = state
        self.orders = [
            Told(number, digest, is_live, rows, Prepared.of(new))
            for number, digest, is_live, rows, new in _unpacked(orders)
        ]


def _packed(plain: list[Any]) -> bytes:
    """Pack plain values for our own child or parent, a moment from now; without references it is the fastest."""
    return marshal.dumps(plain, 2)


def _unpacked(packed: bytes) -> Any:
    return marshal.loads(packed)


def run_import(*, run_id: int, at: datetime) -> ImportRun | None:
    """Import a whole file in this process; for the command line and tests. None when it was called off."""
    while import_slice(run_id=run_id, at=at, seconds=3600.0, go_on=False):
        pass
    return ImportRun.objects.filter(pk=run_id).first()


def import_slice(
    *,
    run_id: int,
    at: datetime,
    seconds: float = SLICE_SECONDS,
    go_on: bool = True,
    went_on: Callable[[], None] | None = None,
) -> bool:
    """Import for a while; with `go_on` owe the next slice as a job. Return whether something is left.

    Runs outside a transaction; each batch is one, and `went_on` is called in it. Started twice or killed at any point,
    it goes on where it stands.
    """
    run = ImportRun.objects.select_related("shop").filter(pk=run_id, state=ImportState.RUNNING).first()
    if run is None:
        return False
    try:
        with collector_paused():
            return _slice(run, at, seconds, go_on, went_on)
    except Stopped:
        return False
    except DomainError as refused:
        logger.info("import.refused id=%s code=%s", run.pk, refused.code)
        fail_import(run_id=run.pk, error=refused, at=at)
        return False


def _slice(run: ImportRun, at: datetime, seconds: float, go_on: bool, went_on: Callable[[], None] | None) -> bool:
    end, position = time.monotonic() + seconds, run.orders_done
    with local_file(run.options.get("csv_key") or run.file_key) as path:
        reader = open_reader(run, path, run.checked_at or at)
        if run.kind != ImportKind.ORDERS:
            for done in take_things(run, reader, position, actor=actor_of(run), went_on=went_on):
                if time.monotonic() > end:
                    if go_on:
                        _owe_next(run.pk, done, at)
                    return True
            _finish(run.pk, at)
            return False
        assert isinstance(reader, Reader)
        importer = _Importer(run, reader, went_on)
        with closing(made_beside(_portions(reader, run, position, carrier_ids()), ahead=BATCH // PIECE)) as portions:
            for pieces in batched(portions, BATCH // PIECE):
                position = importer.take(_joined(pieces), position)
                if time.monotonic() > end:
                    if go_on:
                        _owe_next(run.pk, position, at)
                    return True
    _finish(run.pk, at)
    return False


def _portions(reader: Reader, run: ImportRun, skip: int, carriers: dict[str, int]) -> Iterator[Portion]:
    at = run.checked_at or run.created_at
    if not reader.together:
        reader.count()
    for groups in batched(reader.groups(skip), PIECE):
        portion = Portion()
        for group in groups:
            portion.done += 1
            portion.rows += len(group.rows)
            result = reader.order(group)
            if isinstance(result, Ready):
                new = prepare(result, run.shop, carriers=carriers, source=SOURCE, at=at)
                rows = _packed(group.rows)
                portion.orders.append(Told(result.data.number, result.digest, _is_live(run, result.data), rows, new))
            else:
                portion.refused.append(result)
        yield portion


def _joined(pieces: Iterable[Portion]) -> Portion:
    whole = Portion()
    for piece in pieces:
        whole.orders += piece.orders
        whole.refused += piece.refused
        whole.done += piece.done
        whole.rows += piece.rows
    return whole


def _is_live(run: ImportRun, data: OrderData) -> bool:
    return run.live_from is not None and data.placed_at is not None and data.placed_at >= run.live_from


class _Importer:
    """Writes portions and counts what became of their orders."""

    def __init__(self, run: ImportRun, reader: Reader, went_on: Callable[[], None] | None = None) -> None:
        self.run, self.shop, self.reader, self.went_on = run, run.shop, reader, went_on
        self.actor = actor_of(run)

    def take(self, portion: Portion, position: int) -> int:
        """Write one portion; return the position behind it. Raises Stopped."""
        return again_on_clash(self.run.pk, lambda attempt: self._take(portion, position, one_by_one=attempt > 2))

    def _take(self, portion: Portion, position: int, *, one_by_one: bool) -> int:
        """Write new orders in bulk; one by one where others write the same orders or people at this moment."""
        fresh, singles = [], []
        known = digests_of(self.shop.pk, [one.number for one in portion.orders])
        same = 0
        for one in portion.orders:
            digest = known.get(one.number)
            if digest == one.digest:
                same += 1
            elif digest is None and not one_by_one and not one.is_live:
                fresh.append(one.new)
            else:
                singles.append(one)
        chunks = [singles[start : start + MAX_SINGLE] for start in range(0, len(singles), MAX_SINGLE)] or [[]]
        for number, chunk in enumerate(chunks):
            is_last = number == len(chunks) - 1
            with transaction.atomic():
                run = hold_run(self.run.pk, position)
                write_alone(self.shop.pk)
                if number == 0:
                    at = run.checked_at or run.created_at
                    insert_orders(fresh, shop=self.shop, source=SOURCE, actor=self.actor, at=at)
                    refuse_late(run, portion.refused)
                    run.orders_new += len(fresh)
                    run.orders_same += same
                self._upsert(run, chunk)
                if is_last:
                    run.orders_done = position + portion.done
                    run.rows_read += portion.rows
                save_progress(run)
                if self.went_on is not None:
                    self.went_on()
        return position + portion.done

    def _upsert(self, run: ImportRun, orders: list[Told]) -> None:
        for one in sorted(orders, key=attrgetter("number")):
            again = self.reader.order(one.group())
            if isinstance(again, Refused):  # a carrier or a rule that was there at the check is gone
                refuse(run, again)
                continue
            try:
                _order, what = upsert_order(
                    shop_id=self.shop.pk,
                    data=again.data,
                    actor=self.actor,
                    at=run.checked_at or run.created_at,
                    origin="live" if one.is_live else "import",
                    source=SOURCE,
                )
            except InvalidOrder as error:  # the shop's rules changed since the check; the order stays as it is
                refuse(run, self.reader.refused(one.group(), error))
                continue
            name = f"orders_{what}"
            setattr(run, name, getattr(run, name) + 1)


def actor_of(run: ImportRun) -> Actor:
    """Return who brings a file in: whoever started it, else the import itself."""
    return Actor(ActorType.STAFF, run.started_by_id) if run.started_by_id else Actor(ActorType.IMPORT, run.pk)


@transaction.atomic
def _owe_next(run_id: int, position: int, at: datetime) -> None:
    schedule(
        "orders.run_import", key=f"{run_id}:{position}", due_at=at, shard=f"import:{run_id}", payload={"run_id": run_id}
    )


@transaction.atomic
def _finish(run_id: int, at: datetime) -> None:
    run = lock_run(run_id)
    if run.state != ImportState.RUNNING:
        return
    move_run(run, ImportState.DONE)
    run.finished_at, run.rows_read = at, run.rows_total
    run.save()
    record(
        "import.finished",
        subject=run,
        actor=actor_of(run),
        at=at,
        data=ImportFinished(run.rows_total, run.rows_bad, run.orders_new, run.orders_changed, run.orders_same),
    )
    announce("orders", "import", run.pk, run.version)
    transaction.on_commit(lambda: drop_file(run), robust=True)
    logger.info(
        "import.done id=%s new=%s changed=%s same=%s bad=%s",
        run.pk, run.orders_new, run.orders_changed, run.orders_same, run.orders_bad,
    )  # fmt: skip

"""Take in what is no whole order, one thing after another: lines, parcels, products, customers.

By the same services as the API uses, in batches of one transaction each, from wherever the last one stopped. One that
cannot be taken in is refused by itself; the others of its batch go in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import batched

from django.db import transaction
from django.utils import timezone

from core.actors import Actor
from core.errors import DomainError
from orders.errors import InvalidOrder
from orders.models import ImportRun
from orders.services.imports.grouping import Group, Reader, Refused, RowProblem
from orders.services.imports.handling import take_one
from orders.services.imports.rowwise import RowReader
from orders.services.imports.writing import again_on_clash, hold_run, refuse_late, save_progress, write_alone

BATCH = 200


def take_things(
    run: ImportRun, reader: Reader | RowReader, position: int, *, actor: Actor, went_on: Callable[[], None] | None
) -> Iterator[int]:
    """Take the things from a position on in, batch by batch; yield the position behind each. Raises Stopped."""
    if isinstance(reader, Reader) and not reader.together:
        reader.count()
    for groups in batched(reader.groups(position), BATCH):
        at = position

        def write(_attempt: int, groups: tuple[Group, ...] = groups, at: int = at) -> int:
            return _write(run, reader, groups, at, actor, went_on)

        position = again_on_clash(run.pk, write)
        yield position


@transaction.atomic
def _write(
    held: ImportRun, reader: Reader | RowReader, groups: tuple[Group, ...], position: int, actor: Actor,
    went_on: Callable[[], None] | None,
) -> int:  # fmt: skip
    run = hold_run(held.pk, position)
    write_alone(run.shop_id)
    refused: list[Refused] = []
    now = timezone.now()
    for group in sorted(groups, key=lambda one: one.number):  # locks in one order, whatever order the file has
        what = _take(run, reader, group, actor, now)
        if isinstance(what, Refused):
            refused.append(what)
        else:
            setattr(run, f"orders_{what}", getattr(run, f"orders_{what}") + 1)
    refuse_late(run, refused)
    run.orders_done = position + len(groups)
    run.rows_read += sum(len(group.rows) for group in groups)
    save_progress(run)
    if went_on is not None:
        went_on()
    return position + len(groups)


def _take(run: ImportRun, reader: Reader | RowReader, group: Group, actor: Actor, at: datetime) -> str | Refused:
    ready = reader.order(group)
    if isinstance(ready, Refused):
        return ready
    try:
        with transaction.atomic():
            return take_one(run, ready.data, actor=actor, at=at)
    except InvalidOrder as error:
        assert isinstance(reader, Reader)
        return reader.refused(group, error)
    except DomainError:
        row, cells = group.rows[0]
        return Refused(group.number, [RowProblem(row, None, "not_taken", {}, cells)])

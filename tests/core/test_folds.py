"""Folds: whole closed windows, once each, never past an open transaction."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from core.actors import SYSTEM
from core.events import record
from core.folds import FOLDS, Fold, active_version, advance, rebuild, register_fold
from core.models import FoldCursor
from tests.core.test_events import Thing

SEEN: dict[int, list[int]] = {}


def _apply_as(version: int) -> Any:
    def apply(cursor: Any, x0: int, x1: int) -> None:
        cursor.execute(
            "SELECT id FROM core_event WHERE xid >= %s::text::xid8 AND xid < %s::text::xid8 ORDER BY id",
            [str(x0), str(x1)],
        )
        SEEN.setdefault(version, []).extend(row[0] for row in cursor.fetchall())

    return apply


def _fold(version: int = 1) -> Fold:
    return register_fold(Fold("probe", version, _apply_as(version), lambda cursor, v: SEEN.pop(v, None)))


@pytest.fixture(autouse=True)
def _clean():
    SEEN.clear()
    yield
    FOLDS.pop("probe", None)


def _event() -> int:
    with transaction.atomic():
        return record("probe.empty", subject=Thing(1), actor=SYSTEM, at=timezone.now()).pk


@pytest.mark.django_db(transaction=True)
def test_each_event_is_folded_once():
    fold, ids = _fold(), []
    for _ in range(3):
        ids += [_event(), _event()]
        advance(fold, timezone.now())
        advance(fold, timezone.now())
    assert SEEN[1] == ids


@pytest.mark.django_db(transaction=True)
def test_an_open_transaction_holds_its_events_back_and_loses_none():
    fold = _fold()
    wrote, go_on = threading.Event(), threading.Event()
    late: list[int] = []

    def slow_writer() -> None:
        try:
            with transaction.atomic():
                late.append(record("probe.empty", subject=Thing(2), actor=SYSTEM, at=timezone.now()).pk)
                wrote.set()
                go_on.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=slow_writer)
    thread.start()
    wrote.wait(20)
    quick = _event()  # a higher id, committed earlier
    advance(fold, timezone.now())
    assert SEEN.get(1, []) == []
    go_on.set()
    thread.join()
    advance(fold, timezone.now())
    assert SEEN[1] == [late[0], quick]


@pytest.mark.django_db(transaction=True)
def test_a_failed_window_moves_no_cursor():
    fold = _fold()
    event = _event()

    def broken(cursor: Any, x0: int, x1: int) -> None:
        _apply_as(1)(cursor, x0, x1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        advance(Fold("probe", 1, broken, fold.clear), timezone.now())
    SEEN.clear()
    advance(fold, timezone.now())
    assert SEEN[1] == [event]


@pytest.mark.django_db(transaction=True)
def test_writers_and_folders_side_by_side_count_each_event_once():
    fold = _fold()
    advance(fold, timezone.now())
    stop = threading.Event()
    written: list[int] = []

    def write() -> None:
        try:
            for _ in range(40):
                written.append(_event())
        finally:
            connection.close()

    def consume() -> None:
        try:
            while not stop.is_set():
                advance(fold, timezone.now())
        finally:
            connection.close()

    writers = [threading.Thread(target=write) for _ in range(4)]
    folders = [threading.Thread(target=consume) for _ in range(2)]
    for thread in [*writers, *folders]:
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in folders:
        thread.join()
    advance(fold, timezone.now())
    assert sorted(SEEN[1]) == sorted(written)


@pytest.mark.django_db(transaction=True)
def test_a_new_version_is_built_beside_the_old_and_swapped_in():
    first = _fold(1)
    event = _event()
    advance(first, timezone.now())
    second = _fold(2)
    assert active_version("probe") == 1
    advance(second, timezone.now())
    assert active_version("probe") == 2
    assert {2: [event]} == SEEN
    assert not FoldCursor.objects.get(name="probe", version=1).is_active


@pytest.mark.django_db(transaction=True)
def test_rebuild_gives_the_same():
    fold = _fold()
    ids = [_event() for _ in range(3)]
    advance(fold, timezone.now())
    rebuild(fold, timezone.now())
    assert SEEN[1] == ids

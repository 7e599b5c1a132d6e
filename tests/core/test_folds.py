"""Folds: whole closed windows, once each, never past an open transaction."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from core.actors import SYSTEM
from core.events import record
from core.folds import FOLDS, Chunk, Done, Fold, active_version, advance, lag, rebuild, register_fold
from core.models import FoldCursor
from tests.core.test_events import Thing

SEEN: dict[int, list[int]] = {}


def _apply_as(version: int) -> Any:
    """Fold by subject: note the events of the next subjects."""

    def apply(cursor: Any, chunk: Chunk) -> Done:
        window = [str(chunk.since), str(chunk.before)]
        cursor.execute(
            "SELECT DISTINCT subject_id FROM core_event WHERE xid >= %s::text::xid8 AND xid < %s::text::xid8"
            " AND subject_id > %s ORDER BY 1 LIMIT %s",
            [*window, chunk.after_root, chunk.limit],
        )
        roots = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            "SELECT id FROM core_event WHERE xid >= %s::text::xid8 AND xid < %s::text::xid8"
            " AND subject_id = ANY(%s) ORDER BY id",
            [*window, roots],
        )
        SEEN.setdefault(version, []).extend(row[0] for row in cursor.fetchall())
        return Done(roots[-1] if len(roots) == chunk.limit else None, bool(roots))

    return apply


def _clear(cursor: Any, version: int) -> bool:
    """Empty a version event by event."""
    if SEEN.get(version):
        SEEN[version].pop()
    if not SEEN.get(version):
        SEEN.pop(version, None)
    return version not in SEEN


def _fold(version: int = 1) -> Fold:
    return register_fold(Fold("probe", version, _apply_as(version), _clear))


@pytest.fixture(autouse=True)
def _clean():
    SEEN.clear()
    yield
    FOLDS.pop("probe", None)


def _event(subject: int = 1) -> int:
    with transaction.atomic():
        return record("probe.empty", subject=Thing(subject), actor=SYSTEM, at=timezone.now()).pk


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

    def broken(cursor: Any, chunk: Chunk) -> Done:
        _apply_as(1)(cursor, chunk)
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
def test_a_new_version_takes_over_only_when_it_has_come_as_far(monkeypatch):
    monkeypatch.setattr("core.folds.CHUNK_ROOTS", 1)
    first = _fold(1)
    ids = [_event(subject) for subject in (1, 2, 3)]
    advance(first, timezone.now())
    second = _fold(2)
    for folded in (1, 2, 3):
        advance(second, timezone.now(), budget=timedelta(0))
        assert (SEEN[2], active_version("probe")) == (ids[:folded], 1)
        assert SEEN[1] == ids
    advance(second, timezone.now(), budget=timedelta(0))
    assert active_version("probe") == 2
    while 1 in SEEN:  # the old one goes step by step, without a gap in the new one's figures
        advance(second, timezone.now(), budget=timedelta(0))
    assert {2: ids} == SEEN
    assert [row["version"] for row in lag() if row["name"] == "probe"] == [2]


@pytest.mark.django_db(transaction=True)
def test_a_worker_of_an_older_release_leaves_the_newer_figures_alone():
    first, second = _fold(1), _fold(2)
    advance(second, timezone.now())
    FoldCursor.objects.get_or_create(name="probe", version=1, defaults={"upto": 3, "is_active": False})
    _event()
    assert not advance(first, timezone.now())
    assert (SEEN.get(1), active_version("probe")) == (None, 2)


@pytest.mark.django_db(transaction=True)
def test_rebuild_gives_the_same():
    fold = _fold()
    ids = [_event() for _ in range(3)]
    advance(fold, timezone.now())
    rebuild(fold, timezone.now())
    assert SEEN[1] == ids


# --- chunks ----------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_a_window_in_progress_goes_on_where_it_stands_and_takes_nothing_in(monkeypatch):
    monkeypatch.setattr("core.folds.CHUNK_ROOTS", 2)
    fold = _fold()
    ids = [_event(subject) for subject in (5, 4, 3, 2, 1)]
    advance(fold, timezone.now(), budget=timedelta(0))
    row = FoldCursor.objects.get(name="probe", version=1)
    assert (row.window_root, SEEN[1]) == (2, ids[:2:-1][::-1])
    late = _event(9)  # above the window's end, though its root lies ahead
    while row.window_end is not None:
        advance(fold, timezone.now(), budget=timedelta(0))
        row.refresh_from_db()
    assert sorted(SEEN[1]) == sorted(ids)
    advance(fold, timezone.now())
    assert sorted(SEEN[1]) == sorted([*ids, late])


@pytest.mark.django_db(transaction=True)
def test_a_chunk_that_fails_leaves_the_ones_before_it_done(monkeypatch):
    monkeypatch.setattr("core.folds.CHUNK_ROOTS", 1)
    fold = _fold()
    ids = [_event(subject) for subject in (1, 2, 3)]

    def fails_at_the_second(cursor: Any, chunk: Chunk) -> Done:
        if chunk.after_root == 1:
            raise ZeroDivisionError
        return _apply_as(1)(cursor, chunk)  # type: ignore[no-any-return]

    with pytest.raises(ZeroDivisionError):
        advance(Fold("probe", 1, fails_at_the_second, fold.clear), timezone.now())
    assert SEEN[1] == ids[:1]
    advance(fold, timezone.now())
    assert SEEN[1] == ids


@pytest.mark.django_db(transaction=True)
def test_a_worker_frozen_in_a_chunk_is_left_alone_and_finishes(monkeypatch):
    monkeypatch.setattr("core.folds.CHUNK_ROOTS", 1)
    fold = _fold()
    ids = [_event(subject) for subject in (1, 2)]
    inside, go_on = threading.Event(), threading.Event()

    def slow(cursor: Any, chunk: Chunk) -> Done:
        inside.set()
        go_on.wait(20)
        return _apply_as(1)(cursor, chunk)  # type: ignore[no-any-return]

    def consume() -> None:
        try:
            advance(Fold("probe", 1, slow, fold.clear), timezone.now())
        finally:
            connection.close()

    thread = threading.Thread(target=consume)
    thread.start()
    inside.wait(20)
    assert not advance(fold, timezone.now())
    assert SEEN == {}
    go_on.set()
    thread.join()
    advance(fold, timezone.now())
    assert SEEN[1] == ids


@pytest.mark.django_db(transaction=True)
def test_a_quiet_log_costs_two_reads_and_the_cursor_still_shows_life(django_assert_num_queries):
    fold, at = _fold(), timezone.now()
    _event()
    advance(fold, at)
    with django_assert_num_queries(2):
        advance(fold, at + timedelta(seconds=2))
    advance(fold, at + timedelta(seconds=11))
    assert FoldCursor.objects.get(name="probe").advanced_at == at + timedelta(seconds=11)

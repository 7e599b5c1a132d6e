"""Workers that are killed or frozen in the middle of a window, and others beside them: the numbers stay right."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction

from core.backup.archive import database_url
from core.events import record_many
from core.models import Event, FoldCursor
from kpi.services import advance_folds
from tests.kpi.test_folds import START, assert_rollups_agree, life_of, recount, stored
from tests.servers import ROOT

WORKER = """
import os, signal, time
from datetime import timedelta
from django.utils import timezone
import core.folds
from kpi.folds.engine import RootFold
from kpi.services import advance_folds

core.folds.CHUNK_ROOTS = 2
dies_at, calls, replace_facts = {dies_at}, 0, RootFold._replace_facts

def replace_or_die(self, cursor, roots):
    global calls
    calls += 1
    if calls == dies_at:
        os.kill(os.getpid(), signal.SIGKILL)  # the roll-ups are written, the facts and the cursor are not
    replace_facts(self, cursor, roots)

RootFold._replace_facts = replace_or_die
while True:
    advance_folds(at=timezone.now(), budget=timedelta(0))
    time.sleep(0.005)
"""


@contextmanager
def worker(dies_at: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that folds two tickets at a time."""
    words = [sys.executable, "manage.py", "shell", "-v0", "-c", WORKER.format(dies_at=dies_at)]
    process = subprocess.Popen(words, cwd=ROOT, env={**os.environ, "DATABASE_URL": database_url()})
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def _place() -> tuple[int, int]:
    """Say how far the fold of the tickets is: (windows' end, root within the window)."""
    row = FoldCursor.objects.filter(name="tickets").first()
    return (row.upto, row.window_root) if row else (0, 0)


def _wait_until_past(before: tuple[int, int], process: subprocess.Popen[bytes], seconds: float = 40) -> tuple[int, int]:
    end = time.monotonic() + seconds
    while (now := _place()) <= before:
        assert time.monotonic() < end, "no chunk was folded"
        assert process.poll() is None, "the worker is gone"
        time.sleep(0.005)
    return now


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_and_frozen_folders_lose_and_double_nothing():
    dice = random.Random(11)
    with transaction.atomic():
        record_many([f for pk in range(1, 121) for f in life_of(pk, dice)], origin="live", untrusted=False)
    with worker(dies_at=4) as dying:
        assert dying.wait(60) == -signal.SIGKILL
    place = _place()
    assert place[1] > 0, "it should have died within the window"
    with worker() as killed:
        for _ in range(3):
            place = _wait_until_past(place, killed)
        killed.kill()
    with worker() as frozen, worker() as going_on:
        place = _wait_until_past(_place(), going_on)
        frozen.send_signal(signal.SIGSTOP)  # if it holds the cursor's row, the other waits for the session's timeout
        with transaction.atomic():
            record_many([f for pk in range(121, 141) for f in life_of(pk, dice)], origin="live", untrusted=False)
        time.sleep(0.5)
        frozen.send_signal(signal.SIGCONT)
        _wait_until_done()
    advance_folds(at=START)
    assert stored() == recount()
    assert_rollups_agree()


def _wait_until_done(seconds: float = 60) -> None:
    newest = max(Event.objects.values_list("xid", flat=True))
    end = time.monotonic() + seconds
    while _place()[0] <= newest:
        assert time.monotonic() < end, "the window was not folded to its end"
        time.sleep(0.05)

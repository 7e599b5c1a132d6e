"""The process that reads beside the one that writes: what it hands over, and how both of them may end."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from core.actors import SYSTEM
from orders.errors import ImportRefused
from orders.models import Order
from orders.services import imports
from orders.services.imports.beside import BesideFailed, made_beside
from orders.services.imports.grouping import Reader
from tests.orders.files import csv_bytes, rows_of
from tests.orders.importing import counts, upload


def things(count, *, size=10, end=None):
    """Yield (process, number, much text), then end as told."""
    for number in range(count):
        yield os.getpid(), number, "杯" * size
    if end is not None:
        end()


def fail(error):
    raise error


@pytest.mark.parametrize("ahead", [1, 4])
def test_things_come_in_order_from_another_process_however_large(ahead):
    made = list(made_beside(things(40, size=200_000), ahead=ahead))
    assert [number for _pid, number, _text in made] == list(range(40))
    assert {pid for pid, _number, _text in made}.isdisjoint({os.getpid()})
    assert made[39][2] == "杯" * 200_000


def test_a_refusal_keeps_its_code_and_where():
    refused = ImportRefused("a sentence", code="row_damaged", row=7)
    made = made_beside(things(2, end=lambda: fail(refused)))
    assert [next(made)[1], next(made)[1]] == [0, 1]
    with pytest.raises(ImportRefused) as caught:
        next(made)
    assert (caught.value.code, caught.value.context) == ("row_damaged", {"row": 7})


def test_what_breaks_it_is_told_with_its_trace():
    made = made_beside(things(1, end=lambda: fail(ZeroDivisionError("cells"))))
    next(made)
    with pytest.raises(BesideFailed, match="ZeroDivisionError: cells"):
        next(made)


def test_killed_it_is_an_error_and_no_end():
    made = made_beside(things(1000, size=100_000))
    child = next(made)[0]
    os.kill(child, signal.SIGKILL)
    with pytest.raises(BesideFailed):
        list(made)
    assert gone(child)


def test_closing_ends_it_though_much_was_still_to_come():
    made = made_beside(things(10**9, size=1000))
    child = next(made)[0]
    made.close()
    assert gone(child)


def test_it_ends_as_well_where_ended_children_are_not_kept():
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert [number for _pid, number, _text in made_beside(things(3))] == [0, 1, 2]
    finally:
        signal.signal(signal.SIGCHLD, before)


@pytest.mark.django_db
def test_it_holds_no_connection_of_ours():
    connection.ensure_connection()

    def kinds_of_files():
        yield [stat.S_IFMT(os.fstat(number).st_mode) for number in range(3, 256) if is_open(number)]

    assert next(made_beside(kinds_of_files())) == [stat.S_IFIFO]


def test_it_ends_with_a_parent_that_is_killed():
    script = (
        "from itertools import count; import os, time; import django; django.setup()\n"
        "from orders.services.imports.beside import made_beside\n"
        "made = made_beside((os.getpid(), n, 'x' * 9999) for n in count())\n"
        "print(next(made)[0], flush=True); time.sleep(60)"
    )
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=root) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert not gone(child)
        parent.kill()
    end = time.monotonic() + 10
    while not gone(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert gone(child)


@pytest.mark.django_db
def test_an_import_whose_reader_was_killed_goes_on_where_it_stood(monkeypatch, tmp_path):
    from orders.services.imports import running

    monkeypatch.setattr(running, "BATCH", 2)
    monkeypatch.setattr(running, "PIECE", 1)
    once, here, order = tmp_path / "once", os.getpid(), Reader.order

    def dies_once(self, group):
        if os.getpid() != here and group.number == "TB90005" and not once.exists():
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return order(self, group)

    monkeypatch.setattr(Reader, "order", dies_once)
    run = upload(csv_bytes(rows_of(9)))
    imports.begin_run(run_id=run.pk, live_from=None, actor=SYSTEM, at=timezone.now())
    with pytest.raises(BesideFailed):
        imports.run_import(run_id=run.pk, at=timezone.now())
    assert once.exists()
    done = Order.objects.count()
    run.refresh_from_db()
    assert (run.state, run.orders_done) == ("running", done)
    run = imports.run_import(run_id=run.pk, at=timezone.now())
    assert counts(run) == (9, 0, 0, 0)
    assert Order.objects.count() == 9 > done


def is_open(number):
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def gone(pid):
    """Whether a process is no more; one that waits for its end to be noticed is."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True

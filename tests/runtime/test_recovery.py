"""A PostgreSQL that replays its log after a hard stop is waited for and that is said; one that hangs is not."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from cs_portal.runtime.faults import StartError
from cs_portal.runtime.ports import free_port
from cs_portal.runtime.postgres import Postgres
from cs_portal.runtime.processes import Child, Guardian

pytestmark = pytest.mark.slow
HELD = 5.0
SETTINGS = {"full_page_writes": "off", "autovacuum": "off"}


@pytest.fixture
def killed(tmp_path: Path) -> Iterator[tuple[Postgres, Child]]:
    """Yield a cluster whose server was killed with much in its log alone."""
    guardian = Guardian(secrets.token_hex(8))
    server = Postgres(tmp_path / "data", tmp_path / "log", free_port(), "word", SETTINGS, guardian, sync=False)
    server.create()
    child = server.child()
    child.stop_seconds = 0.5
    try:
        server.start(child)
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute("create table kept (n int)")
            connection.execute("insert into kept select generate_series(1, 300000)")
        child.kill()
        yield server, child
    finally:
        child.kill()
        guardian.dismiss()


def hold(child: Child, seconds: float, before: int) -> threading.Thread:
    """Stop whoever replays the log as soon as it is there (not that of the server `before`), for so many seconds."""

    def run() -> None:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            pid = child.pid
            if pid and pid != before and (found := _replaying(pid)):
                os.kill(found, signal.SIGSTOP)
                time.sleep(seconds)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(found, signal.SIGCONT)
                return
            time.sleep(0.001)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def _replaying(parent: int) -> int | None:
    with contextlib.suppress(OSError):
        for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            with contextlib.suppress(OSError):
                if b"startup" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return int(pid)
    return None


def test_a_recovering_server_is_waited_for_and_said(killed: tuple[Postgres, Child]) -> None:
    server, child = killed
    said: list[str] = []
    holder = hold(child, HELD, child.pid or 0)
    begun = time.monotonic()
    server.start(child, seconds=1.5, say=said.append)
    took = time.monotonic() - begun
    holder.join()
    with psycopg.connect(server.url("postgres")) as connection:
        assert connection.execute("select count(*) from kept").fetchone() == (300000,)
    assert took >= HELD - 0.5
    assert len(said) == 1
    assert "recovering" in said[0]
    assert str(server.log) in said[0]


def test_no_recovery_is_waited_for_for_ever(killed: tuple[Postgres, Child]) -> None:
    server, child = killed
    holder = hold(child, HELD, child.pid or 0)
    with pytest.raises(StartError):
        server.start(child, seconds=1, recovery_seconds=2)
    assert child.poll() is not None
    holder.join()


def test_a_server_that_says_nothing_gets_its_time_and_no_more(killed: tuple[Postgres, Child]) -> None:
    server, child = killed
    before, begun = child.pid, time.monotonic()

    def freeze() -> None:
        while child.pid in {None, before} and time.monotonic() < begun + 10:
            time.sleep(0.001)
        os.kill(child.pid or 0, signal.SIGSTOP)

    freezer = threading.Thread(target=freeze)
    freezer.start()
    with pytest.raises(StartError):
        server.start(child, seconds=2)
    freezer.join()
    assert time.monotonic() - begun < 10

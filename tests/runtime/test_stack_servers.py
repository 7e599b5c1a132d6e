"""The servers of bin/up without the pages: kill -9, restart, stale locks, ports, secrets."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from cs_portal.runtime.console import Console
from cs_portal.runtime.faults import PortTaken, StartError
from cs_portal.runtime.ports import free_port, listen
from cs_portal.runtime.secrets import ensure_secrets, read_env
from cs_portal.runtime.stack import AlreadyRunning, Plan, Stack
from tests.runtime.test_processes import ROOT, eventually, is_alive

SCRIPT = """
import sys, time
from pathlib import Path
from cs_portal.runtime.console import Console
from cs_portal.runtime.stack import Plan, Stack
stack = Stack(Plan(var=Path(sys.argv[1]), port=int(sys.argv[2])), Console())
stack.open()
print(*[stack.supervisor[name].child.pid for name in stack.supervisor.names], flush=True)
time.sleep(120)
"""


@contextmanager
def opened(var: Path, port: int = 0) -> Iterator[Stack]:
    stack = Stack(Plan(var=var, port=port), Console(quiet=True))
    stack.open()
    try:
        yield stack
    finally:
        stack.close()


def run_script(var: Path, port: int) -> tuple[subprocess.Popen[str], list[int]]:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(var), str(port)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    process.stdout.close()
    return process, [int(word) for word in line.split()]


def test_a_killed_supervisor_leaves_no_orphan_and_the_next_start_finds_the_data(tmp_path: Path) -> None:
    port = free_port()
    process, pids = run_script(tmp_path, port)
    assert len(pids) == 2
    secrets = read_env(tmp_path / "secrets.env")
    facts = json.loads((tmp_path / "run.json").read_text())
    address = f"postgresql://cs_portal:{secrets['POSTGRES_PASSWORD']}@127.0.0.1:{facts['postgres_port']}/cs_portal"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("create table kept as select 7 as n")
    process.kill()
    process.wait()
    with opened(tmp_path, port) as stack, psycopg.connect(stack.postgres.url()) as connection:
        assert connection.execute("select n from kept").fetchone() == (7,)
        assert stack.url == f"http://127.0.0.1:{port}"
    assert eventually(lambda: not any(is_alive(pid) for pid in pids))


def test_a_second_start_is_told_the_address(tmp_path: Path) -> None:
    with opened(tmp_path) as stack:
        with pytest.raises(AlreadyRunning) as caught:
            Stack(Plan(var=tmp_path), Console(quiet=True)).open()
        assert caught.value.url == stack.url
    assert not (tmp_path / "run.env").exists()


def test_a_taken_port_stops_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as other:
        stack = Stack(Plan(var=tmp_path, port=other.getsockname()[1]), Console(quiet=True))
        with pytest.raises(PortTaken):
            stack.open()
    assert stack.supervisor is None
    with opened(tmp_path):  # the place is free again
        pass


def test_postgres_comes_back_after_kill_9(tmp_path: Path) -> None:
    with opened(tmp_path) as stack:
        assert stack.supervisor is not None
        os.killpg(stack.supervisor["postgres"].child.pid, signal.SIGKILL)
        assert eventually(lambda: not stack.postgres.is_ready(), 2)
        assert eventually(stack.postgres.is_ready, 15)
        os.killpg(stack.supervisor["valkey"].child.pid, signal.SIGKILL)
        assert eventually(lambda: stack.supervisor["valkey"].crashes == 1 and stack.valkey.is_ready(), 10)


def test_a_lock_whose_number_another_process_got_is_removed(tmp_path: Path) -> None:
    with opened(tmp_path) as stack:
        data = stack.postgres.data
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n0\n5432\n\n127.0.0.1\n")
    with opened(tmp_path) as stack:
        assert stack.postgres.is_ready()


def test_checksums_and_chinese_trigrams_are_on(tmp_path: Path) -> None:
    with opened(tmp_path) as stack, psycopg.connect(stack.postgres.url()) as connection:
        assert connection.execute("show data_checksums").fetchone() == ("on",)
        assert connection.execute("show listen_addresses").fetchone() == ("127.0.0.1",)
        connection.execute("create extension pg_trgm")
        assert connection.execute("select cardinality(show_trgm('退货'))").fetchone() == (3,)
        stack.note_state(schema="x")
        stack.note_state(filled="demo")
        assert stack.state() == {"schema": "x", "filled": "demo"}


def test_the_password_is_asked_for(tmp_path: Path) -> None:
    with opened(tmp_path) as stack:
        address = f"postgresql://cs_portal:wrong@127.0.0.1:{stack.postgres.port}/cs_portal"
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(address)
        assert stack.valkey.is_ready()
        stack.valkey.password = "wrong"
        assert not stack.valkey.is_ready()


def test_a_dump_holds_the_rows_and_no_half_file_stays(tmp_path: Path) -> None:
    with opened(tmp_path) as stack:
        target = stack.postgres.dump(tmp_path / "backups" / "a.dump")
        assert target.read_bytes()[:5] == b"PGDMP"
        with pytest.raises(StartError, match="nothing was migrated"):
            stack.postgres.dump(tmp_path / "backups" / "b.dump", database="missing")
    assert [path.name for path in (tmp_path / "backups").iterdir()] == ["a.dump"]


def test_secrets_are_made_once_for_the_owner_only(tmp_path: Path) -> None:
    first = ensure_secrets(tmp_path)
    assert ensure_secrets(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "secrets.env").stat().st_mode) == 0o600
    assert len(first["SECRET_KEY"]) >= 50


def test_lost_secrets_of_a_database_are_named(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("18\n")
    with pytest.raises(StartError, match=r"secrets\.env is missing"):
        ensure_secrets(tmp_path)


def test_a_damaged_secrets_file_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "secrets.env").write_text("A=1\nnonsense\n")
    with pytest.raises(StartError, match=r"secrets\.env, line 2"):
        ensure_secrets(tmp_path)

"""Pytest plug-in (-p tests.stack): the real product on free ports, for browser and fault tests.

`stack` (one a module) and `fresh_stack` (one a test) go through cs_portal.runtime.stack, as bin/up does: two web
servers, worker, ticker, mail, PostgreSQL and Valkey of their own under the supervisor.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from cs_portal.runtime.console import Console
from cs_portal.runtime.stack import Plan, Stack, schema_digest
from tests import servers

# A killed process loses nothing the kernel has; only a power cut would.
KEEPS_COMMITS = {"fsync": "off"}


class RunningStack:
    """The product while it runs, with hands to break it."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.var = stack.var
        self.base_url = stack.url
        self.env = stack.env
        self.mail_port = int(stack.env["INBOUND_SMTP_PORT"])
        self.sink_port = int(stack.env["SMTP_URL"].rpartition(":")[2])

    def manage(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a management command in the product's environment."""
        return self._stack.manage(*words, check=check)

    @contextmanager
    def db(self) -> Iterator[psycopg.Connection[dict[str, Any]]]:
        """Open a connection (autocommit, rows as dicts) to the product's database."""
        with psycopg.connect(self._stack.postgres.url(), autocommit=True, row_factory=dict_row) as connection:
            yield connection

    def names(self, name: str = "") -> list[str]:
        """Return the process names; "web" stands for all web servers."""
        assert self._stack.supervisor is not None
        return [known for known in self._stack.supervisor.names if known == name or known.startswith(f"{name}-")]

    def pid(self, name: str) -> int:
        """Return the process id of the group's leader."""
        return self._child(name).pid

    def log(self, name: str) -> str:
        """Return the last lines of a process's log."""
        return self._child(name).log_tail(200)

    def _child(self, name: str) -> Any:
        assert self._stack.supervisor is not None
        return self._stack.supervisor[name].child

    def kill9(self, name: str, *, stay_down: bool = False) -> None:
        """Kill -9 a process group. The supervisor starts it again, unless stay_down (then: restart)."""
        assert self._stack.supervisor is not None
        for known in self.names(name):
            if stay_down:
                self._stack.supervisor.release(known)
            self._child(known).send(signal.SIGKILL)
            self._child(known).wait(5)

    def stop(self, name: str) -> None:
        """Freeze a process group (SIGSTOP)."""
        for known in self.names(name):
            self._child(known).send(signal.SIGSTOP)

    def cont(self, name: str) -> None:
        """Let a frozen process group go on (SIGCONT)."""
        for known in self.names(name):
            self._child(known).send(signal.SIGCONT)

    def restart(self, name: str) -> None:
        """Stop a process in order, if it runs, and start it; returns when it is well."""
        assert self._stack.supervisor is not None
        for known in self.names(name):
            self._stack.supervisor.restart(known)

    def wait_until_well(self, seconds: float = 30.0) -> None:
        """Wait until every process runs and pages answer; fails the test otherwise."""
        assert self._stack.supervisor is not None
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            runs = all(self._child(name).is_running for name in self._stack.supervisor.names)
            if runs and self._stack.postgres.is_ready() and self._stack.valkey.is_ready() and self._stack.is_healthy():
                return
            time.sleep(0.1)
        pytest.fail(f"the product did not come back within {seconds} s")


@contextmanager
def running_stack(**env: str) -> Iterator[RunningStack]:
    """Start the product in a folder of its own with an empty, migrated database; stop and remove it afterwards."""
    servers.RUNS.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="stack-", dir=servers.RUN.folder))
    warning = servers.copy_cluster(folder / "postgres")
    plan = Plan(
        var=folder,
        env={"LOG_JSON": "0", "UNDO_SEND_SECONDS": "0", **env},
        database_settings=KEEPS_COMMITS,
        cluster=folder / "postgres",
        cluster_password=servers.PASSWORD,
        cluster_database="template_cs",
        static=servers.VAR / "cache" / "test-static",
    )
    stack = Stack(plan, Console(quiet=True))
    try:
        stack.open()
        if not warning:
            stack.note_state(schema=schema_digest())
        with servers.held(servers.VAR / "cache" / "test-static.lock", exclusive=True):
            stack.prepare()
        stack.run()
        yield RunningStack(stack)
    finally:
        stack.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    """The running product, shared by the tests of a module."""
    with running_stack() as running:
        yield running


@pytest.fixture
def fresh_stack() -> Iterator[RunningStack]:
    """The running product for one test that breaks it."""
    with running_stack() as running:
        yield running


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a module that share a stack on one xdist worker."""
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()) or item.get_closest_marker("e2e"):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to begin where xdist does not heed the groups: half a module's story would run on the other worker."""
    if not getattr(session.config.option, "loadgroup", False):
        return
    lost = [item.nodeid for item in session.items if item.get_closest_marker("xdist_group") and "@" not in item.nodeid]
    if lost:
        raise pytest.UsageError(f"pytest-xdist does not group {lost[0]} and {len(lost) - 1} more")

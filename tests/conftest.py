"""The rules of the suite: own database per worker, no outside world, no silent skips."""

from __future__ import annotations

import ipaddress
import os
import shutil
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import servers
from tests.rewind import Snapshot

settings.register_profile("ci", derandomize=True, deadline=None, database=None, print_blob=True)
settings.register_profile(
    "explore", deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # playwright's loop runs in the thread of the test


SNAPSHOT = Snapshot("")


class OutsideWorld(AssertionError):
    """A test tried to leave this machine."""


def _is_here(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    if host in {None, "", "localhost"} or not isinstance(host, str):
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback or host in {"0.0.0.0", "::"}
    except ValueError:
        return host == os.uname().nodename


def _refuse_the_outside(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(args[1], tuple) and not _is_here(args[1][0]):
        raise OutsideWorld(f"a test tried to connect to {args[1][0]}")
    if event == "socket.getaddrinfo" and not _is_here(args[0]):
        raise OutsideWorld(f"a test tried to look up {args[0]}")


sys.addaudithook(_refuse_the_outside)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """Give this worker a database of its own, copied from the migrated template."""
    from django.db import connection, connections

    name = servers.database_name()
    servers.recreate_database(name)
    SNAPSHOT.url = servers.database_url(name)
    SNAPSHOT.take()
    connection.close()
    for place in (connection.settings_dict, connections.databases["default"]):
        place["NAME"] = name
    yield
    with django_db_blocker.unblock():
        connections.close_all()
    servers.drop_database(name)


@pytest.fixture(scope="session", autouse=True)
def _fresh_database_after_commits() -> Iterator[None]:
    """After a test with real commits, rewind the database instead of flushing it.

    Quicker than truncating every table, keeps what migrations wrote, resets sequences and ends stray connections.
    """
    from django.db import connections
    from django.test import TransactionTestCase

    def teardown(self: TransactionTestCase) -> None:
        connections.close_all()
        if not SNAPSHOT.restore():
            servers.recreate_database(servers.database_name())

    flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]
    TransactionTestCase._fixture_teardown = teardown  # type: ignore[attr-defined]
    yield
    TransactionTestCase._fixture_teardown = flush  # type: ignore[attr-defined]


DAY = 86_400


@pytest.fixture(autouse=True)
def _limits_begin_with_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the limiter's windows begin when the test does: it counts within one of them, at whatever minute it runs.

    The clock goes on from there, and jumps with time_machine's.
    """
    from core import ratelimit

    ahead = DAY - time.time() % DAY  # every window of a day or less begins with a day
    monkeypatch.setattr(ratelimit, "time", SimpleNamespace(time=lambda: time.time() + ahead))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Start the Chromium that bin/test found, or the one on PATH, without calls home."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    quiet = ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    place = {"executable_path": found} if found else {}
    return {**browser_type_launch_args, **place, "args": [*quiet, *as_root]}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Repeat which checks of bin/test failed, above pytest's own last line."""
    if failed := os.environ.get("CS_FAILED_CHECKS"):
        terminalreporter.section("checks that failed before the tests", red=True)
        terminalreporter.write_line(failed)


ALLOWED_SKIP = "cannot exist here:"


def _fail_a_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not reason.removeprefix("Skipped: ").startswith(ALLOWED_SKIP):
        report.outcome = "failed"
        report.longrepr = f"skipped without naming what {ALLOWED_SKIP!r} {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Count a skipped test as failed unless its reason says what cannot exist on this machine."""
    report: pytest.TestReport = yield  # type: ignore[misc, assignment]
    _fail_a_skip(report)
    return report  # type: ignore[return-value]


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """The same for whole modules."""
    report: pytest.CollectReport = yield  # type: ignore[misc, assignment]
    _fail_a_skip(report)
    return report  # type: ignore[return-value]

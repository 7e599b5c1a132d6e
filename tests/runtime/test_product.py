"""The whole product under its supervisor: starts, survives a kill -9 of each process, stops."""

from __future__ import annotations

import urllib.request

import pytest

from tests.stack import RunningStack

pytestmark = [pytest.mark.slow, pytest.mark.faults]


def get(address: str) -> int:
    with urllib.request.urlopen(address, timeout=10) as answer:
        return int(answer.status)


def test_pages_answer_and_the_database_is_migrated(stack: RunningStack) -> None:
    assert get(f"{stack.base_url}/healthz") == 200
    with stack.db() as connection:
        row = connection.execute("select count(*) as n from django_migrations").fetchone()
    assert row
    assert row["n"] > 0


def test_commands_run_in_its_environment(stack: RunningStack) -> None:
    assert stack.manage("migrate", "--check").returncode == 0


@pytest.mark.parametrize("name", ["web-1", "worker", "ticker", "valkey", "postgres"])
def test_a_killed_process_comes_back(stack: RunningStack, name: str) -> None:
    before = stack.pid(name)
    stack.kill9(name)
    stack.wait_until_well()
    assert stack.pid(name) != before


def test_one_killed_web_server_refuses_nobody(stack: RunningStack) -> None:
    stack.kill9("web-2", stay_down=True)
    assert [get(f"{stack.base_url}/healthz") for _ in range(20)] == [200] * 20
    stack.restart("web-2")
    stack.wait_until_well()


def test_a_frozen_worker_goes_on(stack: RunningStack) -> None:
    stack.stop("worker")
    stack.cont("worker")
    stack.wait_until_well()

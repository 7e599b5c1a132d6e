"""From version N to N+1 over a filled database: a whole dump first, then the migration, and nothing is lost."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cs_portal.runtime import stack as stacks
from cs_portal.runtime.faults import DiskFull, StartError
from cs_portal.runtime.postgres import binaries
from cs_portal.runtime.stack import Stack, schema_digest
from tests.runtime.test_stack_servers import opened

COUNTED = ("tickets_ticket", "tickets_message", "orders_order", "core_event", "customers_identity")
EARLIER = ("tickets", "0032")
"""An app and the migration an older version of it stood at."""


def rows_of(stack: Stack, database: str = "cs_portal") -> dict[str, int]:
    with psycopg.connect(stack.postgres.url(database)) as connection:
        found = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone() for table in COUNTED}
    return {table: row[0] for table, row in found.items() if row}


def stands_at(stack: Stack) -> str:
    with psycopg.connect(stack.postgres.url()) as connection:
        row = connection.execute("SELECT max(name) FROM django_migrations WHERE app = %s", [EARLIER[0]]).fetchone()
    return str(row[0]) if row else ""


def dumps_in(stack: Stack) -> list[Path]:
    return sorted((stack.var / "backups").glob("*.dump"))


@pytest.mark.slow
def test_an_older_filled_database_is_dumped_migrated_and_keeps_every_row(tmp_path: Path) -> None:
    with opened(tmp_path) as stack:
        stack.prepare()
        assert dumps_in(stack) == []  # there was nothing yet
        newest = stands_at(stack)
        stack.manage("seed_demo", "--small")
        stack.manage("migrate", *EARLIER, "--skip-checks", "-v", "0")
        stack.note_state(schema="of an older version")
        before = rows_of(stack)
        assert min(before.values()) > 0
        assert stands_at(stack) < newest
    with opened(tmp_path) as stack:  # the newer version starts on what the older one left
        stack.prepare()
        assert (stands_at(stack), stack.state()["schema"], rows_of(stack)) == (newest, schema_digest(), before)
        (dump,) = dumps_in(stack)
        stack.manage("check", "--database", "default")
        with psycopg.connect(stack.postgres.url(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE way_back")
        restore = [str(binaries() / "pg_restore"), "--exit-on-error", "--dbname", stack.postgres.url("way_back")]
        subprocess.run([*restore, str(dump)], check=True, capture_output=True)
        assert rows_of(stack, "way_back") == before
        stack.prepare()  # nothing to do: no second dump
        assert dumps_in(stack) == [dump]


@pytest.mark.slow
def test_without_its_dump_nothing_is_migrated(tmp_path: Path) -> None:
    with opened(tmp_path) as stack:
        stack.prepare()
        stack.note_state(schema="of an older version")
        (stack.var / "backups").write_text("a file where the folder should be")
        with pytest.raises((StartError, OSError)):
            stack.prepare()
        assert stack.state()["schema"] == "of an older version"


def test_a_full_disk_is_named_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.disk_usage

    def nearly_full(place: Any) -> Any:
        found = real(place)
        return type(found)(found.total, found.total - 5 * 2**20, 5 * 2**20)

    monkeypatch.setattr(stacks.shutil, "disk_usage", nearly_full)
    with pytest.raises(DiskFull) as said, opened(tmp_path):
        pass
    words = str(said.value)
    assert str(tmp_path.resolve()) in words
    assert "5" in words
    assert not (tmp_path / "postgres").exists()

"""A backup is worth what its restore is: into a fresh cluster, equal to the last row, and it starts."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tarfile
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from core.actors import SYSTEM
from core.backup.archive import database_url
from core.backup.restored import has_future_xids
from core.events import record
from core.models import Company, FoldCursor
from cs_portal.runtime.ports import free_port
from cs_portal.runtime.postgres import THROWAWAY, Postgres
from cs_portal.runtime.processes import Guardian
from tests.core.test_events import Thing
from tests.servers import PASSWORD, ROOT

TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relname LIKE 'core_event%'
   AND c.relname <> 'core_fold_cursor' ORDER BY 1
"""
EVENTS = "SELECT id, kind, at, recorded_at, subject_id, data::text FROM core_event ORDER BY id"


def _row_hashes(url: str) -> dict[str, str]:
    """Return one digest over all rows of each table; the log is compared row by row, its xids belong to a cluster."""
    with psycopg.connect(url) as rows:
        return {
            name: rows.execute(
                f"SELECT md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) FROM {name} t"
            ).fetchone()[0]
            for (name,) in rows.execute(TABLES).fetchall()
        }


@pytest.fixture
def fresh_cluster(tmp_path):
    guardian = Guardian(secrets.token_hex(8))
    server = Postgres(tmp_path / "pg" / "data", tmp_path / "pg" / "log", free_port(), PASSWORD, THROWAWAY, guardian)
    child = server.child()
    try:
        server.create()
        server.start(child)
        server.ensure_database("restored")
        yield server.url("restored")
    finally:
        child.kill()
        guardian.dismiss()


def _manage(url: str, media: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "DATABASE_URL": url, "MEDIA_ROOT": str(media)}
    return subprocess.run(
        [sys.executable, "manage.py", *words], env=env, cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_backup_restores_into_a_fresh_cluster_and_starts(tmp_path, fresh_cluster, settings):
    settings.MEDIA_ROOT = tmp_path / "media"
    (tmp_path / "media" / "attachments").mkdir(parents=True)
    (tmp_path / "media" / "attachments" / "a1").write_bytes(b"\x89PNG photo")
    Company.objects.create(id=1, name="暖阳家居", set_up_at=timezone.now())
    with transaction.atomic():
        for number in range(20):
            record("probe.empty", subject=Thing(number), actor=SYSTEM, at=timezone.now())
    # A long-lived cluster's transaction ids are far above a new one's.
    FoldCursor.objects.create(name="tickets", version=1, upto=10**9)
    with connection.cursor() as cursor:
        cursor.execute(EVENTS)
        events = cursor.fetchall()
    hashes = _row_hashes(database_url())
    archive = tmp_path / "b.tar"
    call_command("backup", str(archive))
    assert archive.stat().st_mode & 0o077 == 0

    done = _manage(fresh_cluster, tmp_path / "media2", "restore", str(archive))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "media2" / "attachments" / "a1").read_bytes() == b"\x89PNG photo"
    assert _row_hashes(fresh_cluster) == hashes
    with psycopg.connect(fresh_cluster) as restored:
        assert restored.execute(EVENTS).fetchall() == events
        assert restored.execute("SELECT max(upto::text::numeric) FROM core_fold_cursor").fetchone() == (3,)
        restored.execute("INSERT INTO core_period (name, last_start) VALUES ('probe', now())")
        next_id = restored.execute("SELECT nextval('core_event_id_seq')").fetchone()
        assert next_id is not None
        assert next_id[0] > max(row[0] for row in events)
    ready = _manage(fresh_cluster, tmp_path / "media2", "check_ready")
    assert (ready.returncode, ready.stdout.strip()) == (0, "ready")
    page = _manage(
        fresh_cluster,
        tmp_path / "media2",
        "shell",
        "-v0",
        "-c",
        "from django.test import Client; print(Client(SERVER_NAME='127.0.0.1').get('/').status_code)",
    )
    assert page.stdout.split()[-1:] == ["200"], page.stderr
    again = _manage(fresh_cluster, tmp_path / "media2", "restore", str(archive))
    assert again.returncode == 1
    assert "not empty" in again.stderr


@pytest.mark.django_db(transaction=True)
def test_start_up_is_refused_on_a_log_from_another_cluster():
    assert not has_future_xids()
    call_command("check_ready")
    FoldCursor.objects.create(name="probe", version=1, upto=10**15)
    assert has_future_xids()
    with pytest.raises(CommandError, match="after_restore"):
        call_command("check_ready")
    call_command("after_restore")
    call_command("check_ready")


@pytest.mark.django_db(transaction=True)
def test_a_damaged_or_foreign_archive_is_refused_before_anything_is_touched(tmp_path):
    Company.objects.create(id=1, name="A", set_up_at=timezone.now())
    rubbish = tmp_path / "rubbish.tar"
    rubbish.write_bytes(b"not a tar at all")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("restore", str(rubbish), "--force")
    (tmp_path / "manifest.json").write_text(
        json.dumps({"format": 1, "product_version": "0.1.0", "database_sha256": "0" * 64, "at": "x"})
    )
    (tmp_path / "database.dump").write_bytes(b"broken")
    for name, expected in (("damaged", "damaged"), ("newer", "older one")):
        if name == "newer":
            manifest = json.loads((tmp_path / "manifest.json").read_text())
            (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"product_version": "99.0.0"}))
        with tarfile.open(tmp_path / f"{name}.tar", "w") as tar:
            tar.add(tmp_path / "manifest.json", "manifest.json")
            tar.add(tmp_path / "database.dump", "database.dump")
        with pytest.raises(CommandError, match=expected):
            call_command("restore", str(tmp_path / f"{name}.tar"), "--force")
    assert Company.objects.count() == 1

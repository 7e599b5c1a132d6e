"""The product as one machine runs it: servers, migrations, processes, under one supervisor.

bin/up, the smoke run, the browser and fault tests all go through here.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets as random
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import psycopg
from psycopg import sql

from cs_portal.runtime import messages
from cs_portal.runtime.console import Console
from cs_portal.runtime.faults import DiskFull, PortTaken, StartError
from cs_portal.runtime.ports import free_port, listen, wait_until_accepts
from cs_portal.runtime.postgres import DATABASE, Postgres
from cs_portal.runtime.processes import Child, Guardian
from cs_portal.runtime.secrets import ensure_secrets, write_env
from cs_portal.runtime.supervisor import Service, Supervisor
from cs_portal.runtime.valkey import Valkey

ROOT = Path(__file__).resolve().parent.parent.parent
BACKUPS_KEPT = 5
ROOM_MB = 500


class AlreadyRunning(StartError):
    """Another supervisor holds this data directory."""

    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__(f"It is already running: {url or 'starting up'}")


def has_command(name: str) -> bool:
    """Tell whether some app has this management command, without starting Django."""
    return any(ROOT.glob(f"*/management/commands/{name}.py"))


def files_digest(paths: list[Path]) -> str:
    """Name the content of files."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:20]


def schema_digest() -> str:
    """Name the wanted state of the database: our migrations and the packages that bring some."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    packages = re.findall(r"^(?:django|django-allauth)(?:\[.*\])?==\S+", lock, re.M)
    return files_digest(list(ROOT.glob("*/migrations/[0-9]*.py"))) + "-" + "-".join(packages)


@dataclass
class Plan:
    """What to start and where. `port` 0 is any free one; `cluster` is a ready cluster to copy instead of making one."""

    var: Path
    host: str = "127.0.0.1"
    port: int = 0
    settings: str = "cs_portal.settings.trial"
    env: Mapping[str, str] = field(default_factory=dict)
    database_settings: Mapping[str, str] = field(default_factory=dict)
    cluster: Path | None = None
    cluster_password: str = ""
    cluster_database: str = "template1"
    static: Path | None = None
    web_servers: int = 2
    background: bool = True


class Stack:
    """A running product; `open` → `prepare` → `run` → `close`."""

    def __init__(self, plan: Plan, console: Console) -> None:
        self.plan = plan
        self.console = console
        self.var = plan.var.resolve()
        self.log = self.var / "log"
        self.static = plan.static or self.var / "static"
        self.url = ""
        self.env: dict[str, str] = {}
        self._listener: socket.socket | None = None
        self._lock: TextIO | None = None
        self._guardian: Guardian | None = None
        self.supervisor: Supervisor | None = None
        self.carrier_port = 0
        self.postgres: Postgres
        self.valkey: Valkey

    # --- one at a time ---------------------------------------------------------------------------------------------
    def _claim(self) -> None:
        """Hold var/run.lock for as long as this process lives; the kernel lets go of it after any death."""
        self.var.mkdir(parents=True, exist_ok=True)
        free_mb = shutil.disk_usage(self.var).free // 2**20
        if free_mb < ROOM_MB:
            raise DiskFull(str(self.var), free_mb, ROOM_MB)
        lock = (self.var / "run.lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise AlreadyRunning(str(self.running().get("url", ""))) from error
        self._lock = lock

    def running(self) -> dict[str, Any]:
        """Return what var/run.json says of the last run; empty when there is none."""
        with contextlib.suppress(OSError, ValueError):
            return dict(json.loads((self.var / "run.json").read_text(encoding="utf-8")))
        return {}

    # --- servers ---------------------------------------------------------------------------------------------------
    def open(self) -> None:
        """Claim the place and the port, then start the database and the bus.

        Raises AlreadyRunning, PortTaken, DiskFull or another StartError; nothing is left running then.
        """
        self._claim()
        try:
            before = self.running()
            self._listener = self._listen(str(before.get("url", "")))
            port = self._listener.getsockname()[1]
            name = "127.0.0.1" if self.plan.host in {"0.0.0.0", "::", ""} else self.plan.host
            self.url = f"http://{f'[{name}]' if ':' in name else name}:{port}"
            self._guardian = Guardian(random.token_hex(8))
            self.supervisor = Supervisor(self.console)
            self._start_servers(before)
            self.env = self._environment(before)
            write_env(self.var / "run.env", self.env, "The environment of the running processes; manage.py reads it.")
            self._note_running()
        except BaseException:
            self.close()
            raise

    def _listen(self, last_url: str) -> socket.socket:
        """Open the port; the servers of a run that was killed a moment ago get five seconds to let go of it."""
        end = time.monotonic() + (5 if self.plan.port and last_url.endswith(f":{self.plan.port}") else 0)
        while True:
            try:
                return listen(self.plan.host, self.plan.port)
            except PortTaken:
                if time.monotonic() >= end:
                    raise
                time.sleep(0.1)

    def _start_servers(self, before: Mapping[str, Any]) -> None:
        assert self.supervisor is not None
        if self.plan.cluster is not None and not (self.var / "postgres").exists():
            shutil.copytree(self.plan.cluster, self.var / "postgres", symlinks=True)
        keys = ensure_secrets(self.var) if self.plan.cluster is None else self._secrets_of_copy()
        self.secrets = keys
        self.postgres = Postgres(
            self.var / "postgres",
            self.log / "postgres.log",
            free_port(int(before.get("postgres_port", 0))),
            keys["POSTGRES_PASSWORD"],
            self.plan.database_settings,
            self._guardian,
        )
        if not self.postgres.exists:
            self.console.note("making the database …")
            self.postgres.create()
        child = self.postgres.child()

        def relaunch() -> None:
            self.postgres.clear_stale_lock()
            child.start()

        self.supervisor.add(Service(child, lambda: self.postgres.start(child, say=self.console.note), relaunch))
        self.valkey = Valkey(
            self.var / "valkey",
            self.log / "valkey.log",
            free_port(int(before.get("valkey_port", 0))),
            keys["VALKEY_PASSWORD"],
            self._guardian,
        )
        bus = self.valkey.child()
        self.supervisor.add(Service(bus, lambda: self.valkey.start(bus), bus.start))
        self.postgres.ensure_database(template=self.plan.cluster_database)

    def _secrets_of_copy(self) -> dict[str, str]:
        keys = ensure_secrets(self.var) if (self.var / "secrets.env").exists() else {}
        if keys.get("POSTGRES_PASSWORD") != self.plan.cluster_password:
            write_env(self.var / "secrets.env", {"POSTGRES_PASSWORD": self.plan.cluster_password}, "throw-away")
            keys = ensure_secrets(self.var)
        return keys

    def _environment(self, before: Mapping[str, Any]) -> dict[str, str]:
        """Build the environment of our processes: the settings keys of cs_portal.env, and nothing secret of others."""
        mail_port = free_port(int(before.get("mail_port", 2525)))
        sink_port = free_port(int(before.get("sink_port", 2526)))
        self.carrier_port = free_port(int(before.get("carrier_port", 0)))
        hosts = {"127.0.0.1", "localhost", "[::1]", self.plan.host, socket.gethostname()}
        if self.plan.host in {"0.0.0.0", "::"}:
            hosts.add("*")
        keys = {name: self.secrets[name] for name in ("SECRET_KEY", "FIELD_KEYS", "INDEX_KEY")}
        return {
            **keys,
            "DJANGO_SETTINGS_MODULE": self.plan.settings,
            "DATABASE_URL": self.postgres.url(),
            "REDIS_URL": self.valkey.url(0),
            "LAYER_URL": self.valkey.url(1),
            "PUBLIC_URL": self.url,
            "ALLOWED_HOSTS": ",".join(sorted(hosts)),
            "VAR_DIR": str(self.var),
            "MEDIA_ROOT": str(self.var / "media"),
            "STATIC_ROOT": str(self.static),
            "TRIAL": "1",
            "INBOUND_SMTP_PORT": str(mail_port),
            "SMTP_URL": f"smtp://127.0.0.1:{sink_port}",  # the trial's own catch-all, read in the mail viewer
            # the trial's own provider of tracking, and its own stand-ins of message providers; nothing else
            "OUTGOING_ALLOW": f"127.0.0.1:{self.carrier_port},{self.url.partition('//')[2]}",
            **self.plan.env,
        }

    def _note_running(self) -> None:
        facts = {
            "pid": os.getpid(),
            "url": self.url,
            "postgres_port": self.postgres.port,
            "valkey_port": self.valkey.port,
            "mail_port": int(self.env["INBOUND_SMTP_PORT"]),
            "sink_port": int(self.env["SMTP_URL"].rpartition(":")[2] or 0) if self.env["TRIAL"] == "1" else 0,
            "carrier_port": self.carrier_port,
            "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        (self.var / "run.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")

    # --- commands --------------------------------------------------------------------------------------------------
    def process_env(self, **more: str) -> dict[str, str]:
        """Return the whole environment for one of our processes."""
        return {**os.environ, **self.env, "PYTHONUNBUFFERED": "1", **more}

    def manage(self, *words: str, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a management command; raises StartError with its last words when it fails and check is on."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *words],
            env=self.process_env(**more),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise StartError(f"manage.py {' '.join(words)} failed:\n{(done.stderr or done.stdout).strip()[-3000:]}")
        return done

    # --- preparation -----------------------------------------------------------------------------------------------
    def state(self) -> dict[str, str]:
        """Return what was noted on the database: which schema it has and how it was filled."""
        with psycopg.connect(self.postgres.url()) as connection:
            row = connection.execute(
                "select shobj_description(oid, 'pg_database') from pg_database where datname = %s", [DATABASE]
            ).fetchone()
        with contextlib.suppress(ValueError):
            return dict(json.loads((row and row[0]) or "{}"))
        return {}

    def note_state(self, **facts: str) -> None:
        """Note facts on the database itself, so that they go where it goes."""
        words = json.dumps({**self.state(), **facts})
        with psycopg.connect(self.postgres.url(), autocommit=True) as connection:
            connection.execute(
                sql.SQL("comment on database {} is {}").format(sql.Identifier(DATABASE), sql.Literal(words))
            )

    def prepare(self) -> None:
        """Bring schema, catalogues and static files to this version; a filled database is dumped first."""
        messages.compile_all(ROOT)
        self._migrate()
        self._collect_static()

    def _migrate(self) -> None:
        wanted = schema_digest()
        if self.state().get("schema") == wanted:
            return
        with psycopg.connect(self.postgres.url()) as connection:
            row = connection.execute("select to_regclass('public.django_migrations') is not null").fetchone()
        if row and row[0] and self.plan.cluster is None:
            target = self.var / "backups" / f"before-migrating-{datetime.now(UTC):%Y%m%d-%H%M%S}.dump"
            self.console.note(f"a dump before the migration: {self.postgres.dump(target)}")
            for old in sorted(target.parent.glob("before-migrating-*.dump"))[:-BACKUPS_KEPT]:
                old.unlink()
        self.console.note("migrating the database …")
        self.manage("migrate", "--noinput", "--skip-checks", "-v", "0")
        self.note_state(schema=wanted)

    def _collect_static(self) -> None:
        """Collect static files when any of ours or the packages changed."""
        files = [path for path in (ROOT / "static").rglob("*") if path.is_file()]
        apps = sorted(path.parent for path in ROOT.glob("*/apps.py"))
        files += [path for app in apps for path in (app / "static").rglob("*") if path.is_file()]
        facts = "".join(f"{path}{path.stat().st_size}{path.stat().st_mtime_ns}" for path in sorted(files))
        facts += (ROOT / "requirements.lock").read_text(encoding="utf-8")
        digest = hashlib.sha256(facts.encode()).hexdigest()
        stamp = self.static / ".collected"
        if stamp.exists() and stamp.read_text() == digest:
            return
        self.console.note("collecting static files …")
        self.manage("collectstatic", "--noinput", "-v", "0")
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(digest)

    # --- our processes ---------------------------------------------------------------------------------------------
    def _child(self, name: str, argv: list[str], fds: tuple[int, ...] = (), **more: str) -> Child:
        return Child(
            name=name,
            argv=[sys.executable, *argv],
            env=self.process_env(**more),
            cwd=ROOT,
            log=self.log / f"{name}.log",
            pass_fds=fds,
            guardian=self._guardian,
        )

    def _serve(self, child: Child, is_well: Callable[[], bool], *, wait: bool = True, once: bool = False) -> None:
        assert self.supervisor is not None

        def launch() -> None:
            child.start()
            end = time.monotonic() + 60
            while time.monotonic() < end and child.is_running:
                if is_well():
                    return
                time.sleep(0.1)
            words = child.log_tail()
            child.kill()
            raise StartError(f"{child.name} did not start. Its last words:\n{words}\nThe whole log: {child.log}")

        self.supervisor.add(Service(child, launch, child.start, once=once), wait=wait)

    def run(self, *, player: bool = False, carrier: bool = False, wait_for_mail: bool = True) -> None:
        """Start web servers, worker, ticker, mail and, when asked for, the demo's carrier and its player.

        Returns when pages answer and, with wait_for_mail, when mail is taken in.
        """
        assert self._listener is not None
        fd = self._listener.fileno()
        web = {"DB_POOL": "1", "DB_STATEMENT_TIMEOUT_MS": "5000"}
        argv = ["-m", "cs_portal.runtime.serve", "--fd", str(fd)]
        for number in range(self.plan.web_servers, 0, -1):  # the first is waited for, last
            name = f"web-{number}"
            self._serve(self._child(name, argv, (fd,), **web), self.is_healthy, wait=number == 1)
        self.console.good(f"web · {self.url}")
        if self.plan.background:
            self._run_background(wait_for_mail=wait_for_mail)
        if carrier and has_command("play_carrier"):
            words = ["manage.py", "play_carrier", "--port", str(self.carrier_port)]
            self._serve(self._child("carrier", words), lambda: True, wait=False)
        if player and has_command("play_demo"):
            words = ["manage.py", "play_demo", "--base-url", self.url]
            words += ["--carrier-url", f"http://127.0.0.1:{self.carrier_port}"] if carrier else []
            self._serve(self._child("demo", words), lambda: True, wait=False, once=True)

    def _run_background(self, *, wait_for_mail: bool) -> None:
        celery = ["-m", "celery", "-A", "cs_portal.celery"]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING"]
        self._serve(self._child("worker", [*celery, "worker", "-c", "2", *quiet]), lambda: True, wait=False)
        ticker = ["manage.py", "ticker"] if has_command("ticker") else [*celery, "beat", "--pidfile=", "-l", "WARNING"]
        self._serve(self._child("ticker", ticker), lambda: True, wait=False)
        if has_command("run_mail"):
            port = int(self.env["INBOUND_SMTP_PORT"])
            mail = self._child("mail", ["manage.py", "run_mail"])
            self._serve(mail, lambda: wait_until_accepts("127.0.0.1", port, seconds=0.3), wait=wait_for_mail)
        self.console.good("worker, ticker, mail" if has_command("run_mail") else "worker, ticker")

    def is_healthy(self) -> bool:
        """Tell whether /healthz answers with 200."""
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def close(self) -> None:
        """Stop everything in order; may be called at any point, more than once."""
        if self.supervisor is not None:
            self.supervisor.stop()
            self.supervisor = None
        if self._guardian is not None:
            self._guardian.dismiss()
            self._guardian = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        if self._lock is not None:
            (self.var / "run.env").unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

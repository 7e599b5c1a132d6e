"""The steps of bin/test, in order, each under a heading; pytest comes last and has the last word."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
APPS = [
    "core", "accounts", "notifications", "customers", "orders", "knowledge", "tickets", "chat", "aftersales",
    "feedback", "kpi", "cs_portal",
]  # fmt: skip
KEYS = {
    "SECRET_KEY": "checks-only-" + "0123456789abcdefghijklmnopqrstuvwxyz" * 2,
    "FIELD_KEYS": "t1:" + "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk=",
    "INDEX_KEY": "checks-only-index-key-0123456789abcdef",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "VAR_DIR": str(ROOT / "var" / "checks"),
}
PRODUCTION = {
    **KEYS,
    "DJANGO_SETTINGS_MODULE": "cs_portal.settings.production",
    "PUBLIC_URL": "https://service.example",
    "ALLOWED_HOSTS": "service.example",
    "TRUSTED_PROXIES": "1",
}
TESTING = {**KEYS, "DJANGO_SETTINGS_MODULE": "cs_portal.settings.test"}


def module(name: str, *words: str) -> list[str]:
    """Build the command that runs a module of this environment."""
    return [PYTHON, "-m", name, *words]


def tool(name: str, *words: str) -> list[str]:
    """Build the command that runs a program of this environment."""
    return [str(Path(PYTHON).parent / name), *words]


def templates() -> list[str]:
    """List the templates of the product."""
    return [str(path) for folder in ("templates", *APPS) for path in sorted((ROOT / folder).rglob("*.html"))]


def steps() -> list[tuple[str, list[str], dict[str, str]]]:
    """List (heading, command, environment) of everything before pytest."""
    manage = [PYTHON, "manage.py"]
    return [
        ("Lint", module("ruff", "check", "."), {}),
        ("Format", module("ruff", "format", "--check", "--quiet", "."), {}),
        ("House rules", module("tests.house_rules"), {}),
        ("Types", module("mypy", *(app for app in APPS if (ROOT / app).is_dir()), "tests"), TESTING),
        ("Import contracts", tool("lint-imports", "--no-logo"), TESTING),
        ("Migrations", [*manage, "makemigrations", "--check", "--dry-run"], TESTING),
        ("Catalogues", [PYTHON, "bin/messages", "check"], {}),
        ("Production settings", [*manage, "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION),
    ]


def heading(words: str) -> None:
    """Print a heading."""
    print(f"\n── {words} " + "─" * max(3, 76 - len(words)), flush=True)


@contextmanager
def database() -> Iterator[str]:
    """Run an empty PostgreSQL meanwhile: Django asks its version when it checks generated columns."""
    sys.path.insert(0, str(ROOT))
    from cs_portal.runtime.ports import free_port
    from cs_portal.runtime.postgres import THROWAWAY, Postgres
    from cs_portal.runtime.processes import Guardian

    guardian = Guardian(secrets.token_hex(8))
    with tempfile.TemporaryDirectory(prefix="cs-portal-checks-") as folder:
        place = Path(folder)
        server = Postgres(place / "data", place / "log", free_port(), "throwaway", THROWAWAY, guardian, sync=False)
        child = server.child()
        try:
            server.create()
            server.start(child)
            server.ensure_database()
            yield server.url()
        finally:
            child.kill()
            guardian.dismiss()


def run_steps(database_url: str) -> list[str]:
    """Run all steps; returns the headings of those that failed."""
    failed = []
    for name, command, env in steps():
        heading(name)
        begun = time.monotonic()
        more = {**env, "DATABASE_URL": database_url} if env else {}
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **more}, check=False)
        print(f"{'ok' if done.returncode == 0 else 'FAILED'} · {time.monotonic() - begun:.1f} s", flush=True)
        if done.returncode:
            failed.append(name)
    return failed


def find_chromium() -> str | None:
    """Return a Chromium: CHROMIUM, one on PATH, or Playwright's own; None when there is none."""
    for name in (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"):
        if name and (path := shutil.which(name)):
            return path
    script = "from playwright.sync_api import sync_playwright as s\nwith s() as p: print(p.chromium.executable_path)"
    done = subprocess.run([PYTHON, "-c", script], capture_output=True, text=True, check=False)
    path = done.stdout.strip()
    return path if path and Path(path).exists() else None


def ensure_chromium() -> str:
    """Return a Chromium, installing one when there is none: Debian's as root, Playwright's own otherwise."""
    if path := find_chromium():
        return path
    heading("Installing a browser")
    if os.geteuid() == 0 and shutil.which("apt-get"):
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-q"], env=env, check=False)
        packages = ["chromium", "fonts-noto-cjk"]
        subprocess.run(["apt-get", "install", "-qy", "--no-install-recommends", *packages], env=env, check=False)
    if not find_chromium():
        subprocess.run(module("playwright", "install", "chromium"), check=False)
    path = find_chromium()
    if path is None:
        sys.exit(
            "No Chromium was found and none could be installed, so the browser tests cannot run.\n"
            "Install one (apt-get install chromium fonts-noto-cjk) or set CHROMIUM=/path/to/chromium."
        )
    return path


def compile_catalogues() -> None:
    """Build the .mo files the pages need."""
    subprocess.run([PYTHON, "bin/messages", "compile"], cwd=ROOT, check=True)


def main(words: Sequence[str]) -> int:
    """Run the checks and pytest; returns 0 when everything passed."""
    everything = "--all" in words
    rest = [word for word in words if word != "--all"]
    compile_catalogues()
    env = {**os.environ, "CHROMIUM": ensure_chromium(), "PYTHONDONTWRITEBYTECODE": ""}
    if rest:
        return subprocess.run(module("pytest", *rest), cwd=ROOT, env=env, check=False).returncode
    with database() as url:
        failed = run_steps(url)
    heading("Tests")
    chosen = [] if everything else ["-m", "not slow and not faults"]
    env |= {"CS_TEST_STRICT": "1", "CS_FAILED_CHECKS": ", ".join(failed)}
    command = module("pytest", "-n", "2", "--dist", "loadgroup", "-q", *chosen)
    done = subprocess.run(command, cwd=ROOT, env=env, check=False)
    return done.returncode or (1 if failed else 0)

"""bin/bench start: seconds and megabytes from nothing to the first page, and of the second start.

Copies the checkout's committed and present files to an empty folder, with an empty package cache of its own unless
--warm-cache, and runs bin/up there as a newcomer would. Time spent waiting on the registries is part of the first
figure; `installed_s` tells how much of it was the installation.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from bench.report import Report

ROOT = Path(__file__).resolve().parent.parent


def copy_checkout(target: Path) -> None:
    """Copy what git knows or would add: a fresh clone with today's changes."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def megabytes(folder: Path) -> int:
    """Return the room a folder takes on disk, hard links counted once."""
    seen: set[int] = set()
    total = 0
    for path in folder.rglob("*"):
        facts = path.lstat()
        if facts.st_ino not in seen:
            seen.add(facts.st_ino)
            total += facts.st_blocks * 512
    return total // 2**20


def resident_mb(group_root: int) -> int:
    """Return the resident memory of a process and all its descendants (shared pages counted in each)."""
    children: dict[int, list[int]] = {}
    rss: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            children.setdefault(int(stat[1]), []).append(int(folder.name))
            rss[int(folder.name)] = int(stat[21]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError):
            continue
    waiting, total = [group_root], 0
    while waiting:
        pid = waiting.pop()
        total += rss.get(pid, 0)
        waiting += children.get(pid, [])
    return total // 2**20


def start_once(checkout: Path, env: dict[str, str], limit: float) -> dict[str, float]:
    """Run bin/up until its first page answers; returns seconds and megabytes, raises RuntimeError when it does not."""
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "bin/up", "--port", "0", "--quiet-demo"],
        cwd=checkout, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    words: list[str] = []
    reader = threading.Thread(target=lambda: words.extend(iter(process.stdout.readline, "")), daemon=True)  # type: ignore[union-attr]
    reader.start()
    try:
        while time.monotonic() - begun < limit and process.poll() is None:
            address = re.search(r"https?://[\w.:]+", next((w for w in words if "ready in" in w), "") and "".join(words))
            if address:
                first = fetch(address.group())
                ready = time.monotonic() - begun
                installed = re.search(r"installed in (\d+) s", "".join(words))
                return {
                    "ready_s": round(ready, 1),
                    "first_page_ms": round(first * 1000, 1),
                    "installed_s": float(installed.group(1)) if installed else 0.0,
                    "memory_mb": resident_mb(process.pid),
                }
            time.sleep(0.05)
        raise RuntimeError("bin/up did not come up:\n" + "".join(words)[-3000:])
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def fetch(address: str) -> float:
    """Fetch the first page; returns the seconds it took."""
    begun = time.monotonic()
    with urllib.request.urlopen(address + "/", timeout=30) as answer:
        answer.read()
    return time.monotonic() - begun


def main(argv: Sequence[str]) -> int:
    """Measure the first and the second start; returns 0 when the targets are met."""
    parser = argparse.ArgumentParser(prog="bin/bench start")
    parser.add_argument("--warm-cache", action="store_true", help="use this user's package cache")
    parser.add_argument("--limit", type=float, default=600, help="give up after that many seconds")
    options = parser.parse_args(argv)
    report = Report("start", {"warm_cache": options.warm_cache}, "bin/up, embedded servers, trial settings")
    with tempfile.TemporaryDirectory(prefix="cs-portal-start-") as folder:
        checkout = Path(folder) / "checkout"
        checkout.mkdir()
        copy_checkout(checkout)
        env = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
        if not options.warm_cache:
            env |= {"UV_CACHE_DIR": f"{folder}/uv", "PIP_CACHE_DIR": f"{folder}/pip"}
        try:
            first = start_once(checkout, env, options.limit)
            report.cases["first"] = {"n": 1, **first, "own_s": round(first["ready_s"] - first["installed_s"], 1)}
            report.cases["first"]["disk_mb"] = megabytes(checkout)
            report.cases["second"] = {"n": 1, **start_once(checkout, env, options.limit)}
        except (RuntimeError, urllib.error.URLError) as error:
            print(error, file=sys.stderr)
    return report.finish()

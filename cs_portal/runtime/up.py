"""What bin/up does once its packages are installed."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import FrameType

from cs_portal.runtime.console import Console
from cs_portal.runtime.faults import StartError
from cs_portal.runtime.stack import ROOT, AlreadyRunning, Plan, Stack, has_command
from cs_portal.version import VERSION

DATA = ("postgres", "valkey", "media", "mail", "demo.json", "run.json", "static")


class Interrupted(Exception):
    """Ctrl-C, SIGTERM or SIGHUP arrived."""


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="bin/up", description="Start the customer service centre on this machine.")
    parser.add_argument("--port", type=int, default=8000, help="port of the pages (default 8000)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--empty", action="store_true", help="an empty company and the first-run wizard, no demo")
    parser.add_argument("--quiet-demo", action="store_true", help="demo data, but nothing moves by itself")
    parser.add_argument("--smoke", action="store_true", help="start on free ports, play the story, print one JSON line")
    parser.add_argument("--var", type=Path, default=ROOT / "var", metavar="DIR", help="where data is kept")
    parser.add_argument("--reset", action="store_true", help="delete the data first (asks)")
    options = parser.parse_args(argv)
    if not 0 <= options.port <= 65535:
        parser.error(f"--port {options.port} is not a port: 1 to 65535, or 0 for any free one")
    return options


class Stop:
    """Turns signals into Interrupted while starting and into a set event afterwards; a second one is ignored."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.is_starting = True
        self._before: dict[signal.Signals, object] = {}

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        if not self.asked.is_set():
            self.asked.set()
            if self.is_starting:
                raise Interrupted

    def __enter__(self) -> Stop:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *_details: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]


def reset(var: Path, console: Console) -> bool:
    """Delete database, bus and files after a clear yes; backups, logs and keys stay."""
    stack = Stack(Plan(var=var), console)
    stack._claim()
    try:
        there = [name for name in DATA if (var / name).exists()]
        if not there:
            return True
        print(f"This deletes all data in {var} ({', '.join(there)}). Type yes to go on: ", end="", flush=True)
        if sys.stdin.readline().strip().lower() != "yes":
            console.line("Nothing was deleted.")
            return False
        for name in there:
            path = var / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return True
    finally:
        stack.close()


def fill(stack: Stack, *, empty: bool, console: Console) -> str:
    """Load the demo shop into a fresh database unless an empty company is wanted; returns how it was filled."""
    filled = stack.state().get("filled", "")
    if not filled:
        if not empty and has_command("seed_demo"):
            console.note("loading the demo shop …")
            stack.manage("seed_demo")
            filled = "demo"
        else:
            filled = "empty"
        stack.note_state(filled=filled)
    elif (filled == "empty") != empty:
        kind = "an empty company" if filled == "empty" else "the demo shop"
        wish = "--empty --reset" if empty else "--reset"
        console.note(f"{stack.var} already holds {kind}; it goes on with that (bin/up {wish} starts anew)")
    return filled


def show_address(stack: Stack, filled: str, seconds: float, console: Console) -> None:
    """Print where it is and who may sign in."""
    console.line()
    console.line(f"  cs_portal {VERSION} · ready in {seconds:.0f} s")
    console.line(f"  {console.paint(stack.url, 'bold')}")
    console.line(f"  Desk {stack.url}/desk/   Board {stack.url}/board/   Mail {stack.url}/mail/")
    if filled == "empty":
        console.line(f"  First steps: {stack.manage('setup_link').stdout.strip()}")
    else:
        show_sign_ins(stack.var / "demo.json", console)
    console.line(f"  Data and logs: {stack.var}   ·   Ctrl-C stops")
    console.line()


def show_sign_ins(path: Path, console: Console) -> None:
    """Print the sign-ins the demo shop wrote down."""
    try:
        people = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    people = people.get("people", []) if isinstance(people, dict) else people
    console.line()
    for person in people:
        role, email = str(person.get("role", "")), str(person.get("email", ""))
        password, note = str(person.get("password", "")), str(person.get("note", ""))
        console.line(f"    {role:<12} {email:<34} {password:<18} {console.paint(note, 'grey')}".rstrip())
    console.line()


def stay(options: argparse.Namespace, console: Console) -> int:
    """Start and go on until a signal comes."""
    begun = time.monotonic()
    stack = Stack(Plan(var=options.var, host=options.host, port=options.port), console)
    with Stop() as stop:
        try:
            stack.open()
            stack.prepare()
            filled = fill(stack, empty=options.empty, console=console)
            player = filled == "demo" and not (options.quiet_demo or options.empty)
            stack.run(player=player, carrier=filled == "demo", wait_for_mail=False)
            stop.is_starting = False
            show_address(stack, filled, time.monotonic() - begun, console)
            stop.asked.wait()
        except Interrupted:
            pass
        finally:
            if stack.supervisor is not None:
                console.line("\n  stopping …")
                stack.close()
                console.line("  stopped.")
    return 0


def smoke(console: Console) -> int:
    """Start everything on free ports in a folder of its own, play the story, print its JSON line."""
    folder = Path(tempfile.mkdtemp(prefix="cs-portal-smoke-"))
    begun = time.monotonic()
    stack = Stack(Plan(var=folder), console)
    with Stop():
        try:
            stack.open()
            stack.prepare()
            fill(stack, empty=False, console=console)
            stack.run()
            seconds = time.monotonic() - begun
            done = stack.manage("smoke", "--base-url", stack.url, check=False)
            print_smoke(done, seconds)
            return 0 if done.returncode == 0 else 1
        except Interrupted:
            return 1
        finally:
            stack.close()
            shutil.rmtree(folder, ignore_errors=True)


def print_smoke(done: subprocess.CompletedProcess[str], start_seconds: float) -> None:
    """Print the command's JSON line with the start-up time added; its complaints go to stderr."""
    if done.stderr:
        print(done.stderr.rstrip()[-4000:], file=sys.stderr)
    *_, last = done.stdout.strip().splitlines() or [""]
    try:
        facts = dict(json.loads(last))
    except ValueError:
        facts = {"ok": False, "error": (done.stdout or done.stderr).strip()[-400:]}
    print(json.dumps({**facts, "start_s": round(start_seconds, 1)}, ensure_ascii=False))


def main(argv: list[str] | None = None) -> int:
    """Run bin/up; returns the exit code."""
    options = parse(argv)
    console = Console()
    try:
        if options.smoke:
            return smoke(console)
        if options.reset and not reset(options.var.resolve(), console):
            return 1
        return stay(options, console)
    except AlreadyRunning as running:
        console.line(f"\n  {running}\n  Open that address, or stop it first with Ctrl-C in its terminal.\n")
        return 0
    except StartError as error:
        console.line()
        console.bad(str(error))
        console.line()
        return 1

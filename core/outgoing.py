"""Connect to an address somebody typed into a settings page, without letting it reach what only we can reach.

The name is looked up once and the connection goes to just the address that was checked: a second answer of the name
server changes nothing. Places inside one's own network are named by the operator (OUTGOING_ALLOW: host names,
addresses, networks), never on a page.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

from django.conf import settings

TIMEOUT = 10.0
MAX_PLACES = 8
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class HostUnknown(OSError):
    """No name server knows the host."""


class PlaceForbidden(OSError):
    """The host lies inside and the operator has not allowed it."""


class ClearForbidden(OSError):
    """What is not encrypted may only go to a host inside."""


class Deadline:
    """The end of a whole conversation, counted from before its connect: then the wire is cut, whatever dribbles in.

    A timeout of a socket begins anew with every byte; this one does not. Use it around everything, the closing words
    too. It holds a second handle on the connection, so that TLS put over the first one changes nothing.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._handles: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            for handle in self._handles:
                handle.close()
            self._handles.clear()

    @property
    def left(self) -> float:
        """Return the seconds that are left, none below zero."""
        return max(0.0, self._end - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Say whether the time is used up."""
        return self.left == 0

    def watch(self, wire: socket.socket) -> None:
        """Cut this connection as well when the time is over. Raises TimeoutError when it is already."""
        with self._lock:
            if self.is_over:
                raise TimeoutError
            self._handles.append(wire.dup())

    def _cut(self) -> None:
        with self._lock:
            for handle in self._handles:
                with suppress(OSError):
                    handle.shutdown(socket.SHUT_RDWR)


def is_public(address: Address) -> bool:
    """Tell whether an address lies in the public internet, also the one that hides inside another."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _NAT64:
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if any(one is not None and not is_public(one) for one in inner):
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def connect(
    host: str, port: int, *, timeout: float = TIMEOUT, until: Deadline | None = None, inside_only: bool = False
) -> socket.socket:
    """Open a TCP connection to a host that may be asked: its addresses one after the other, within `timeout` in all.

    `until` cuts it off at its end. `inside_only` is for what goes in the clear: the very addresses connected to must
    lie inside. Raises HostUnknown, PlaceForbidden, ClearForbidden, OSError.
    """
    end = time.monotonic() + (timeout if until is None else min(timeout, until.left))
    last: OSError = TimeoutError()
    places = places_of(host, port)
    if inside_only and any(is_public(place) for place in places):
        raise ClearForbidden
    for place in places:
        if (left := end - time.monotonic()) <= 0:
            break
        try:
            wire = socket.create_connection((str(place), port), timeout=left)
        except OSError as error:
            last = error
            continue
        wire.settimeout(timeout)
        if until is not None:
            try:
                until.watch(wire)
            except BaseException:
                wire.close()
                raise
        return wire
    raise last


def resolve(host: str, port: int) -> Address:
    """Return the first address of a host that may be asked. Raises HostUnknown, PlaceForbidden."""
    return places_of(host, port)[0]


def places_of(host: str, port: int) -> list[Address]:
    """Return the addresses of a host that may be asked; every one it has must be allowed.

    Raises HostUnknown, PlaceForbidden.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError):
        raise HostUnknown(host[:80]) from None
    names = dict.fromkeys(str(row[4][0]).partition("%")[0] for row in found)
    places = [ipaddress.ip_address(name) for name in names]
    if not places:
        raise HostUnknown(host[:80])
    if not all(is_public(place) or _is_allowed(host, port, place) for place in places):
        raise PlaceForbidden
    return places[:MAX_PLACES]


def _is_allowed(host: str, port: int, place: Address) -> bool:
    for entry in settings.OUTGOING_ALLOW:
        named = entry.strip().lower()
        if named in {host.lower(), f"{host.lower()}:{port}"}:
            return True
        try:
            if place in ipaddress.ip_network(named, strict=False):
                return True
        except ValueError:
            continue
    return False

"""Connect to an address somebody typed into a settings page, without letting it reach what only we can reach.

The name is looked up once and the connection goes to just the address that was checked: a second answer of the name
server changes nothing. Places inside one's own network are named by the operator (OUTGOING_ALLOW: host names,
addresses, networks), never on a page.
"""

from __future__ import annotations

import ipaddress
import socket
import time

from django.conf import settings

TIMEOUT = 10.0
MAX_PLACES = 8
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class HostUnknown(OSError):
    """No name server knows the host."""


class PlaceForbidden(OSError):
    """The host lies inside and the operator has not allowed it."""


def is_public(address: Address) -> bool:
    """Tell whether an address lies in the public internet, also the one that hides inside another."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _NAT64:
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if any(one is not None and not is_public(one) for one in inner):
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def is_inside(host: str, port: int) -> bool:
    """Tell whether a host that may be asked lies inside. Raises HostUnknown, PlaceForbidden."""
    return not is_public(resolve(host, port))


def connect(host: str, port: int, *, timeout: float = TIMEOUT) -> socket.socket:
    """Open a TCP connection to a host that may be asked: its addresses one after the other, within `timeout` in all.

    Raises HostUnknown, PlaceForbidden, OSError.
    """
    end = time.monotonic() + timeout
    last: OSError = TimeoutError()
    for place in places_of(host, port):
        if (left := end - time.monotonic()) <= 0:
            break
        try:
            return socket.create_connection((str(place), port), timeout=left)
        except OSError as error:
            last = error
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

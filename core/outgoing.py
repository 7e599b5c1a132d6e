"""Connect to an address somebody typed into a settings page, without letting it reach what only we can reach.

The name is looked up once and the connection goes to just the address that was checked: a second answer of the name
server changes nothing. Places inside one's own network are named by the operator (OUTGOING_ALLOW: host names,
addresses, networks), never on a page.
"""

from __future__ import annotations

import ipaddress
import socket

from django.conf import settings

TIMEOUT = 10.0
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
    """Open a TCP connection to a host that may be asked. Raises HostUnknown, PlaceForbidden, OSError."""
    return socket.create_connection((str(resolve(host, port)), port), timeout=timeout)


def resolve(host: str, port: int) -> Address:
    """Return the address of a host that may be asked; every one it has must be allowed.

    Raises HostUnknown, PlaceForbidden.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise HostUnknown(host[:80]) from None
    places = [ipaddress.ip_address(str(row[4][0]).partition("%")[0]) for row in found]
    if not places:
        raise HostUnknown(host[:80])
    if not all(is_public(place) or _is_allowed(host, port, place) for place in places):
        raise PlaceForbidden
    return places[0]


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

"""Who is asking: the address behind as many proxies as we know of."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_ip(request: HttpRequest) -> str:
    """Return the client's address. X-Forwarded-For counts only from the right, one hop per trusted proxy."""
    hops = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    chosen = request.META.get("REMOTE_ADDR", "") or "0.0.0.0"
    if settings.TRUSTED_PROXIES and len(hops) >= settings.TRUSTED_PROXIES:
        chosen = hops[-settings.TRUSTED_PROXIES]
    try:
        return str(ipaddress.ip_address(chosen))
    except ValueError:
        return "0.0.0.0"


def client_place(request: HttpRequest) -> str:
    """Return the address to count tries by; for IPv6 its /64: one line has a whole network of those."""
    address = ipaddress.ip_address(client_ip(request))
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)

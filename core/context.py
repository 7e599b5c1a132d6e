"""What every page's template knows: navigation for staff, language, version."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation
from django.utils.functional import SimpleLazyObject

from core.addresses import address
from core.registry import NAV


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return `nav` (lazily built rail entries), `language`, `trial`, `product_version`."""
    return {
        "nav": SimpleLazyObject(lambda: navigation(request)),
        "language": translation.get_language() or settings.LANGUAGE_CODE,
        "languages": settings.LANGUAGES,
        "trial": settings.TRIAL,
        "product_version": settings.PRODUCT_VERSION,
    }


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the rail entries the signed-in member of staff may open."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    entries: list[dict[str, Any]] = []
    for item in sorted(NAV.values(), key=lambda entry: entry.order):
        if item.permission and not user.may(item.permission):
            continue
        url = address(item.url_name)
        entries.append(
            {
                "key": item.key,
                "label": str(item.label),
                "icon": item.icon,
                "url": url,
                "shortcut": item.shortcut,
                "badge": item.badge(user) if item.badge else 0,
                "active": _is_active(request.path, url),
            }
        )
    active = [entry for entry in entries if entry["active"]]
    if len(active) > 1:  # the longest address wins: /desk/orders/ is not the desk
        longest = max(active, key=lambda entry: len(entry["url"]))
        for entry in active:
            entry["active"] = entry is longest
    return entries


def _is_active(path: str, url: str) -> bool:
    return path == url or path.startswith(url)

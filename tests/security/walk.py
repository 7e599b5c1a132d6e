"""Every address of the product, read from the resolver, so that a new one cannot be forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

MISSING = 987_654_321
_PLACE = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>|\(\?P<(?P<group>\w+)>[^)]*\)")

# What stands in an address where nothing exists. A new kind of id gets a line here, and one in world.py when its row
# belongs to a shop or a team.
NOWHERE: dict[str, Any] = {
    "name": "parts", "token": "A" * 32, "draft": "A" * 32, "key": "missing-key", "uidb36": "1", "channel": "email",
    "language": "en", "kind": "csv", "metric": "tickets_opened", "number": MISSING, "tracking": "SF0000000000",
    "act": "claim", "code": "nothing", "device": "nothing", "provider": "nobody", "sku": "NONE-1",
    "section": "nothing",
}  # fmt: skip


@dataclass(frozen=True)
class Route:
    """One address: `pattern` as it is written, its view, the names of its variable parts."""

    pattern: str
    view: Any
    name: str
    params: tuple[str, ...]

    @property
    def permission(self) -> Any:
        """The right its door asks for; None when the door only asks for a signed-in person, "" when there is none."""
        return getattr(self.view, "required_permission", "")

    def at(self, values: dict[str, Any] | None = None) -> str:
        """Return the address with these values, and with what does not exist for the others."""
        given = values or {}

        def fill(match: re.Match[str]) -> str:
            name = match["name"] or match["group"]
            if name in given:
                return str(given[name])
            if name in NOWHERE:
                return str(NOWHERE[name])
            assert match["kind"] == "int", f"{self.pattern}: give {name} a value in tests/security/walk.py"
            return str(MISSING)

        return "/" + _PLACE.sub(fill, self.pattern).replace("^", "").replace("$", "")


def routes() -> list[Route]:
    """Return every address, each once."""
    found: dict[str, Route] = {}
    for route in _below(get_resolver(), ""):
        found.setdefault(route.pattern.replace("^", ""), route)
    return list(found.values())


def _below(resolver: URLResolver, prefix: str) -> Iterator[Route]:
    for item in resolver.url_patterns:
        path = prefix + str(item.pattern)
        if isinstance(item, URLResolver):
            yield from _below(item, path)
        elif isinstance(item, URLPattern):
            names = tuple(match["name"] or match["group"] for match in _PLACE.finditer(path))
            yield Route(path, item.callback, item.name or "", names)


# Addresses anyone may ask for, with the reason. Everything else refuses strangers.
PUBLIC: dict[str, str] = {
    "healthz": "says only that the process answers",
    "readyz": "says only whether the database answers",
    "metrics": "loopback or a bearer token; its own test below",
    "welcome/": "needs the set-up key until the company exists, then leads away",
    "language/": "sets a cookie",
    "": "the way in for customers",
    "contact/": "the form for customers",
    "contact/done/<str:token>/": "signed token",
    "contact/files/<str:draft>/<str:key>/": "secret draft id and file key",
    "t/<str:token>/": "signed token",
    "t/<str:token>/files/<str:key>/": "signed token and file key",
    "t/<str:token>/transcript/": "signed token; the mail goes to the ticket's own address only",
    "s/<str:token>": "survey token",
    "s/<str:token>/progress": "survey token",
    "s/<str:token>/thanks": "survey token",
    "track/": "asks for number and phone; every failure is the same sentence",
    "track/seen/<str:token>/": "signed token, two hours",
    "track/<str:token>/": "secret token of the order",
    "track/<str:token>/device/": "secret token of the order; notices on the device of whoever holds it",
    "track/device/": "a browser that moved knows its old place, which nobody else does",
    "track/worker.js": "the script that shows notices; the same for everybody",
    "u/<str:token>/": "signed token",
    "me/": "asks for a code; the page needs the browser that proved a phone or address",
    "me/code/": "needs the browser that asked for the code",
    "me/leave/": "closes the page of the browser that asks",
    "me/<slug:section>/<int:pk>/": "leads away without a proven phone or address; only to what is hers",
    "accounts/login/": "signing in",
    "accounts/logout/": "leads away",
    "accounts/inactive/": "a sentence",
    "accounts/signup/": "closed: 404",
    "accounts/email/": "closed: 404",
    "accounts/confirm-email/": "closed: 404",
    "accounts/confirm-email/(?P<key>[-:\\w]+)/$": "closed: 404",
    "accounts/password/reset/": "same answer for known and unknown addresses",
    "accounts/password/reset/done/": "a sentence",
    "accounts/password/reset/key/done/": "a sentence",
    "accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": "token from the mail",
    "accounts/login/code/confirm/": "leads to signing in: codes by mail are off",
    "accounts/mfa/authenticate/": "second step of signing in; leads back without the first",
    "accounts/invitation/<str:token>/": "token from the mail",
    "api/v1/schema/": "the API's description holds no data",
    "api/v1/docs/": "the same for people",
    "api/v1/hooks/orders/": "signature over the body",
    "api/v1/hooks/carriers/<str:token>/": "unguessable address and the provider's signature over the body",
    "api/v1/hooks/shops/<str:token>/": "unguessable address and the shop's signature over the body",
    "hooks/sms/<str:key>/reports/": "secret address; receipts must name a message by our proof or the provider's id",
    "hooks/sms/<str:key>/replies/": "secret address",
    "hooks/wechat/<str:key>/": "secret address and WeChat's signature",
    "hooks/phone/<str:key>/": "signature over the body with the line's secret",
    "hooks/phone/<str:key>/plan/": "signature with the line's secret",
}

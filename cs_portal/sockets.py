"""Socket addresses: exact origin check first, then the route, deny by default."""

from __future__ import annotations

from urllib.parse import urlsplit

from channels.routing import URLRouter
from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.urls import path

from core.live.socket import DeskSocket

routes = URLRouter(
    [
        path("ws/desk", DeskSocket.as_asgi()),
        path("<path:rest>", WebsocketDenier.as_asgi()),
    ]
)


class SameOrigin:
    """Let a socket in only when its Origin is this site: scheme, host and port as the browser addressed them."""

    def __init__(self, inner: object) -> None:
        self.inner = inner

    async def __call__(self, scope: dict, receive: object, send: object) -> object:  # type: ignore[type-arg]
        headers = dict(scope.get("headers", []))
        origin = headers.get(b"origin", b"").decode("latin-1")
        host = headers.get(b"host", b"").decode("latin-1")
        if not _same_site(origin, host):
            return await WebsocketDenier.as_asgi()(scope, receive, send)
        return await self.inner(scope, receive, send)  # type: ignore[operator]


def _same_site(origin: str, host: str) -> bool:
    parts = urlsplit(origin)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return False
    if origin == settings.PUBLIC_URL.rstrip("/"):
        return True
    hostname = parts.hostname or ""
    allowed = hostname in settings.ALLOWED_HOSTS
    secure = settings.SESSION_COOKIE_SECURE
    return allowed and parts.netloc == host and (parts.scheme == "https" or not secure)


socket_application = SameOrigin(routes)

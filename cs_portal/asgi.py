"""ASGI entry point: pages in the trial, sockets everywhere."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cs_portal.settings.production")
pages = get_asgi_application()

from cs_portal.sockets import socket_application  # noqa: E402 - needs the apps loaded

application = ProtocolTypeRouter({"http": pages, "websocket": socket_application})

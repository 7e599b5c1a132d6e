"""ASGI entry point: pages in the trial, sockets everywhere."""

import os
import warnings

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cs_portal.settings.production")
# The trial's static files come as one-off iterators; each would be warned of. Production serves pages by WSGI.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators", category=Warning)
pages = get_asgi_application()

from cs_portal.sockets import socket_application  # noqa: E402 - needs the apps loaded

application = ProtocolTypeRouter({"http": pages, "websocket": socket_application})

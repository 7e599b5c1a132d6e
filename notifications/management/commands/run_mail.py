"""Take mail in by SMTP; in the trial also catch what is sent out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from notifications.inbound.catching import open_sink
from notifications.inbound.listener import WORKERS, open_listener

logger = logging.getLogger(__name__)
DRAIN_SECONDS = 8


class Command(BaseCommand):
    """Run the SMTP listener until a signal asks it to stop."""

    help = "Take mail in by SMTP; in the trial also catch what is sent out."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        for name in ("mail.log", "mail.debug", "mail.error"):
            logging.getLogger(name).setLevel(logging.WARNING)
        asyncio.run(serve())


async def serve() -> None:
    """Listen; on SIGTERM or SIGINT take no new connection and let running mails finish for a few seconds."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="mail") as pool:
        servers = [await open_listener(pool, settings.INBOUND_SMTP_HOST, settings.INBOUND_SMTP_PORT)]
        if (sink := await open_sink(pool)) is not None:
            servers.append(sink)
        logger.info("mail.listening port=%s sink=%s", settings.INBOUND_SMTP_PORT, sink is not None)
        await stop.wait()
        for server in servers:
            server.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                for server in servers:
                    await server.wait_closed()
        for server in servers:
            if abort := getattr(server, "abort_clients", None):  # Python 3.13 and later
                abort()

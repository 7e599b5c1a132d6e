"""The trial's catch-all SMTP server: it takes what would go to the world and keeps it for the mail viewer."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.db import Error as DatabaseError
from django.utils import timezone

from notifications.inbound.listener import TRY_AGAIN, Doors, Gate, Peers
from notifications.services.sink import catch_mail

logger = logging.getLogger(__name__)
SINK_MAX_BYTES = 40 * 1024 * 1024


class CatchingDoors(Doors):
    """Takes every recipient."""

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        """Take any address."""
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep one row for each recipient."""
        try:
            await self.run(
                catch_mail,
                raw=envelope.original_content or b"",
                sender=envelope.mail_from or "",
                recipients=list(envelope.rcpt_tos),
                at=timezone.now(),
            )
        except (DatabaseError, OSError) as error:
            logger.warning("sink.not_kept error=%s", type(error).__name__)
            return TRY_AGAIN
        return "250 2.0.0 OK"


def is_sink_wanted() -> bool:
    """Tell whether outgoing mail leads to this machine in a trial, and not to our own inbound listener."""
    host, port = settings.SMTP["host"], settings.SMTP["port"]
    return settings.TRIAL and host in {"127.0.0.1", "localhost", "::1"} and port != settings.INBOUND_SMTP_PORT


async def open_sink(pool: ThreadPoolExecutor) -> asyncio.Server | None:
    """Start the catch-all server where SMTP_URL points; None when that is not wanted or somebody is there already."""
    if not is_sink_wanted():
        return None
    gate = Gate(CatchingDoors(pool, Peers(per_minute=1_000_000)), max_bytes=SINK_MAX_BYTES, with_tls=False)
    host, port = settings.SMTP["host"], settings.SMTP["port"]
    try:
        return await asyncio.get_running_loop().create_server(gate, host, port)
    except OSError as error:
        logger.warning("sink.not_started port=%s error=%s", port, error.strerror)
        return None

"""The SMTP listener: it says "250" only for a mail whose row is committed, and "451" whenever it is not sure."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections import defaultdict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import close_old_connections
from django.utils import timezone

from notifications.selectors.inbound import Target, find_target
from notifications.services.inbound import receive_mail

logger = logging.getLogger(__name__)
WORKERS = 4
IDLE_SECONDS = 60
PER_PEER_CONNECTIONS = 50
MAX_RECIPIENTS = 50
MAX_UNKNOWN = 10
LINE_MAX = 256 * 1024
TRY_AGAIN = "451 4.3.0 We cannot take mail just now, please try again later"
UNKNOWN = "550 5.1.1 No such mailbox here"


class Listener(SMTP):
    """aiosmtpd's protocol with lines as long as careless mailers write them."""

    line_length_limit = LINE_MAX


class Peers:
    """How much each peer has done lately; lives in this one process."""

    def __init__(self, *, per_minute: int) -> None:
        self.per_minute = per_minute
        self._mails: dict[str, deque[float]] = defaultdict(deque)

    def allows_mail(self, peer: str) -> bool:
        """Count one mail of a peer; False past the limit of a minute."""
        now = time.monotonic()
        times = self._mails[peer]
        while times and times[0] < now - 60:
            times.popleft()
        if len(times) >= self.per_minute:
            return False
        times.append(now)
        if len(self._mails) > 10_000:
            self._mails = defaultdict(deque, {key: value for key, value in self._mails.items() if value})
        return True


class Doors:
    """aiosmtpd's hooks. Database and disk work runs in a few threads, each with its own connection."""

    def __init__(self, pool: ThreadPoolExecutor, peers: Peers) -> None:
        self.pool = pool
        self.peers = peers

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        """Take addresses of ours, refuse the rest at once."""
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        strangers = getattr(session, "strangers", 0)
        if strangers >= MAX_UNKNOWN:
            return "421 4.7.0 Too many unknown recipients"
        try:
            target = await self.run(find_target, address)
        except (DatabaseError, OSError) as error:
            logger.warning("mail.lookup_failed error=%s", type(error).__name__)
            return TRY_AGAIN
        if target is None:
            session.strangers = strangers + 1  # type: ignore[attr-defined]
            return UNKNOWN
        targets: list[Target] = envelope.__dict__.setdefault("targets", [])
        targets.append(target)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the mail; the answer stands for a committed row."""
        peer = peer_of(session)
        if not self.peers.allows_mail(peer):
            return "451 4.7.1 Too much mail at once, please try again later"
        try:
            await self.run(
                receive_mail,
                raw=envelope.original_content or b"",
                sender=(envelope.mail_from or "").strip("<>"),  # aiosmtpd hands the empty one over as "<>"
                targets=envelope.__dict__["targets"],
                peer=peer,
                at=timezone.now(),
            )
        except (DatabaseError, OSError) as error:
            logger.warning("mail.not_kept error=%s", type(error).__name__)
            return TRY_AGAIN
        except Exception:  # a fault of ours must not lose a mail: its sender keeps it and tries again
            logger.exception("mail.not_kept")
            return TRY_AGAIN
        return "250 2.0.0 OK"

    async def handle_exception(self, error: Exception) -> str:
        """Answer for anything the protocol itself met."""
        logger.warning("mail.protocol_error error=%s", type(error).__name__)
        return TRY_AGAIN

    async def run[**P, R](self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run blocking work in a thread with a healthy connection."""

        def work() -> R:
            close_old_connections()
            try:
                return function(*args, **kwargs)
            finally:
                close_old_connections()

        return await asyncio.get_running_loop().run_in_executor(self.pool, work)


def peer_of(session: Session) -> str:
    """Return the peer's address."""
    peer = session.peer
    return str(peer[0]) if isinstance(peer, tuple) and peer else "local"


def tls_context() -> ssl.SSLContext | None:
    """Return the context for STARTTLS when a certificate is set up."""
    if not settings.INBOUND_TLS_CERT:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(settings.INBOUND_TLS_CERT, settings.INBOUND_TLS_KEY or None)
    return context


class Gate:
    """Makes a protocol for each connection and refuses a peer that holds too many."""

    def __init__(self, handler: Any, *, max_bytes: int, with_tls: bool = True) -> None:
        self.handler = handler
        self.max_bytes = max_bytes
        self.tls = tls_context() if with_tls else None
        self.open: dict[str, int] = defaultdict(int)

    def __call__(self) -> asyncio.Protocol:
        """Return a protocol for one connection."""
        return _Counted(
            self,
            self.handler,
            data_size_limit=self.max_bytes,
            enable_SMTPUTF8=True,
            hostname=settings.MAIL_DOMAIN,
            ident="cs_portal mail",
            timeout=IDLE_SECONDS,
            tls_context=self.tls,
            loop=asyncio.get_running_loop(),
        )


class _Counted(Listener):
    def __init__(self, gate: Gate, handler: Any, **options: Any) -> None:
        self.gate = gate
        self.peer_counted = ""
        super().__init__(handler, **options)

    def connection_made(self, transport: Any) -> None:
        peer = transport.get_extra_info("peername")
        name = str(peer[0]) if isinstance(peer, tuple) and peer else "local"
        if not self.peer_counted:
            if self.gate.open[name] >= PER_PEER_CONNECTIONS:
                transport.write(b"421 4.7.0 Too many connections\r\n")
                transport.close()
                return
            self.peer_counted = name
            self.gate.open[name] += 1
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self.peer_counted:
            self.gate.open[self.peer_counted] -= 1
            if self.gate.open[self.peer_counted] <= 0:
                del self.gate.open[self.peer_counted]
            self.peer_counted = ""
            super().connection_lost(error)


async def open_listener(pool: ThreadPoolExecutor, host: str, port: int) -> asyncio.Server:
    """Start the listener for mail to us."""
    peers = Peers(per_minute=settings.INBOUND_PER_MINUTE)
    gate = Gate(Doors(pool, peers), max_bytes=settings.INBOUND_MAX_BYTES)
    return await asyncio.get_running_loop().create_server(gate, host, port)

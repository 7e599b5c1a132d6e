"""A real SMTP server for tests: it keeps what it is given and answers as it is told."""

from __future__ import annotations

import email
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Sink:
    """What the server took; the `answer_` functions get an address (or the envelope) and return an answer or None."""

    host: str = "127.0.0.1"
    port: int = 0
    envelopes: list[Envelope] = field(default_factory=list)
    tries: int = 0
    answer_from: Callable[[str], str | None] = lambda address: None
    answer_to: Callable[[str], str | None] = lambda address: None
    answer_data: Callable[[Envelope], str | None] = lambda envelope: None

    @property
    def url(self) -> str:
        """Return the address as SMTP_URL has it."""
        return f"smtp://{self.host}:{self.port}"

    @property
    def mails(self) -> list[EmailMessage]:
        """Return the mails, parsed strictly."""
        return [email.message_from_bytes(one.original_content or b"", policy=default) for one in self.envelopes]  # type: ignore[misc]

    @property
    def settings(self) -> dict[str, Any]:
        """Return it as settings.SMTP has it."""
        return {
            "host": self.host, "port": self.port, "username": "", "password": "", "use_ssl": False, "use_tls": False,
        }  # fmt: skip

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.tries += 1
        if answer := self.answer_from(address):
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := self.answer_to(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if answer := self.answer_data(envelope):
            return answer
        self.envelopes.append(envelope)
        return "250 OK"


@contextmanager
def smtp_server(**answers: Callable[[Any], str | None]) -> Iterator[Sink]:
    """Run a server on a free port; `smtp_server(answer_to=lambda address: "550 5.1.1 no")` refuses everybody."""
    sink = Sink(**answers)  # type: ignore[arg-type]
    controller = _Controller(sink, hostname=sink.host, port=0)
    controller.start()
    try:
        sink.port = controller.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        yield sink
    finally:
        controller.stop()


class _Controller(Controller):
    """aiosmtpd's thread, which tries its own port first; with port 0 it has to look it up."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()

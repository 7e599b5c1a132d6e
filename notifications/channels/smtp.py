"""One SMTP conversation, and what its answers mean."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings

from core import outgoing
from notifications.channels import Outcome
from notifications.enums import SmtpSecurity

TIMEOUT = 10.0
WITHIN = 60.0  # a whole conversation, well below the lease of the job that has it
_LOST = frozenset({"no_connection", "connection_lost", "tls"})
_ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
# The address itself is wrong: no such user, mailbox moved, bad syntax. Not: full, too large, refused by policy.
_BAD_ADDRESS = re.compile(r"5\.1\.(?:0|1|2|3|6|10)")
_BAD_ADDRESS_CODES = frozenset({550, 551, 553})


@dataclass(frozen=True)
class SmtpAccount:
    """Where and as whom to hand mail over."""

    host: str
    port: int
    username: str = ""
    password: str = ""
    security: str = SmtpSecurity.NONE
    is_typed: bool = True  # on a settings page; the operator's own SMTP_URL may lead anywhere


def default_account() -> SmtpAccount:
    """Return the installation's own server, from SMTP_URL."""
    given = settings.SMTP
    security = (
        SmtpSecurity.TLS if given["use_ssl"] else SmtpSecurity.STARTTLS if given["use_tls"] else SmtpSecurity.NONE
    )
    return SmtpAccount(given["host"], given["port"], given["username"], given["password"], security, is_typed=False)


def transmit(
    account: SmtpAccount, sender: str, recipient: str, raw: bytes, *, timeout: float = TIMEOUT, within: float = WITHIN
) -> Outcome:
    """Send one mail over one connection and classify the answer; never raises for what the server or network does.

    Each step has `timeout` seconds, and everything together, up to the good-bye, `within`. A connection lost after the
    last dot leaves it open whether the mail was taken: that is transient, and the next try carries the same Message-ID.
    """
    with outgoing.Deadline(within) as until:
        outcome = _transmit(account, sender, recipient, raw, timeout, until)
        broke_off = outcome.code in _LOST or outcome.code.endswith(".-1")  # nothing, or half an answer
        if until.is_over and broke_off:  # it was we who hung up
            return Outcome(False, True, "timeout")
        return outcome


def _transmit(
    account: SmtpAccount, sender: str, recipient: str, raw: bytes, timeout: float, until: outgoing.Deadline
) -> Outcome:
    stage = "connect"
    try:
        server = _open(account, timeout, until)
    except smtplib.SMTPResponseException as error:
        return Outcome(False, True, _code(error.smtp_code, error.smtp_error, stage))
    except ssl.SSLError:
        return Outcome(False, True, "tls")
    except outgoing.PlaceForbidden:
        return Outcome(False, True, "forbidden_place")
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        return Outcome(False, True, "timeout" if isinstance(error, TimeoutError) else "no_connection")
    try:
        stage = "login"
        if account.username:
            server.login(account.username, account.password)
        stage = "message"
        return _converse(server, sender, recipient, raw)
    except smtplib.SMTPAuthenticationError:
        return Outcome(False, True, "login_refused")
    except smtplib.SMTPResponseException as error:
        return Outcome(False, True, _code(error.smtp_code, error.smtp_error, stage))
    except ssl.SSLError:
        return Outcome(False, True, "tls")
    except (smtplib.SMTPException, OSError) as error:
        return Outcome(False, True, "timeout" if isinstance(error, TimeoutError) else "connection_lost")
    finally:
        _close(server)


def _connect(account: SmtpAccount, timeout: float, until: outgoing.Deadline) -> socket.socket:
    """Open a connection the deadline cuts: to a host somebody typed only where core.outgoing lets us."""
    if account.is_typed:
        return outgoing.connect(account.host, account.port, timeout=timeout, until=until)
    wire = socket.create_connection((account.host, account.port), timeout=timeout)
    try:
        until.watch(wire)
    except BaseException:
        wire.close()
        raise
    return wire


class _Plain(smtplib.SMTP):
    """A conversation over a connection of ours."""

    def __init__(self, account: SmtpAccount, timeout: float, until: outgoing.Deadline, **options: Any) -> None:
        self._wire = partial(_connect, account, timeout, until)
        super().__init__(account.host, account.port, timeout=timeout, **options)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._wire()


class _Tls(_Plain, smtplib.SMTP_SSL):
    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = self._wire()
        try:
            return self.context.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise


def _open(account: SmtpAccount, timeout: float, until: outgoing.Deadline) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if settings.MAIL_CA_FILE:
        context.load_verify_locations(settings.MAIL_CA_FILE)
    name = settings.MAIL_DOMAIN
    if account.security == SmtpSecurity.TLS:
        server: smtplib.SMTP = _Tls(account, timeout, until, local_hostname=name, context=context)
    else:
        server = _Plain(account, timeout, until, local_hostname=name)
    try:
        server.ehlo_or_helo_if_needed()
        if account.security == SmtpSecurity.STARTTLS:
            server.starttls(context=context)
            server.ehlo()
    except BaseException:
        server.close()
        raise
    return server


def _converse(server: smtplib.SMTP, sender: str, recipient: str, raw: bytes) -> Outcome:
    options = []
    if not recipient.isascii() or not sender.isascii():
        if not server.has_extn("smtputf8"):
            return Outcome(False, False, "no_smtputf8")
        options.append("SMTPUTF8")
    if server.has_extn("size"):
        options.append(f"size={len(raw)}")
    if server.has_extn("8bitmime"):
        options.append("BODY=8BITMIME")
    code, words = server.mail(sender, options)
    if code != 250:
        return _refusal(code, words, "from")
    code, words = server.rcpt(recipient)
    if code not in {250, 251}:
        return _refusal(code, words, "to")
    code, words = server.data(raw)
    if code != 250:
        return _refusal(code, words, "data")
    return Outcome(True, code="250")


def _refusal(code: int, words: bytes | str, stage: str) -> Outcome:
    is_transient = not 500 <= code < 600
    text = words.decode("ascii", "replace") if isinstance(words, bytes) else words
    enhanced = _ENHANCED.search(text)
    bad = False
    if stage == "to" and not is_transient:
        bad = bool(_BAD_ADDRESS.fullmatch(enhanced[1])) if enhanced else code in _BAD_ADDRESS_CODES
    return Outcome(False, is_transient, _code(code, text, stage), bad)


def _code(code: int, words: bytes | str, stage: str) -> str:
    text = words.decode("ascii", "replace") if isinstance(words, bytes) else words
    enhanced = _ENHANCED.search(text)
    return ".".join([stage, str(code)]) + (f"-{enhanced[1]}" if enhanced else "")


def _close(server: smtplib.SMTP) -> None:
    try:
        server.quit()
    except (smtplib.SMTPException, OSError):
        server.close()

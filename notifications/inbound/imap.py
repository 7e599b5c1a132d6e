"""One IMAP conversation: sign in, look which mails are new, bring them here, mark them.

Every fault comes out as ImapFault with a code that `notifications.wordings` puts into words. The connection goes to a
checked address (core.outgoing), never in the clear over the internet, and it is cut off when its time or its bytes are
used up: a server that dribbles holds nobody up.
"""

from __future__ import annotations

import imaplib
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.conf import settings

from core import outgoing
from notifications.enums import AfterTaking, SmtpSecurity
from notifications.inbound.folders import encode_folder, folders_in

TIMEOUT = 10.0
WHOLE_SECONDS = 60.0
LOOK_HOLDS = 4  # times the largest mail: what the server may send in one conversation
SEARCH_SPAN = 50_000  # UIDs asked for at once; the answer is one line
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UID = re.compile(rb"\bUID (\d+)")
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_DATE = re.compile(rb'INTERNALDATE "([ 0-9]\d-[A-Za-z]{3}-\d{4} \d\d:\d\d:\d\d [+-]\d{4})"')
_QUOTED_BODY = re.compile(rb'BODY\[[^\]]*\](?:<\d+>)? (?:"((?:[^"\\]|\\.)*)"|NIL)', re.S)
_UNSAFE = re.compile(rb"unsafe login|\[?LOGINDISABLED|kefu@188", re.I)
_BUSY = re.compile(rb"too many|UNAVAILABLE|INUSE|LIMIT|try again|frequen|busy|\xe9\xa2\x91\xe7\xb9\x81", re.I)


class ImapFault(Exception):
    """The conversation failed; `code` says how. Not about a single mail."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class MailRefused(Exception):
    """The server did not hand over this one mail, or it is not as announced; the conversation goes on."""


@dataclass(frozen=True)
class ImapAccount:
    """Where and as whom to fetch mail, and what becomes of it there afterwards."""

    host: str
    port: int = 993
    username: str = ""
    password: str = ""
    security: str = SmtpSecurity.TLS
    folder: str = "INBOX"
    after: str = AfterTaking.SEEN
    move_to: str = ""


@dataclass(frozen=True)
class MailFacts:
    """What the server says about a mail without handing it over."""

    uid: int
    size: int
    arrived_at: datetime | None


class _Conversation(imaplib.IMAP4):
    """imaplib over a socket that was opened to a checked address, with a limit to what the server may send."""

    def __init__(
        self, account: ImapAccount, context: ssl.SSLContext | None, max_bytes: int, until: outgoing.Deadline
    ) -> None:
        self._context, self._until = context, until
        self._inside_only = account.security == SmtpSecurity.NONE
        self.bytes_left = max_bytes
        super().__init__(account.host, account.port, TIMEOUT)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        plain = outgoing.connect(
            self.host, self.port, timeout=timeout or TIMEOUT, until=self._until, inside_only=self._inside_only
        )
        if self._context is None:
            return plain
        try:
            return self._context.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise

    def read(self, size: int) -> bytes:
        """Read a literal. Raises abort when the server sends more than was agreed."""
        if size > settings.INBOUND_MAX_BYTES + 65_536:
            raise self.abort("too much")
        self._use(size)
        return super().read(size)

    def readline(self) -> bytes:
        """Read a line. Raises abort when the server sends more than was agreed."""
        line = super().readline()
        self._use(len(line))
        return line

    def _use(self, size: int) -> None:
        self.bytes_left -= size
        if self.bytes_left < 0:
            raise self.abort("too much")


class ImapSession:
    """An open folder. Not shared between threads."""

    def __init__(self, conversation: _Conversation, account: ImapAccount) -> None:
        self._imap = conversation
        self.account = account
        self.uidvalidity = 0
        self.uidnext = 0
        self.exists = 0

    @property
    def bytes_left(self) -> int:
        """Return how much the server may still send in this conversation."""
        return self._imap.bytes_left

    def open_folder(self) -> None:
        """Open the account's folder. Raises ImapFault."""
        readonly = self.account.after == AfterTaking.LEAVE
        with _faults():
            try:
                answer, words = self._imap.select(encode_folder(self.account.folder), readonly=readonly)  # type: ignore[arg-type]
            except imaplib.IMAP4.readonly:
                raise ImapFault("read_only") from None
        if answer != "OK":
            text = _joined(words)
            raise ImapFault("unsafe_login" if _UNSAFE.search(text) else "busy" if _BUSY.search(text) else "no_folder")
        self.exists = _number(words)
        self.uidvalidity = _number(self._imap.response("UIDVALIDITY")[1])
        self.uidnext = _number(self._imap.response("UIDNEXT")[1])

    def folders(self) -> list[str]:
        """Return the names of the account's folders. Raises ImapFault."""
        return folders_in(list(self._ask(self._imap.list)))

    def can_hold(self, folder: str) -> bool:
        """Tell whether a folder is there to move mail to. Raises ImapFault."""
        names = self.folders()
        return folder in names or folder.upper() == "INBOX"

    def uids_after(self, last: int, *, since: date | None = None) -> Iterator[list[int]]:
        """Yield lists of UIDs above `last`, rising; a range without any gives an empty list. Raises ImapFault."""
        end = self.uidnext - 1 if self.uidnext else 0
        low = last + 1
        while low == last + 1 or low <= end:
            high = min(low + SEARCH_SPAN, end) if end else 0
            if end and high < low:
                return
            wanted = f"UID {low}:{high or '*'}"
            if since is not None:
                wanted += f" SINCE {since.day}-{_MONTHS[since.month - 1]}-{since.year}"
            found = _joined(self._ask(self._imap.uid, "SEARCH", wanted))
            yield sorted({int(word) for word in re.findall(rb"\d+", found) if int(word) > last})
            if not high:
                return
            low = high + 1

    def facts(self, uids: Sequence[int]) -> dict[int, MailFacts]:
        """Return size and time of arrival of mails; those that are gone are missing. Raises ImapFault."""
        if not uids:
            return {}
        wanted = ",".join(map(str, uids))
        lines = self._ask(self._imap.uid, "FETCH", wanted, "(UID RFC822.SIZE INTERNALDATE)")
        found = {}
        for line in lines:
            text = line if isinstance(line, bytes) else b" ".join(line) if isinstance(line, tuple) else b""
            uid, size = _UID.search(text), _SIZE.search(text)
            if uid and int(uid[1]) in uids:
                found[int(uid[1])] = MailFacts(int(uid[1]), int(size[1]) if size else 0, _time_in(text))
        return found

    def mail(self, uid: int) -> bytes:
        """Return the raw mail without marking it as read. Raises MailRefused, ImapFault."""
        return self._body(uid, "BODY.PEEK[]")

    def head(self, uid: int, *, first_bytes: int) -> bytes:
        """Return the header and the first bytes of the body. Raises MailRefused, ImapFault."""
        return self._body(uid, f"BODY.PEEK[]<0.{first_bytes}>")

    def settle(self, uids: Sequence[int]) -> None:
        """Mark taken mails as the account wishes: read, moved, or nothing. Raises ImapFault."""
        wanted = ",".join(map(str, uids))
        if not uids or self.account.after == AfterTaking.LEAVE:
            return
        self._ask(self._imap.uid, "STORE", wanted, "+FLAGS.SILENT", r"(\Seen)", code="cannot_mark")
        if self.account.after == AfterTaking.MOVE:
            self._move(wanted, encode_folder(self.account.move_to))

    def _move(self, wanted: str, folder: bytes) -> None:
        capabilities = self._imap.capabilities
        if "MOVE" in capabilities:
            self._ask(self._imap.uid, "MOVE", wanted, folder, code="cannot_move")
            return
        self._ask(self._imap.uid, "COPY", wanted, folder, code="cannot_move")
        self._ask(self._imap.uid, "STORE", wanted, "+FLAGS.SILENT", r"(\Deleted)", code="cannot_move")
        if "UIDPLUS" in capabilities:  # a bare EXPUNGE would also remove what somebody else marked
            self._ask(self._imap.uid, "EXPUNGE", wanted, code="cannot_move")

    def _body(self, uid: int, what: str) -> bytes:
        with _faults():
            answer, lines = self._imap.uid("FETCH", str(uid), f"(UID {what})")
        if answer != "OK":
            raise MailRefused(uid)
        literals = [
            line[1]
            for index, line in enumerate(lines)
            if isinstance(line, tuple) and b"BODY[" in line[0] and _is_about(uid, line[0], lines[index + 1 : index + 2])
        ]
        if literals:
            return bytes(literals[0])
        for line in lines:
            if isinstance(line, bytes) and (found := _QUOTED_BODY.search(line)):
                return re.sub(rb"\\(.)", rb"\1", found[1] or b"")
        raise MailRefused(uid)

    def _ask(self, command: Callable[..., Any], *args: Any, code: str = "refused") -> list[Any]:
        with _faults():
            answer, lines = command(*args)
        if answer != "OK":
            text = _joined(lines)
            raise ImapFault("unsafe_login" if _UNSAFE.search(text) else "busy" if _BUSY.search(text) else code)
        return list(lines or [])


@contextmanager
def signed_in(account: ImapAccount, *, seconds: float = WHOLE_SECONDS) -> Iterator[ImapSession]:
    """Open a conversation of at most `seconds` from the connect to the last word, and sign in. Raises ImapFault."""
    with outgoing.Deadline(seconds) as until:
        try:
            imap = _open(account, until)
            try:
                _sign_in(imap, account)
                yield ImapSession(imap, account)
            finally:
                with suppress(imaplib.IMAP4.error, OSError, ValueError):
                    imap.sock.settimeout(2)
                    imap.logout()
                with suppress(OSError, ValueError):
                    imap.shutdown()
        except ImapFault as fault:
            if until.is_over and fault.code in {"connection_lost", "no_connection", "login_refused"}:
                raise ImapFault("timeout") from None
            raise


def _open(account: ImapAccount, until: outgoing.Deadline) -> _Conversation:
    max_bytes = settings.INBOUND_MAX_BYTES * LOOK_HOLDS
    context = _tls() if account.security != SmtpSecurity.NONE else None
    with _faults("no_connection"):
        imap = _Conversation(account, context if account.security == SmtpSecurity.TLS else None, max_bytes, until)
    if account.security != SmtpSecurity.STARTTLS:
        return imap
    try:
        if "STARTTLS" not in imap.capabilities:
            raise ImapFault("no_starttls")
        with _faults():
            imap.starttls(context)
    except ImapFault:
        with suppress(OSError, ValueError):
            imap.shutdown()
        raise
    return imap


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    if settings.MAIL_CA_FILE:
        context.load_verify_locations(settings.MAIL_CA_FILE)
    return context


def _sign_in(imap: _Conversation, account: ImapAccount) -> None:
    """Sign in. NetEase lets nobody open a folder who did not say what program it is (RFC 2971)."""
    plain = f"\0{account.username}\0{account.password}"
    with _faults("login_refused", about_login=True):
        if plain.isascii() and "LOGINDISABLED" not in imap.capabilities:
            imap.login(account.username, account.password)
        else:
            imap.authenticate("PLAIN", lambda _words: plain.encode())
    with _faults():
        if "ID" in imap.capabilities:
            imap.xatom("ID", '("name" "cs_portal" "version" "1.0" "vendor" "cs_portal")')
        imap._simple_command("CAPABILITY")  # type: ignore[attr-defined] # many show MOVE only after the sign-in
        data = imap.untagged_responses.pop("CAPABILITY", None)
        if data and isinstance(data[-1], bytes):
            imap.capabilities = tuple(data[-1].decode("ascii", "replace").upper().split())


@contextmanager
def _faults(refused: str = "refused", *, about_login: bool = False) -> Iterator[None]:
    """Turn what the network, TLS and imaplib raise into ImapFault with a code."""
    try:
        yield
    except outgoing.HostUnknown:
        raise ImapFault("host_unknown") from None
    except outgoing.PlaceForbidden:
        raise ImapFault("forbidden_place") from None
    except outgoing.ClearForbidden:
        raise ImapFault("no_tls") from None
    except ssl.SSLCertVerificationError:
        raise ImapFault("certificate") from None
    except ssl.SSLError:
        raise ImapFault("tls") from None
    except TimeoutError:
        raise ImapFault("timeout") from None
    except ConnectionRefusedError:
        raise ImapFault("no_connection") from None
    except imaplib.IMAP4.readonly:
        raise
    except imaplib.IMAP4.abort as error:
        raise ImapFault("too_much" if "too much" in str(error) else "connection_lost") from None
    except imaplib.IMAP4.error as error:
        words = str(error).encode("utf-8", "replace")
        busy = about_login and _BUSY.search(words)
        raise ImapFault("unsafe_login" if _UNSAFE.search(words) else "busy" if busy else refused) from None
    except OSError:
        raise ImapFault(refused if refused == "no_connection" else "connection_lost") from None
    except (EOFError, ValueError, IndexError, UnicodeError, AttributeError, TypeError):
        # imaplib stumbles over answers that are no IMAP in many ways; a closed file is a ValueError
        raise ImapFault("connection_lost" if refused == "refused" else refused) from None


def _is_about(uid: int, head: bytes, rest: list[Any]) -> bool:
    named = _UID.search(head) or (rest and isinstance(rest[0], bytes) and _UID.search(rest[0]))
    return not named or int(named[1]) == uid


def _time_in(text: bytes) -> datetime | None:
    found = _DATE.search(text)
    if found is None:
        return None
    day, month, rest = found[1].decode().strip().split("-", 2)
    try:
        number = _MONTHS.index(month.title()) + 1
        moment = datetime.strptime(f"{day} {number} {rest}", "%d %m %Y %H:%M:%S %z")
    except ValueError:
        return None
    return moment.astimezone(UTC)


def _joined(lines: Any) -> bytes:
    return b" ".join(line for line in lines or [] if isinstance(line, bytes))


def _number(lines: Any) -> int:
    found = re.search(rb"\d+", _joined(lines))
    return int(found[0]) if found else 0

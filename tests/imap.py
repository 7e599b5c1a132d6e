"""A real IMAP server for tests (a subset of RFC 3501, with UIDPLUS, MOVE and ID), that can fail on purpose.

`server.put(raw)` lays a mail into a folder, `server.inject(command, fault)` makes the next such command fail:
"drop" (the connection breaks before the answer), "half" (in the middle of a literal), "no", "bad", "hang" (no answer),
"junk" (no IMAP at all), "bye".
"""

from __future__ import annotations

import base64
import contextlib
import re
import shlex
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass
class Stored:
    """A mail in a folder."""

    uid: int
    raw: bytes
    arrived_at: datetime
    flags: set[str] = field(default_factory=set)


@dataclass
class Folder:
    """A folder: its mails in the order of their UIDs."""

    uidvalidity: int = 1
    uidnext: int = 1
    mails: list[Stored] = field(default_factory=list)

    def put(self, raw: bytes, at: datetime, flags: set[str] | None = None) -> int:
        self.mails.append(Stored(self.uidnext, raw, at, set(flags or ())))
        self.uidnext += 1
        return self.uidnext - 1


@dataclass
class ImapServer:
    """What the server holds and how it behaves."""

    user: str = "care@shop.example"
    password: str = "app-code"
    folders: dict[str, Folder] = field(default_factory=lambda: {"INBOX": Folder(), "已处理": Folder()})
    extensions: tuple[str, ...] = ("UIDPLUS", "MOVE", "ID")
    needs_id: bool = False  # as NetEase: nobody opens a folder who did not say what he is
    shows_uidnext: bool = True
    selectable_only: bool = False
    announced_size: int | None = None
    tls: ssl.SSLContext | None = None
    is_tls_from_start: bool = False
    host: str = "127.0.0.1"
    port: int = 0
    commands: list[str] = field(default_factory=list)
    faults: dict[str, list[str]] = field(default_factory=dict)
    sessions: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)
    stopped: threading.Event = field(default_factory=threading.Event)

    def put(self, raw: bytes, *, folder: str = "INBOX", at: datetime | None = None) -> int:
        """Lay a mail into a folder; returns its UID."""
        with self.lock:
            return self.folders[folder].put(raw, at or datetime.now(UTC))

    def inject(self, command: str, *faults: str) -> None:
        """Let the next commands of this name fail; "UID FETCH BODY" is the fetching of a mail itself."""
        self.faults.setdefault(command, []).extend(faults)

    def renumber(self, folder: str = "INBOX") -> None:
        """Count the UIDs of a folder anew, as after a move to another server."""
        with self.lock:
            place = self.folders[folder]
            place.uidvalidity += 1
            for number, mail in enumerate(place.mails, start=1):
                mail.uid = number
            place.uidnext = len(place.mails) + 1

    def flags(self, uid: int, folder: str = "INBOX") -> set[str]:
        """Return a mail's flags."""
        return next(mail.flags for mail in self.folders[folder].mails if mail.uid == uid)

    def count(self, command: str) -> int:
        """Return how many commands began so."""
        return sum(line.startswith(command) for line in self.commands)


class _Broken(Exception):
    """The connection ends here."""


class _Handler(socketserver.StreamRequestHandler):
    server: _Tcp

    def setup(self) -> None:
        self.imap = self.server.imap
        if self.imap.is_tls_from_start and self.imap.tls:
            self.request = self.imap.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        self.signed_in = self.said_id = False
        self.folder: Folder | None = None
        self.read_only = False
        self.imap.sessions += 1
        if self._fault("CONNECT") == "hang":
            self.imap.stopped.wait(30)
            return
        self.say("* OK ready")
        with contextlib.suppress(OSError, _Broken, ssl.SSLError):
            while self.one():
                pass

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()
        with contextlib.suppress(OSError):
            self.request.close()

    def say(self, line: str | bytes) -> None:
        self.wfile.write((line.encode() if isinstance(line, str) else line) + b"\r\n")

    def one(self) -> bool:
        words = self.rfile.readline(65536)
        if not words:
            return False
        tag, _space, rest = words.decode("utf-8", "surrogateescape").rstrip("\r\n").partition(" ")
        command, _space, args = rest.partition(" ")
        command = command.upper()
        if command == "UID":
            sub, _space, args = args.partition(" ")
            command = f"UID {sub.upper()}"
        self.imap.commands.append(f"{command} {args}" if "LOGIN" not in command else command)
        key = "UID FETCH BODY" if command == "UID FETCH" and "BODY" in args else command
        fault = self._fault(key)
        if fault in {"drop", "bye"}:
            if fault == "bye":
                self.say("* BYE too busy")
            raise _Broken
        if fault == "hang":
            self.imap.stopped.wait(30)
            raise _Broken
        if fault == "junk":
            self.say("HTTP/1.1 400 Bad Request")
            raise _Broken
        if fault in {"no", "bad"}:
            self.say(f"{tag} {fault.upper()} not now")
            return True
        self.is_half = fault == "half"
        name = "do_" + command.lower().replace(" ", "_")
        with self.imap.lock:
            answer = getattr(self, name, lambda _args: "BAD what?")(args)
        if answer is None:
            return False
        self.say(f"{tag} {answer}")
        if command == "STARTTLS" and answer.startswith("OK") and self.imap.tls:
            self.request = self.imap.tls.wrap_socket(self.request, server_side=True)
            super().setup()
        return command != "LOGOUT"

    def _fault(self, command: str) -> str:
        planned = self.imap.faults.get(command)
        return planned.pop(0) if planned else ""

    def do_capability(self, _args: str) -> str:
        extra = " STARTTLS" if self.imap.tls and not self.imap.is_tls_from_start else ""
        self.say(f"* CAPABILITY IMAP4rev1 AUTH=PLAIN {' '.join(self.imap.extensions)}{extra}")
        return "OK done"

    def do_id(self, _args: str) -> str:
        self.said_id = True
        self.say("* ID NIL")
        return "OK done"

    def do_noop(self, _args: str) -> str:
        return "OK done"

    def do_starttls(self, _args: str) -> str:
        return "OK go on" if self.imap.tls else "BAD no"

    def do_login(self, args: str) -> str:
        given = [_unquoted(word) for word in re.findall(r'"(?:[^"\\]|\\.)*"|\S+', args)]
        return self._sign_in(given == [self.imap.user, self.imap.password])

    def do_authenticate(self, args: str) -> str:
        self.say("+ ")
        words = base64.b64decode(self.rfile.readline(4096)).decode().split("\0")
        return self._sign_in(words[1:] == [self.imap.user, self.imap.password])

    def _sign_in(self, is_right: bool) -> str:
        self.signed_in = is_right
        return "OK welcome" if is_right else "NO [AUTHENTICATIONFAILED] wrong"

    def do_list(self, _args: str) -> str:
        if not self.signed_in:
            return "NO sign in"
        self.say(rb'* LIST (\Noselect \HasChildren) "/" "[Gmail]"')
        for name in self.imap.folders:
            self.say(rb'* LIST (\HasNoChildren) "/" ' + _encoded(name))
        return "OK done"

    def do_select(self, args: str) -> str:
        return self._open(args, read_only=False)

    def do_examine(self, args: str) -> str:
        return self._open(args, read_only=True)

    def _open(self, args: str, *, read_only: bool) -> str:
        if not self.signed_in:
            return "NO sign in"
        if self.imap.needs_id and not self.said_id:
            return "NO SELECT Unsafe Login. Please contact kefu@188.com for help"
        found = next((f for name, f in self.imap.folders.items() if _encoded(name).decode() == args), None)
        if found is None:
            return "NO [NONEXISTENT] no such folder"
        self.folder, self.read_only = found, read_only
        self.say(r"* FLAGS (\Seen \Deleted)")
        self.say(f"* {len(found.mails)} EXISTS")
        self.say("* 0 RECENT")
        self.say(f"* OK [UIDVALIDITY {found.uidvalidity}] valid")
        if self.imap.shows_uidnext:
            self.say(f"* OK [UIDNEXT {found.uidnext}] next")
        return "OK [READ-ONLY] done" if read_only or self.imap.selectable_only else "OK [READ-WRITE] done"

    def do_uid_search(self, args: str) -> str:
        wanted = re.search(r"UID (\d+):(\d+|\*)", args)
        since = re.search(r"SINCE (\d{1,2})-(\w{3})-(\d{4})", args)
        low, high = int(wanted[1]), wanted[2]
        newest = self.folder.mails[-1].uid if self.folder.mails else 0
        end = max(newest, low) if high == "*" else int(high)
        low = min(low, newest) if high == "*" else low  # "*" is the newest mail, however high the lower end is
        hits = [mail for mail in self.folder.mails if low <= mail.uid <= end]
        if since:
            day = datetime(int(since[3]), MONTHS.index(since[2]) + 1, int(since[1]), tzinfo=UTC)
            hits = [mail for mail in hits if mail.arrived_at >= day]
        self.say("* SEARCH" + "".join(f" {mail.uid}" for mail in hits))
        return "OK done"

    def _chosen(self, words: str) -> list[tuple[int, Stored]]:
        wanted = {int(word) for word in words.split(",")}
        return [(seq, mail) for seq, mail in enumerate(self.folder.mails, start=1) if mail.uid in wanted]

    def do_uid_fetch(self, args: str) -> str:
        words, _space, what = args.partition(" ")
        for seq, mail in self._chosen(words):
            if "BODY" not in what:
                size = self.imap.announced_size or len(mail.raw)
                day = mail.arrived_at.astimezone(UTC)
                date = f"{day.day:2d}-{MONTHS[day.month - 1]}-{day:%Y %H:%M:%S} +0000"
                self.say(f'* {seq} FETCH (UID {mail.uid} RFC822.SIZE {size} INTERNALDATE "{date}")')
                continue
            part = re.search(r"<(\d+)\.(\d+)>", what)
            raw = mail.raw[int(part[1]) : int(part[1]) + int(part[2])] if part else mail.raw
            name = f"BODY[]<{part[1]}>" if part else "BODY[]"
            self.say(rf"* {seq} FETCH (FLAGS (\Recent))")  # nobody asked for it; servers do that
            self.wfile.write(f"* {seq} FETCH ({name} {{{len(raw)}}}\r\n".encode())
            if self.is_half:
                self.wfile.write(raw[: len(raw) // 2])
                raise _Broken
            self.wfile.write(raw + f" UID {mail.uid})\r\n".encode())
        return "OK done"

    def do_uid_store(self, args: str) -> str:
        if self.read_only:
            return "NO read-only"
        words, how, flags = args.split(" ", 2)
        for _seq, mail in self._chosen(words):
            if how.startswith("+FLAGS"):
                mail.flags |= set(re.findall(r"\\\w+", flags))
        return "OK done"

    def do_uid_copy(self, args: str) -> str:
        words, _space, name = args.partition(" ")
        target = next((f for key, f in self.imap.folders.items() if _encoded(key).decode() == name), None)
        if target is None:
            return "NO [TRYCREATE] no such folder"
        for _seq, mail in self._chosen(words):
            target.put(mail.raw, mail.arrived_at, mail.flags)
        return "OK done"

    def do_uid_move(self, args: str) -> str:
        answer = self.do_uid_copy(args)
        if answer.startswith("OK"):
            gone = {mail.uid for _seq, mail in self._chosen(args.split(" ")[0])}
            self.folder.mails = [mail for mail in self.folder.mails if mail.uid not in gone]
        return answer

    def do_uid_expunge(self, args: str) -> str:
        chosen = {mail.uid for _seq, mail in self._chosen(args) if "\\Deleted" in mail.flags}
        self.folder.mails = [mail for mail in self.folder.mails if mail.uid not in chosen]
        return "OK done"

    def do_logout(self, _args: str) -> str:
        self.say("* BYE see you")
        return "OK done"


class _Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    imap: ImapServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up is what these tests are about."""


@contextlib.contextmanager
def imap_server(**options: Any) -> Iterator[ImapServer]:
    """Run a server on a free port of this machine."""
    imap = ImapServer(**options)
    with _Tcp((imap.host, 0), _Handler) as tcp:
        tcp.imap = imap
        imap.port = tcp.server_address[1]
        thread = threading.Thread(target=tcp.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield imap
        finally:
            imap.stopped.set()
            tcp.shutdown()
            thread.join(10)


def _encoded(name: str) -> bytes:
    """Return a folder's name as the wire has it; written apart from the product's own function."""
    if name.isascii():
        return f'"{name}"'.encode()
    return ('"&' + base64.b64encode(name.encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + '-"').encode()


def _unquoted(word: str) -> str:
    return shlex.split(word)[0] if word.startswith('"') else word


def closed_port() -> int:
    """Return a port nobody listens at."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])

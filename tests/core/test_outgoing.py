"""A20: connections go only where they may: the address that was looked up is the one that is checked and used."""

from __future__ import annotations

import ipaddress
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from core import outgoing, posting
from notifications.channels import smtp
from notifications.inbound import imap


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Answer for names; what is not among them is asked of the real resolver."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def look_up(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        if host in known:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in known[host]]
        return real(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1", "198.18.0.1",
    ],
)  # fmt: skip
def test_addresses_inside_are_closed(address: str, settings: Any) -> None:
    settings.OUTGOING_ALLOW = []
    assert not outgoing.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_addresses_of_the_world_are_open(address: str) -> None:
    assert outgoing.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "127.1"])
def test_ways_to_write_this_machine_are_refused(host: str, names: dict[str, list[str]], settings: Any) -> None:
    settings.OUTGOING_ALLOW = []
    if host[:1].isdigit() and host != "127.0.0.1":
        names[host] = ["127.0.0.1"]  # as the C library reads it
    with pytest.raises(outgoing.PlaceForbidden):
        outgoing.places_of(host, 993)


def test_what_is_no_host_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any, **_kwargs: Any) -> list[Any]:
        raise ValueError("embedded null character")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(outgoing.HostUnknown):
        outgoing.places_of("a\0b", 993)


def test_one_address_inside_among_others_closes_the_name(names: dict[str, list[str]], settings: Any) -> None:
    settings.OUTGOING_ALLOW = []
    names["trick.example"] = ["8.8.8.8", "127.0.0.1"]
    names["fine.example"] = ["8.8.8.8", "1.1.1.1"]
    with pytest.raises(outgoing.PlaceForbidden):
        outgoing.places_of("trick.example", 993)
    assert list(map(str, outgoing.places_of("fine.example", 993))) == ["8.8.8.8", "1.1.1.1"]


def test_the_operator_names_what_is_his(names: dict[str, list[str]], settings: Any) -> None:
    names["mail.lan"] = names["other.lan"] = ["10.1.2.3"]
    settings.OUTGOING_ALLOW = ["Mail.lan"]
    assert str(outgoing.resolve("mail.lan", 993)) == "10.1.2.3"
    with pytest.raises(outgoing.PlaceForbidden):
        outgoing.places_of("other.lan", 993)
    settings.OUTGOING_ALLOW = ["10.1.0.0/16"]
    assert str(outgoing.resolve("other.lan", 993)) == "10.1.2.3"


def test_the_connection_goes_to_the_address_that_was_checked(names: dict[str, list[str]], settings: Any) -> None:
    settings.OUTGOING_ALLOW = ["127.0.0.0/8"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        names["mail.example"] = ["127.0.0.2", "127.0.0.1"]  # nobody at the first one: the next is tried
        with outgoing.connect("mail.example", port, timeout=5) as link:
            assert link.getpeername() == ("127.0.0.1", port)
    with pytest.raises(OSError):
        outgoing.connect("mail.example", port, timeout=5)


def test_what_goes_in_the_clear_goes_inside_by_the_address_connected_to(
    names: dict[str, list[str]], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OUTGOING_ALLOW = ["127.0.0.0/8"]
    names["fine.example"] = ["8.8.8.8"]
    with pytest.raises(outgoing.ClearForbidden):
        outgoing.connect("fine.example", 143, timeout=1, inside_only=True)
    names["both.example"] = ["127.0.0.1", "8.8.8.8"]
    with pytest.raises(outgoing.ClearForbidden):
        outgoing.connect("both.example", 143, timeout=1, inside_only=True)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        names["mail.lan"] = ["127.0.0.1"]
        outgoing.connect("mail.lan", port, timeout=5, inside_only=True).close()


UNCUT = 20  # seconds: none of these ends by itself within 45 (900 bytes, one each 50 ms), most never


class Dribbler:
    """A server that says one byte after the other and never ends."""

    def __init__(self, words: bytes) -> None:
        self.words, self.over = words, threading.Event()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            wire, _peer = self.server.accept()
            with wire:
                for place in itertools.count():
                    if self.over.wait(0.05):
                        return
                    wire.sendall(self.words[place : place + 1] or b"x")

    def close(self) -> None:
        self.over.set()
        self.server.close()
        self.thread.join(5)


@pytest.fixture
def dribble(settings: Any) -> Iterator[Callable[[bytes], Dribbler]]:
    settings.OUTGOING_ALLOW = ["127.0.0.0/8"]
    made: list[Dribbler] = []

    def make(words: bytes) -> Dribbler:
        made.append(Dribbler(words))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize("words", [b"", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_answer_that_dribbles_in_is_cut_off_as_a_whole(
    words: bytes, scheme: str, dribble: Callable[[bytes], Dribbler]
) -> None:
    slow, begun = dribble(words), time.monotonic()
    with pytest.raises(posting.NotReached):
        posting.post(f"{scheme}://127.0.0.1:{slow.port}/", b"{}", {}, seconds=0.5)
    assert time.monotonic() - begun < UNCUT


def test_a_greeting_that_dribbles_in_is_cut_off_as_a_whole(dribble: Callable[[bytes], Dribbler]) -> None:
    for words, security in ((b"* OK ", "none"), (b"\x16\x03\x03\x40\x00", "tls")):
        slow, begun = dribble(words), time.monotonic()
        account = imap.ImapAccount("127.0.0.1", slow.port, "a", "b", security=security)
        with pytest.raises(imap.ImapFault), imap.signed_in(account, seconds=0.5):
            pass
        assert time.monotonic() - begun < UNCUT, security


@pytest.mark.parametrize(
    ("words", "security", "is_typed"),
    [
        (b"220-", "none", True),  # a greeting without an end
        (b"\x16\x03\x03\x40\x00", "tls", False),
        (b"220\r\n250\r\n250\r\n250\r\n354\r\n", "none", False),  # all is well until the mail is there
    ],
)
def test_a_mail_server_that_dribbles_is_cut_off_as_a_whole(
    words: bytes, security: str, is_typed: bool, dribble: Callable[[bytes], Dribbler]
) -> None:
    slow, begun = dribble(words), time.monotonic()
    account = smtp.SmtpAccount("127.0.0.1", slow.port, security=security, is_typed=is_typed)
    within = 0.5 if len(words) < 9 else 1.8
    outcome = smtp.transmit(account, "a@b.example", "c@d.example", b"Subject: x\r\n\r\nx", within=within)
    assert (outcome.is_accepted, outcome.is_transient, outcome.code) == (False, True, "timeout")
    assert time.monotonic() - begun < UNCUT


def test_only_https_leaves_the_own_network(names: dict[str, list[str]], settings: Any) -> None:
    settings.OUTGOING_ALLOW, settings.TRIAL = ["10.0.0.0/8", "pbx.lan"], False
    names["pbx.example"], names["pbx.lan"] = ["8.8.8.8"], ["127.0.0.1"]
    with pytest.raises(posting.EncryptionNeeded):
        posting.post("http://pbx.example/dial", b"{}", {}, seconds=1)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(posting.NotReached):  # allowed, and nobody is there
        posting.post(f"http://pbx.lan:{port}/dial", b"{}", {}, seconds=1)
    may = {
        url: posting.may_go_in_the_clear(posting.check_address(url))
        for url in ("https://pbx.example/", "http://8.8.8.8/", "http://10.1.1.1/", "http://pbx.lan/")
    }
    assert list(may.values()) == [True, False, True, True]
    settings.OUTGOING_ALLOW = []
    assert not posting.may_go_in_the_clear(posting.check_address("http://pbx.example/"))

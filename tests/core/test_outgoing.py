"""A20: connections go only where they may: the address that was looked up is the one that is checked and used."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest

from core import outgoing


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
    assert outgoing.is_inside("mail.lan", 993)
    with pytest.raises(outgoing.PlaceForbidden):
        outgoing.places_of("other.lan", 993)
    settings.OUTGOING_ALLOW = ["10.1.0.0/16"]
    assert str(outgoing.resolve("other.lan", 993)) == "10.1.2.3"
    names["fine.example"] = ["8.8.8.8"]
    assert not outgoing.is_inside("fine.example", 993)


def test_the_connection_goes_to_the_address_that_was_checked(names: dict[str, list[str]], settings: Any) -> None:
    settings.OUTGOING_ALLOW = ["127.0.0.0/8"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        names["mail.example"] = ["127.0.0.2", "127.0.0.1"]  # nobody at the first one: the next is tried
        with outgoing.connect("mail.example", port, timeout=5) as link:
            assert link.getpeername() == ("127.0.0.1", port)
    with pytest.raises(OSError):
        outgoing.connect("mail.example", port, timeout=5)

"""A19, A31, A41–A47 on the running product: who the staff socket lets in, what it takes, when it lets go."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from cs_portal.demo.doors import Browser
from tests.stack import RunningStack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PASSWORD = "demo-pass-2026"
PUBLISH = 'from core.live.announce import publish; assert publish("tickets", "ticket", 1, 77)'
DEACTIVATE = """
from django.utils import timezone
from accounts.models import Staff
from accounts.services.sessions import end_sessions
from core.actors import Actor
staff = Staff.objects.get(email="agent@demo.example")
end_sessions(staff_id=staff.pk, actor=Actor.staff(staff), at=timezone.now())
"""


@pytest.fixture(scope="module")
def agent(stack: RunningStack) -> Browser:
    stack.manage("seed_demo", "--small")
    browser = Browser(stack.base_url)
    browser.sign_in("agent@demo.example", PASSWORD)
    return browser


def cookies(browser: Browser) -> str:
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.jar)


@contextmanager
def socket(stack: RunningStack, cookie: str, origin: str | None = "", **headers: str) -> Iterator[ClientConnection]:
    """Open the staff socket as a browser on our own page does."""
    address = stack.base_url.replace("http", "ws", 1) + "/ws/desk"
    more = {"Cookie": cookie, **headers} if cookie else headers
    wanted: Any = stack.base_url if origin == "" else origin
    with connect(address, origin=wanted, additional_headers=more, open_timeout=10, proxy=None) as line:
        yield line


def said(line: ClientConnection, seconds: float = 5) -> dict[str, Any]:
    frame: dict[str, Any] = json.loads(line.recv(timeout=seconds))
    return frame


def heard(line: ClientConnection, fits: Callable[[dict[str, Any]], bool], seconds: float = 15) -> bool:
    """Read until a frame fits; the stack lives and says other things too."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if fits(said(line, left)):
            return True
    return False


def code_at_close(line: ClientConnection, *frames: str, seconds: float = 10) -> int:
    """Send the frames, read to the end and return the code the socket was closed with."""
    end = time.monotonic() + seconds
    try:
        for frame in frames:
            line.send(frame)
        while time.monotonic() < end:
            line.recv(timeout=seconds)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006
    return 0


def test_a_change_between_the_page_and_its_socket_is_told_late(stack: RunningStack, agent: Browser) -> None:
    with socket(stack, cookies(agent)) as line:  # the hub listens while somebody does
        assert said(line)["type"] == "hello"
        line.send('{"type":"subscribe","groups":["tickets"]}')
        assert said(line)["type"] == "subscribed"
        stack.manage("shell", "-v", "0", "-c", PUBLISH)
        assert heard(line, lambda frame: frame.get("version") == 77)
        with socket(stack, cookies(agent)) as late:
            assert said(late)["type"] == "hello"
            late.send('{"type":"subscribe","groups":["tickets"],"age":30}')
            assert heard(late, lambda frame: frame == {"type": "resync"} or frame.get("version") == 77)


def test_only_our_own_page_opens_the_socket(stack: RunningStack, agent: Browser) -> None:
    host = urlsplit(stack.base_url)
    with socket(stack, cookies(agent)) as line:
        assert said(line)["type"] == "hello"
    for origin in (
        None, "null", "http://evil.example", f"http://{host.hostname}:1", f"https://{host.hostname}", "file://",
        f"http://{host.netloc}.evil.example", f"http://{host.netloc}@evil.example", f"http://evil.example#{host.netloc}",
    ):  # fmt: skip
        with pytest.raises((InvalidHandshake, ConnectionClosed)):
            with socket(stack, cookies(agent), origin) as line:
                said(line)
    with pytest.raises((InvalidHandshake, ConnectionClosed)):  # a forged host that fits its origin
        with socket(stack, cookies(agent), "http://evil.example", Host="evil.example") as line:
            said(line)


@pytest.mark.parametrize("cookie", ["", "sessionid=forged", "__Host-sessionid=" + "a" * 32, "sessionid="])
def test_a_stranger_is_sent_to_sign_in(stack: RunningStack, agent: Browser, cookie: str) -> None:
    with socket(stack, cookie) as line:
        assert code_at_close(line) == 4401


BAD: list[Any] = [
    "", "x", "null", "[]", "1e308", "NaN", '"\\ud800"', "{", '{"type":', "[" * 4000, '{"a":' * 1500,
    '{"type":"disconnect"}', '{"type":"websocket.close"}', '{"type":"receive"}', '{"type":"_pump"}', '{"type":null}',
    '{"type":["ping"]}', '{"type":"subscribe"}', '{"type":"subscribe","groups":"board"}', '{"type":"__class__"}',
    '{"type":1e999}', '{"type":"PING"}', "\x00", "\u202e", b"\x00\xff", b'{"type":"ping"}', "x" * 9000,
]  # fmt: skip


def test_odd_frames_get_one_constant_answer_and_harm_nobody(stack: RunningStack, agent: Browser) -> None:
    pids = {name: stack.pid(name) for name in stack.names("web")}
    with socket(stack, cookies(agent)) as neighbour:
        assert said(neighbour)["type"] == "hello"
        for start in range(0, len(BAD), 9):
            with socket(stack, cookies(agent)) as line:
                assert said(line)["type"] == "hello"
                for frame in BAD[start : start + 9]:
                    line.send(frame)
                    assert said(line) == {"type": "error", "code": "bad_frame"}, frame
                line.send('{"type":"ping"}')
                assert said(line) == {"type": "pong"}
        with socket(stack, cookies(agent)) as line:
            assert code_at_close(line, *["x"] * 10) == 4400
        with socket(stack, cookies(agent)) as line:
            assert code_at_close(line, "x" * 200_000) == 1009
        neighbour.send('{"type":"ping"}')
        assert said(neighbour) == {"type": "pong"}
    assert {name: stack.pid(name) for name in stack.names("web")} == pids


def test_groups_are_chosen_by_right_and_never_by_name(stack: RunningStack, agent: Browser) -> None:
    with stack.db() as db:
        others = db.execute("SELECT id FROM accounts_staff WHERE email <> 'agent@demo.example' LIMIT 3").fetchall()
    wanted = [f"staff.{row['id']}" for row in others]
    wanted += ["system", "ticket.999999999", "ticket.-1", "ticket.1e3", "*", "staff.*", "../board", "x" * 200, "\ud800"]
    wanted += ["specific..inmemory!x", "ticket.９", "staff", "staff.", f"staff.{10**17}", "cs.default"]
    with socket(stack, cookies(agent)) as line:
        said(line)
        line.send(json.dumps({"type": "subscribe", "groups": [*wanted, {"a": 1}, None, 5, ["tickets"]]}))
        assert said(line) == {"type": "subscribed", "groups": []}
        assert said(line) == {"type": "error", "code": "not_allowed", "count": len(wanted) + 4}


def test_signing_out_everywhere_closes_the_socket_and_the_session_at_once(stack: RunningStack, agent: Browser) -> None:
    with socket(stack, cookies(agent)) as line:
        said(line)
        assert "/accounts/login" not in agent.get("/desk/").url
        stack.manage("shell", "-v", "0", "-c", DEACTIVATE)
        begun = time.monotonic()
        assert code_at_close(line) == 4401
        assert time.monotonic() - begun < 2
    assert "/accounts/login" in agent.get("/desk/").url
    with socket(stack, cookies(agent)) as line:
        assert code_at_close(line) == 4401

"""A small PBX: it signs, posts and takes orders as docs/phone-webhook.md says, and knows nothing else of the product.

Tests and the self-playing demo use it; `python -m cs_portal.demo.pbx --help` plays one call from a terminal.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import random
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cs_portal.demo.doors import DoorClosed

WINDOW = 300


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return what stands in X-Phone-Signature."""
    return "v1=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


@dataclass
class Pbx:
    """One PBX at one line."""

    base_url: str
    key: str
    secret: str
    opener: Any = field(default_factory=lambda: urllib.request.build_opener(urllib.request.ProxyHandler({})))

    def tell(self, kind: str, call: str, **fields: Any) -> dict[str, Any]:
        """Post one message and return it, so that it can be posted again. Raises DoorClosed when it is refused."""
        message = {
            "type": kind, "id": f"evt-{uuid.uuid4().hex}", "call": call,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"), **fields,
        }  # fmt: skip
        self.repeat(message)
        return message

    def repeat(self, message: dict[str, Any]) -> bool:
        """Post a message; return whether it was there before. Raises DoorClosed."""
        status, answer = self._send("POST", f"/hooks/phone/{self.key}/", json.dumps(message).encode())
        if status != 200:
            raise DoorClosed(f"the PBX's message was refused: {status} {answer}")
        return bool(answer["repeat"])

    def plan(self) -> dict[str, Any]:
        """Read what callers should hear and which phones are free. Raises DoorClosed."""
        status, answer = self._send("GET", f"/hooks/phone/{self.key}/plan/", b"")
        if status != 200:
            raise DoorClosed(f"the plan was refused: {status} {answer}")
        return dict(answer)

    def free_extensions(self) -> list[str]:
        """Return the phones that can ring now."""
        return [seat["extension"] for queue in self.plan()["queues"] for seat in queue["seats"] if seat["free"]]

    def play_call(
        self, number: str | None, extension: str, *, ring: float, talk: float, answered: bool = True,
        keys: tuple[str, ...] = (), dice: random.Random | None = None, wait: Callable[[float], None] = time.sleep,
    ) -> str:  # fmt: skip
        """Play an incoming call with a repeat and a message out of order, as real PBXs send them; return its id."""
        dice, call = dice or random.Random(), f"pbx-{uuid.uuid4().hex[:12]}"
        who = {"direction": "in", "number": number}
        if keys:
            self.tell("ivr", call, keys=list(keys), plan=max(1, self.plan()["plan"]), **who)
        rang = self.tell("ringing", call, extensions=[extension], **who)
        if dice.random() < 0.5:
            self.repeat(rang)
        wait(ring)
        if not answered:
            self.tell("ended", call, result=dice.choice(["abandoned", "missed"]), **who)
            return call
        self.tell("answered", call, extension=extension, **who)
        wait(talk)
        self.tell("ended", call, result="answered", **who)
        self.repeat(rang)  # late, and long known
        return call

    def _send(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        stamp = str(int(time.time()))
        request = urllib.request.Request(
            self.base_url.rstrip("/") + path,
            data=body if method == "POST" else None,
            method=method,
            headers={
                "Content-Type": "application/json", "User-Agent": "cs-portal-demo-pbx", "X-Phone-Timestamp": stamp,
                "X-Phone-Signature": signature(self.secret, stamp, body),
            },
        )  # fmt: skip
        try:
            with self.opener.open(request, timeout=10) as response:
                return response.status, json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            raise DoorClosed(f"{request.full_url} does not answer ({error})") from error


class ControlDoor:
    """The PBX's control address: takes signed orders to dial, once each; `answer` says with what status."""

    def __init__(self, secret: str, *, taken: Callable[[dict[str, Any]], None] = lambda _order: None) -> None:
        self.secret, self.taken = secret, taken
        self.orders: list[dict[str, Any]] = []
        self.answer: tuple[int, dict[str, Any]] = (202, {"taken": True})
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                status, told = door._take(self)
                body = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: Any) -> None:
                """Say nothing: orders hold numbers."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/control"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def _take(self, request: BaseHTTPRequestHandler) -> tuple[int, dict[str, Any]]:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        stamp = request.headers.get("X-Phone-Timestamp", "")
        given = request.headers.get("X-Phone-Signature", "")
        is_ours = hmac.compare_digest(given, signature(self.secret, stamp, body))
        if not is_ours or not stamp.isdigit() or abs(int(stamp) - time.time()) > WINDOW:
            return 401, {"code": "not_signed"}
        order = json.loads(body)
        if self.answer[0] < 300 and all(known["call"] != order["call"] for known in self.orders):
            self.orders.append(order)
            self.taken(order)
        return self.answer

    def close(self) -> None:
        """Stop taking orders."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


def main() -> None:
    """Play one call from a terminal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--key", required=True, help="the last part of the line's address")
    parser.add_argument("--secret", required=True)
    parser.add_argument("--extension", required=True)
    parser.add_argument("--number", default="13800138000")
    parser.add_argument("--ring", type=float, default=5.0)
    parser.add_argument("--talk", type=float, default=15.0)
    parser.add_argument("--missed", action="store_true")
    asked = parser.parse_args()
    call = Pbx(asked.base_url, asked.key, asked.secret).play_call(
        asked.number, asked.extension, ring=asked.ring, talk=asked.talk, answered=not asked.missed
    )
    print(call)


if __name__ == "__main__":
    main()

"""A real little HTTP server that stands in for Aliyun, WeChat and a browser's push service.

It checks what it is given by itself (signature, token, encryption), and can be slow, refuse, lose its answer, be down.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric import ec

from notifications.channels.webpush import base64url, opened

KEY_ID, KEY_SECRET = "LTAItest", "aliyun-secret"
APP_ID, APP_SECRET, TOKEN = "wxtest", "wechat-secret", "signing-word"


@dataclass
class Browser:
    """One browser with its own keys, as a push service knows it."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = b"0123456789abcdef"


@dataclass
class Provider:
    """What was taken; `answer` gets (what, params) and returns an answer to give instead, or None.

    `losing` takes the message and closes the connection without a word; `delay` is slept before the answer.
    """

    url: str = ""
    sms: list[dict[str, str]] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    wechat: list[dict[str, Any]] = field(default_factory=list)
    pushes: list[dict[str, Any]] = field(default_factory=list)
    push_headers: list[dict[str, str]] = field(default_factory=list)
    browser: Browser = field(default_factory=Browser)
    tokens: int = 0
    is_down: bool = False
    losing: bool = False
    delay: float = 0.0
    status_of: dict[str, int] = field(default_factory=dict)
    answer: Callable[[str, dict[str, Any]], Any] = lambda what, params: None

    def out_ids(self) -> Counter[str]:
        """Return how often each OutId was sent."""
        return Counter(one["OutId"] for one in self.sms)

    def subscription(self, device: str = "device-1") -> str:
        """Return the subscription of one of the browser's devices as the page posts it."""
        point = self.browser.key.public_key()
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        keys = {
            "p256dh": base64url(point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)),
            "auth": base64url(self.browser.auth),
        }
        return json.dumps({"endpoint": f"{self.url}/push/{device}", "keys": keys})


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts, provider = urlsplit(self.path), self.provider
        if provider.is_down:
            self._say(503, {"message": "down"})
            return
        if parts.path == "/":
            answer: Any = self._aliyun(parts.query, body)
        elif parts.path == "/cgi-bin/stable_token":
            answer = self._token(json.loads(body))
        elif parts.path == "/cgi-bin/message/template/send":
            answer = self._template(dict(parse_qsl(parts.query)), json.loads(body))
        else:
            answer = self._push(body)
        if provider.losing:
            self.close_connection = True
            return
        time.sleep(provider.delay)
        status, told = answer if isinstance(answer, tuple) else (200, answer)
        self._say(status, told)

    def _aliyun(self, query: str, body: bytes) -> Any:
        action = self.headers["x-acs-action"]
        if not self._is_signed(query, body):
            return 400, {"Code": "SignatureDoesNotMatch", "RequestId": "1"}
        params = dict(parse_qsl(query, keep_blank_values=True))
        if action == "QuerySendDetails":
            self.provider.queries.append(params)
            return self.provider.answer("query", params) or self._details(params)
        if answer := self.provider.answer("sms", params):
            return answer
        self.provider.sms.append(params)
        return {"Code": "OK", "Message": "OK", "BizId": f"{len(self.provider.sms)}^0", "RequestId": "1"}

    def _details(self, params: dict[str, str]) -> dict[str, Any]:
        states = self.provider.status_of
        rows = [
            {"OutId": one["OutId"], "SendStatus": states.get(one["OutId"], 1), "ErrCode": "", "PhoneNum": "x"}
            for one in self.provider.sms
            if one["PhoneNumbers"] == params["PhoneNumber"]
            and params["SendDate"] == datetime.now(ZoneInfo("Asia/Shanghai")).strftime("%Y%m%d")
        ]
        return {"Code": "OK", "TotalCount": str(len(rows)), "SmsSendDetailDTOs": {"SmsSendDetailDTO": rows}}

    def _is_signed(self, query: str, body: bytes) -> bool:
        """Check by the text of the documentation, not by our own code."""
        names = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"
        lines = "".join(f"{name}:{self.headers[name].strip()}\n" for name in names.split(";"))
        digest = hashlib.sha256(body).hexdigest()
        wanted = "&".join(
            f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
            for name, value in sorted(parse_qsl(query, keep_blank_values=True))
        )
        canonical = f"POST\n/\n{wanted}\n{lines}\n{names}\n{digest}"
        to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
        signature = hmac.new(KEY_SECRET.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        made = datetime.strptime(self.headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        is_fresh = abs((datetime.now(UTC) - made).total_seconds()) < 900
        wanted_header = f"ACS3-HMAC-SHA256 Credential={KEY_ID},SignedHeaders={names},Signature={signature}"
        return is_fresh and self.headers["Authorization"] == wanted_header

    def _token(self, told: dict[str, Any]) -> dict[str, Any]:
        if (told["appid"], told["secret"]) != (APP_ID, APP_SECRET):
            return {"errcode": 40125, "errmsg": "invalid appsecret"}
        if told["force_refresh"] or not self.provider.tokens:
            self.provider.tokens += 1
        return {"access_token": f"token-{self.provider.tokens}", "expires_in": 7200}

    def _template(self, query: dict[str, str], told: dict[str, Any]) -> Any:
        if answer := self.provider.answer("wechat", {**told, **query}):
            return answer
        if query["access_token"] != f"token-{self.provider.tokens}":
            return {"errcode": 40001, "errmsg": "invalid credential"}
        known = [one["client_msg_id"] for one in self.provider.wechat]
        if told["client_msg_id"] not in known:  # WeChat's own guard
            self.provider.wechat.append(told)
            known.append(told["client_msg_id"])
        return {"errcode": 0, "errmsg": "ok", "msgid": 1000 + known.index(told["client_msg_id"])}

    def _push(self, body: bytes) -> Any:
        self.provider.push_headers.append(dict(self.headers))
        if answer := self.provider.answer("push", {**self.headers, "path": self.path}):
            return answer
        browser = self.provider.browser
        self.provider.pushes.append(json.loads(opened(body, browser.key, browser.auth)))
        return 201, {}

    def _say(self, status: int, told: Any) -> None:
        raw = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


@contextmanager
def provider_server() -> Iterator[Provider]:
    """Run a stand-in on a free port."""
    provider = Provider()
    handler = type("Handler", (_Handler,), {"provider": provider})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

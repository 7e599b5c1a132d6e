"""The public doors as a visitor uses them: pages with cookies and forms, the API, signed webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import http.cookiejar
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass, field
from typing import Any

from cs_portal.demo.photo import chipped_cup


class DoorClosed(RuntimeError):
    """A page did not answer as it should; the message names it and what it said."""


@dataclass
class Answer:
    """What came back."""

    status: int
    text: str
    url: str
    headers: Any = None

    def link(self, pattern: str) -> str:
        """Return the first address in the page that fits the pattern. Raises DoorClosed."""
        found = re.search(rf'(?:href|action)="([^"]*?{pattern}[^"]*)"', self.text) or re.search(
            rf"(https?://\S*?{pattern}[^\s\"<]*)", self.text
        )
        if not found:
            raise DoorClosed(f"no link {pattern} on {self.url}")
        return html.unescape(found.group(1))

    def hidden(self, name: str) -> str:
        """Return a form field's value. Raises DoorClosed."""
        found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', self.text) or re.search(
            rf'value="([^"]*)"[^>]*name="{name}"', self.text
        )
        if not found:
            raise DoorClosed(f"no field {name} on {self.url}")
        return html.unescape(found.group(1))


class Browser:
    """One visitor: cookies, language, forms with their protection token."""

    def __init__(self, base_url: str, language: str = "zh-CN") -> None:
        self.base_url = base_url.rstrip("/")
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.jar)
        )
        self.language = language

    def get(self, path: str, **headers: str) -> Answer:
        """Open a page."""
        return self._open(urllib.request.Request(self._full(path), headers=self._headers(headers)))

    def post(
        self, path: str, fields: dict[str, Any], files: dict[str, tuple[str, bytes, str]] | None = None, **headers: str
    ) -> Answer:
        """Send a form; redirects are followed."""
        fields = {"csrfmiddlewaretoken": self._token(), **fields}
        body, kind = _multipart(fields, files) if files else (urllib.parse.urlencode(fields, doseq=True).encode(), "")
        sent = self._headers({"Referer": self.base_url + "/", "Origin": self.base_url, **headers})
        sent["Content-Type"] = kind or "application/x-www-form-urlencoded"
        return self._open(urllib.request.Request(self._full(path), data=body, headers=sent, method="POST"))

    def sign_in(self, email: str, password: str) -> None:
        """Sign a member of staff in. Raises DoorClosed."""
        self.get("/accounts/login/")
        answer = self.post("/accounts/login/", {"login": email, "password": password})
        if "/accounts/login" in answer.url or answer.status != 200:
            raise DoorClosed(f"{email} could not sign in ({answer.status} {answer.url})")

    def _full(self, path: str) -> str:
        return path if path.startswith("http") else self.base_url + path

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return {"Accept-Language": self.language, "User-Agent": "cs-portal-demo", **more}

    def _token(self) -> str:
        for cookie in self.jar:
            if cookie.name.endswith("csrftoken") or cookie.name.endswith("csrf"):
                return cookie.value or ""
        return ""

    def _open(self, request: urllib.request.Request) -> Answer:
        try:
            with self.opener.open(request, timeout=20) as response:
                return Answer(
                    response.status, response.read().decode("utf-8", "replace"), response.url, response.headers
                )
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read().decode("utf-8", "replace"), request.full_url, error.headers)
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            raise DoorClosed(f"{request.full_url} does not answer ({error})") from error


@dataclass
class Api:
    """The API with a key."""

    base_url: str
    key: str
    opener: Any = field(default_factory=lambda: urllib.request.build_opener(urllib.request.ProxyHandler({})))

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Send JSON and return (status, JSON)."""
        request = urllib.request.Request(
            self.base_url.rstrip("/") + "/api/v1" + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **headers},
            method=method,
        )
        try:
            with self.opener.open(request, timeout=20) as response:
                return response.status, json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            raise DoorClosed(f"{request.full_url} does not answer ({error})") from error


@dataclass
class CarrierCounter:
    """Where the trial's carrier takes parcels and scans in; its provider then tells the product."""

    url: str
    opener: Any = field(default_factory=lambda: urllib.request.build_opener(urllib.request.ProxyHandler({})))

    def scan(self, number: str, scan: dict[str, Any], times: int = 1) -> dict[str, Any]:
        """Scan a parcel; return what was pushed. Raises DoorClosed."""
        body = json.dumps({"company": "shunfeng", "times": times, **scan}).encode()
        request = urllib.request.Request(f"{self.url.rstrip('/')}/parcels/{number}", data=body, method="POST")
        try:
            with self.opener.open(request, timeout=20) as response:
                return dict(json.loads(response.read()))
        except (urllib.error.URLError, TimeoutError, ConnectionError, ValueError) as error:
            raise DoorClosed(f"{self.url} does not answer ({error})") from error


def signed_headers(secret: str, body: bytes) -> dict[str, str]:
    """Return the standardwebhooks headers for a raw body."""
    message_id, stamp = f"msg_{uuid.uuid4().hex}", str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    signature = base64.b64encode(digest).decode()
    return {"webhook-id": message_id, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}


def contact(
    visitor: Browser,
    *,
    shop: str,
    text: str,
    phone: str = "",
    email: str = "",
    order_number: str = "",
    photo: bool = True,
) -> Answer:
    """Fill in the public form as a customer would; return the page that follows. Raises DoorClosed."""
    page = visitor.get(f"/contact/?shop={shop}")
    fields = {name: page.hidden(name) for name in ("draft", "stamp")}
    fields |= {"order_number": order_number, "phone": phone, "email": email, "text": text, "website": ""}
    category = re.search(r'name="category"[^>]*value="(\d+)"', page.text)
    if category:
        fields["category"] = category.group(1)
    time.sleep(3.2)  # a person needs that long at least, and the form expects it
    picture = ("杯子.jpg", chipped_cup(len(text)), "image/jpeg") if photo else ("", b"", "application/octet-stream")
    answer = visitor.post(f"/contact/?shop={shop}", fields, {"photos": picture})
    if "/contact/done/" not in answer.url:
        raise DoorClosed(f"the form was not taken ({answer.status} {answer.url})")
    return answer


def wait_for(what: str, look: Any, seconds: float = 20) -> Any:
    """Look again until there is something. Raises DoorClosed."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise DoorClosed(f"{what} did not come within {seconds:.0f} s")


def _multipart(fields: dict[str, Any], files: dict[str, tuple[str, bytes, str]]) -> tuple[bytes, str]:
    border = uuid.uuid4().hex
    parts = []
    for name, value in fields.items():
        parts.append(f'--{border}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    for name, (file_name, body, kind) in files.items():
        head = f'--{border}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n'
        parts.append(head.encode() + f"Content-Type: {kind}\r\n\r\n".encode() + body + b"\r\n")
    return b"".join(parts) + f"--{border}--\r\n".encode(), f"multipart/form-data; boundary={border}"

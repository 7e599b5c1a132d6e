"""A provider of tracking, as Kuaidi100 and AfterShip are on the wire; it knows nothing of the product but its doors.

Tests and the trial use it, on loopback only. It takes subscriptions, answers queries and pushes traces, and it can be
late, repeat, tell out of order, forge, fall over, lock numbers out, refuse an account or correct a company.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")
_STATES = {"created": "1", "picked_up": "1", "in_transit": "0", "out_for_delivery": "5", "delivered": "3"}
_TAGS = {
    "created": "InfoReceived", "picked_up": "InTransit", "in_transit": "InTransit",
    "out_for_delivery": "OutForDelivery", "delivered": "Delivered",
}  # fmt: skip


@dataclass
class Step:
    """One scan of a parcel in its story; `code` is Kuaidi100's advanced code."""

    at: datetime
    status: str
    code: str
    text: str
    place: str = ""


@dataclass
class Story:
    """What there is to tell of a number, and where to tell it."""

    company: str
    number: str
    steps: list[Step] = field(default_factory=list)
    callback: str = ""
    salt: str = ""
    real_company: str = ""  # the one the provider finds out


@dataclass
class Mood:
    """How the provider behaves; everything well unless said otherwise."""

    is_down: bool = False  # 503 to everything
    seconds: float = 0.0  # before each answer
    stopped: str = ""  # refuses the account with this code
    refused: frozenset[str] = frozenset()  # numbers it will never take
    already: bool = False  # says 501 to subscriptions
    pushes_at_once: float = 0.0  # so many seconds after a subscription, as they do; 0: only when told
    locks_out: bool = False  # a number asked for twice in `gap` seconds is locked
    gap: float = 1800.0


class Provider:
    """The provider's server and its pushes. `key`, `customer`, `salt` and `secret` are the account's."""

    def __init__(
        self, *, key: str = "standin-key", customer: str = "STANDIN", secret: str = "standin-secret", port: int = 0
    ) -> None:
        self.key, self.customer, self.secret, self.mood = key, customer, secret, Mood()
        self.stories: dict[str, Story] = {}
        self.reached = 0  # requests that came, answered or not
        self.asked: Counter[str] = Counter()  # by "subscribe:NUMBER" and "query:NUMBER"
        self.queried_at: dict[str, float] = {}
        self.locked: set[str] = set()
        self.lock = threading.Lock()
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self.server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self.server.daemon_threads = True
        self.port = int(self.server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Stop answering."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)

    def story(self, number: str, company: str = "shunfeng") -> Story:
        """Return the story of a number, begun when it is new."""
        with self.lock:
            return self.stories.setdefault(number, Story(company, number))

    # --- what it tells of itself -----------------------------------------------------------------------------------
    def push(self, number: str, *, status: str = "", forged: bool = False, times: int = 1) -> list[tuple[int, str]]:
        """Push a number's whole trace to where it was subscribed, in Kuaidi100's form; return the answers."""
        story = self.stories[number]
        body = self.push_body(story, status=status, salt="forged" if forged else story.salt)
        kind = "application/x-www-form-urlencoded"
        return [self.tell(story.callback, body, {"Content-Type": kind}) for _ in range(times)]

    def push_body(self, story: Story, *, status: str = "", salt: str | None = None) -> bytes:
        """Return a push as it goes over the wire."""
        told: dict[str, Any] = {
            "status": status or ("shutdown" if _is_over(story) else "polling"), "billstatus": "got", "message": "",
            "lastResult": self.kuaidi_trace(story),
        }  # fmt: skip
        if story.real_company and story.real_company != story.company:
            told |= {"status": "abort", "autoCheck": "1", "comOld": story.company, "comNew": story.real_company}
        param = json.dumps(told, ensure_ascii=False)
        sign = md5(param + (story.salt if salt is None else salt))
        return urllib.parse.urlencode({"sign": sign, "param": param}).encode()

    def hook(self, number: str, *, forged: bool = False, event_id: str = "", times: int = 1) -> list[tuple[int, str]]:
        """Send a number's tracking in AfterShip's form, each time under the same event id; return the answers."""
        story = self.stories[number]
        body = json.dumps(
            {
                "event": "tracking_update", "event_id": event_id or str(uuid.uuid4()), "msg": self.aftership(story),
                "ts": int(time.time()),
            }
        ).encode()  # fmt: skip
        secret = "forged" if forged else self.secret
        sign = base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
        headers = {"Content-Type": "application/json", "aftership-hmac-sha256": sign}
        return [self.tell(story.callback, body, headers) for _ in range(times)]

    def tell(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        """Post to a door and return its answer; (0, …) when nobody is there."""
        request = urllib.request.Request(url, data=body, headers=headers, method="POST")
        try:
            with self.opener.open(request, timeout=20) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode("utf-8", "replace")
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            return 0, str(error)

    def kuaidi_trace(self, story: Story) -> dict[str, Any]:
        """Return a trace as Kuaidi100 writes it: newest first, local time without a zone."""
        steps = sorted(story.steps, key=lambda step: step.at, reverse=True)
        rows = [
            {
                "context": step.text, "time": _local(step.at), "ftime": _local(step.at), "status": step.status,
                "statusCode": step.code, "areaCode": None, "areaName": step.place,
            }
            for step in steps
        ]  # fmt: skip
        state = _STATES.get(steps[0].status, "0") if steps else "0"
        return {
            "message": "ok", "state": state, "status": "200", "ischeck": "1" if state == "3" else "0",
            "com": story.real_company or story.company, "nu": story.number, "data": rows,
        }  # fmt: skip

    def aftership(self, story: Story) -> dict[str, Any]:
        """Return a tracking as AfterShip writes it: oldest first, half of the times without their zone."""
        steps = sorted(story.steps, key=lambda step: step.at)
        points = [
            {
                "slug": story.company, "tag": _TAGS.get(step.status, "InTransit"),
                "subtag": _TAGS.get(step.status, "InTransit") + "_001", "message": step.text, "location": step.place,
                "country_region": "CHN", "checkpoint_time": _iso(step.at, with_zone=index % 2 == 0),
            }
            for index, step in enumerate(steps)
        ]  # fmt: skip
        return {
            "id": hashlib.md5(story.number.encode(), usedforsecurity=False).hexdigest(), "slug": story.company,
            "tracking_number": story.number, "tag": points[-1]["tag"] if points else "Pending",
            "checkpoints": points,
        }  # fmt: skip

    # --- what it is asked ------------------------------------------------------------------------------------------
    def answer(self, method: str, path: str, body: bytes, headers: Any) -> tuple[int, dict[str, Any]]:
        """Answer one request."""
        self.reached += 1
        if self.mood.seconds:
            time.sleep(self.mood.seconds)
        if self.mood.is_down:
            return 503, {"message": "down"}
        place = urllib.parse.urlsplit(path)
        if place.path.startswith("/parcels/"):
            return self._at_the_counter(place.path.removeprefix("/parcels/"), body)
        if place.path in {"/poll", "/poll/query.do"}:
            form = {name: values[0] for name, values in urllib.parse.parse_qs(body.decode()).items()}
            return 200, self._kuaidi_query(form) if place.path.endswith("query.do") else self._kuaidi_subscribe(form)
        if place.path.endswith("/trackings"):
            return self._aftership(method, urllib.parse.parse_qs(place.query), body, headers)
        return 404, {"message": "no such door"}

    def _at_the_counter(self, number: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Take a parcel in, or its next step: the door of those who send and carry, the trial's player among them."""
        told = json.loads(body)
        story = self.story(number, told["company"])
        with self.lock:
            if "status" in told:
                story.steps.append(Step(now(), told["status"], told["code"], told["text"], told["place"]))
        answers = self.push(number, times=int(told.get("times", 1))) if story.callback and story.steps else []
        return 200, {"scans": len(story.steps), "pushed": [status for status, _text in answers]}

    def _kuaidi_subscribe(self, form: dict[str, str]) -> dict[str, Any]:
        told = json.loads(form["param"])
        number, company, about = told["number"], told["company"], told["parameters"]
        with self.lock:
            self.asked[f"subscribe:{number}"] += 1
        if self.mood.stopped or told["key"] != self.key:
            return _no(self.mood.stopped or "601", "KEY已过期")
        if number in self.mood.refused:
            return _no("700", "不支持此快递公司")
        story = self.story(number, company)
        is_known = bool(story.callback) or self.mood.already
        story.callback, story.salt = about["callbackurl"], about.get("salt", "")
        if self.mood.pushes_at_once and story.steps:
            threading.Timer(self.mood.pushes_at_once, self.push, [number]).start()
        if is_known:
            return _no("501", "重复订阅")
        return {"result": True, "returnCode": "200", "message": "提交成功"}

    def _kuaidi_query(self, form: dict[str, str]) -> dict[str, Any]:
        told = json.loads(form["param"])
        number, now = told["num"], time.monotonic()
        if form.get("sign") != md5(form["param"] + self.key + self.customer):
            return _no("503", "验证签名失败")
        with self.lock:
            self.asked[f"query:{number}"] += 1
            last, self.queried_at[number] = self.queried_at.get(number), now
            if self.mood.locks_out and last is not None and now - last < self.mood.gap:
                self.locked.add(number)
        if number in self.locked:
            return _no("408", "单号查询过于频繁，已被锁定")
        if self.mood.stopped:
            return _no(self.mood.stopped, "账号余额不足")
        story = self.stories.get(number)
        if story is None or not story.steps:
            return _no("500", "查询无结果，请隔段时间再查")
        return self.kuaidi_trace(story)

    def _aftership(
        self, method: str, asked: dict[str, list[str]], body: bytes, headers: Any
    ) -> tuple[int, dict[str, Any]]:
        if self.mood.stopped or headers.get("as-api-key") != self.key:
            return 401, {"meta": {"code": 401, "type": "Unauthorized", "message": "The API key is invalid."}}
        if method == "POST":
            told = json.loads(body)
            number = told["tracking_number"]
            with self.lock:
                self.asked[f"subscribe:{number}"] += 1
                is_known = number in self.stories and not self.mood.already
            if number in self.mood.refused:
                return 400, {"meta": {"code": 4005, "message": "The value of tracking_number is invalid."}}
            self.story(number, told["slug"])
            if is_known or self.mood.already:
                return 400, {"meta": {"code": 4003, "message": "Tracking already exists."}}
            return 201, {"meta": {"code": 201}, "data": self.aftership(self.stories[number])}
        number = asked.get("tracking_numbers", [""])[0]
        with self.lock:
            self.asked[f"query:{number}"] += 1
        story = self.stories.get(number)
        found = [self.aftership(story)] if story else []
        return 200, {"meta": {"code": 200}, "data": {"trackings": found, "pagination": {"total": len(found)}}}


def md5(text: str) -> str:
    """Sign as Kuaidi100 does."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


def _no(code: str, words: str) -> dict[str, Any]:
    return {"result": False, "returnCode": code, "message": words}


def _is_over(story: Story) -> bool:
    return any(step.status == "delivered" for step in story.steps)


def _local(at: datetime) -> str:
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _iso(at: datetime, *, with_zone: bool) -> str:
    local = at.astimezone(CHINA).replace(microsecond=0)
    return local.isoformat() if with_zone else local.replace(tzinfo=None).isoformat()


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, told = provider.answer(self.command, self.path, body, self.headers)
            raw = json.dumps(told, ensure_ascii=False).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = _do

        def log_message(self, *_args: Any) -> None:
            """Say nothing: requests hold numbers."""

    return Handler


def now() -> datetime:
    """Return the present second."""
    return datetime.now(UTC).replace(microsecond=0)

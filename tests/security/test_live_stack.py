"""A30 and A52 on the running product: forged hosts on the wire, and logs without a person or a secret in them."""

from __future__ import annotations

import re
import secrets
import smtplib
import socket
import time
from email.message import EmailMessage
from urllib.parse import quote, urlsplit

import pytest

from cs_portal.demo.doors import Api, Browser
from tests.stack import RunningStack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PHONE, SPACED, BARE = "13922334455", "139 2233 4455", "+8613922334455"
EMAIL, NAME = "canary.rabbit@private.example", "金丝雀兔"
WORDS, STREET = "我的身份证号是机密兔子洞", "兔子洞路八十八号"
PASSWORD = "canary-Password-77!"
DEMO = "demo-pass-2026"


def ask(stack: RunningStack, lines: list[str]) -> tuple[int, str]:
    """Send a request as written and return (status, whole answer)."""
    place = urlsplit(stack.base_url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as line:
        line.sendall(("\r\n".join(lines) + "\r\nConnection: close\r\n\r\n").encode())
        answer = b""
        while block := line.recv(65536):
            answer += block
    text = answer.decode("utf-8", "replace")
    return int(text.split(" ", 2)[1]), text


@pytest.mark.parametrize("path", ["/", "/contact/", "/accounts/login/", "/accounts/password/reset/", "/healthz"])
def test_a_forged_host_on_the_wire_is_refused(stack: RunningStack, path: str) -> None:
    host = urlsplit(stack.base_url).netloc
    assert ask(stack, [f"GET {path} HTTP/1.1", f"Host: {host}"])[0] in {200, 302}
    forged = {
        "another host": [f"GET {path} HTTP/1.1", "Host: evil.example"],
        "absolute address of another host": [f"GET http://evil.example{path} HTTP/1.1", "Host: evil.example"],
        "two hosts": [f"GET {path} HTTP/1.1", f"Host: {host}", "Host: evil.example"],
        "user part": [f"GET {path} HTTP/1.1", f"Host: {host}@evil.example"],
        "space": [f"GET {path} HTTP/1.1", f"Host: {host} evil.example"],
    }
    for what, lines in forged.items():
        status, text = ask(stack, lines)
        allowed = {400, 404, 421} if path != "/healthz" else {200, 400, 404, 421}  # it says one word whoever asks
        assert status in allowed, f"{what}: {status}"
        assert "evil.example" not in text, what


@pytest.mark.parametrize("path", ["/", "/contact/", "/accounts/login/", "/accounts/password/reset/"])
def test_an_absolute_address_or_forwarded_host_changes_no_link(stack: RunningStack, path: str) -> None:
    host = urlsplit(stack.base_url).netloc
    extra = ["X-Forwarded-Host: evil.example", "X-Original-URL: http://evil.example/", "Forwarded: host=evil.example"]
    for target in (path, f"http://evil.example{path}", f"//evil.example{path}"):
        status, text = ask(stack, [f"GET {target} HTTP/1.1", f"Host: {host}", *extra])
        assert status < 500, target
        head, _gap, page = text.partition("\r\n\r\n")
        assert "//evil.example" not in re.sub(r"(?m)^(?!location).*$", "", head.lower()), target
        assert not re.search(r'(?:href|src|action)="(?:https?:)?//evil\.example', page), target


def test_links_in_mails_use_the_configured_address(stack: RunningStack) -> None:
    stack.manage("seed_demo", "--small")
    visitor, mark = Browser(stack.base_url), secrets.token_hex(4)
    form = visitor.get("/contact/?shop=sunny", **{"X-Forwarded-Host": "evil.example"})
    fields = {name: form.hidden(name) for name in ("draft", "stamp")}
    time.sleep(3.2)
    fields |= {"email": f"{mark}@mail.example", "text": "杯子有裂纹", "website": "", "phone": "", "order_number": ""}
    done = visitor.post("/contact/?shop=sunny", fields, **{"X-Forwarded-Host": "evil.example"})
    assert "/contact/done/" in done.url
    text = mail_to(stack, f"{mark}@mail.example")
    assert "evil.example" not in text
    assert stack.base_url in text


def mail_to(stack: RunningStack, address: str) -> str:
    """Return the words of the mail that was queued to this address for a ticket just opened."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with stack.db() as db:
            row = db.execute(
                "SELECT d.text || coalesce(d.html, '') AS words FROM notifications_delivery d"
                " JOIN tickets_ticket t ON t.id = d.ticket_id ORDER BY d.id DESC LIMIT 1"
            ).fetchone()
            caught = db.execute("SELECT 1 FROM notifications_caught_mail WHERE recipient = %s", [address]).fetchone()
        if row and caught:
            return str(row["words"])
        time.sleep(0.2)
    pytest.fail("no mail went out")


def test_no_log_of_the_product_names_a_person_or_a_secret(stack: RunningStack) -> None:
    """Play the story with known values at every door, right and wrong, with things broken, and read all the logs."""
    if not (stack.var / "demo-doors.json").exists():
        stack.manage("seed_demo", "--small")
    import json

    doors = json.loads((stack.var / "demo-doors.json").read_text(encoding="utf-8"))
    secret_values = {"api key": doors["api_key"], "password": PASSWORD, "demo password": DEMO}
    env = stack.env
    secret_values |= {name: env[name] for name in ("SECRET_KEY", "FIELD_KEYS", "INDEX_KEY")}
    secret_values["database password"] = urlsplit(env["DATABASE_URL"]).password or "?"
    secret_values["broker password"] = urlsplit(env["REDIS_URL"]).password or "?"
    visitor = Browser(stack.base_url)
    form = visitor.get("/contact/?shop=sunny")
    fields = {name: form.hidden(name) for name in ("draft", "stamp")}
    secret_values["draft"] = fields["draft"]
    fields |= {"phone": PHONE, "email": EMAIL, "text": WORDS, "website": "", "order_number": PHONE}
    time.sleep(3.2)
    visitor.post("/contact/?shop=sunny", {**fields, "email": "no-address" + EMAIL + "@"})
    sent = visitor.post("/contact/?shop=sunny", fields)
    assert "/contact/done/" in sent.url
    secret_values["success token"] = sent.url.split("/contact/done/")[1].split("/")[0]
    api = Api(stack.base_url, doors["api_key"])
    order = {
        "shop": "sunny", "number": "CANARY77", "status": "paid", "placed_at": "2026-11-20T09:05:00+08:00",
        "total": "10.00", "paid": "10.00", "currency": "CNY", "recipient": NAME, "phone": PHONE, "street": STREET,
        "region": "浙江省 杭州市 西湖区", "email": EMAIL,
        "items": [{"title": "杯", "sku": "A", "quantity": 1, "unit_price": "10.00"}],
    }  # fmt: skip
    assert api.send("POST", "/orders/", order, **{"Idempotency-Key": "canary-1"})[0] in {200, 201}
    for bad in ({"phone": WORDS}, {"total": NAME}, {"status": EMAIL}, {"items": PHONE}):
        assert api.send("POST", "/orders/", order | {"number": PHONE} | bad)[0] in {400, 422}
    Api(stack.base_url, PASSWORD).send("GET", "/orders/")
    for n, to in enumerate(("service@service.example", f"{PHONE}@service.example")):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = f"{NAME} <{EMAIL}>", to, f"{WORDS} {PHONE}"
        mail["Message-ID"] = f"<canary{n}@private.example>"
        mail.set_content(f"{WORDS} {SPACED} {STREET}")
        mail.add_attachment(b"\x7fELF" + b"\0" * 99, maintype="application", subtype="x", filename=f"{NAME}.pdf")
        with smtplib.SMTP("127.0.0.1", stack.mail_port, timeout=10) as server:
            try:
                server.send_message(mail, EMAIL, [to])
            except smtplib.SMTPRecipientsRefused:
                assert n == 1
    for login, password in ((EMAIL, PASSWORD), ("agent@demo.example", PASSWORD), (PHONE, DEMO)):
        stranger = Browser(stack.base_url)
        stranger.get("/accounts/login/")
        stranger.post("/accounts/login/", {"login": login, "password": password})
    visitor.get("/accounts/password/reset/")
    visitor.post("/accounts/password/reset/", {"email": EMAIL})
    for path in (
        f"/s/{PHONE}",
        f"/t/{NAME}/",
        f"/nowhere/{EMAIL}?q={PHONE}",
        f"/desk/?q={PHONE}",
        "/u/" + PASSWORD + "/",
    ):
        visitor.get(quote(path, safe="/?=@"))
    agent = Browser(stack.base_url)
    agent.sign_in("agent@demo.example", DEMO)
    secret_values["session"] = next(cookie.value or "?" for cookie in agent.jar if "session" in cookie.name)
    for text in (PHONE, NAME, EMAIL, WORDS):
        agent.get(f"/desk/search/?q={quote(text)}")
        agent.get(f"/desk/orders/?q={quote(text)}")
    with stack.db() as db:
        ticket = db.execute("SELECT max(id) AS id FROM tickets_ticket").fetchone()["id"]  # type: ignore[index]
    agent.post(f"/desk/t/{ticket}/reply/", {"text": f"{WORDS} {PHONE}", "client_id": PHONE, "kind": "public"})
    agent.post(f"/desk/t/{ticket}/status/", {"status": NAME, "version": PHONE})
    agent.post(f"/desk/t/{ticket}/category/", {"category": EMAIL})
    stack.kill9("web")
    stack.kill9("valkey")
    stack.kill9("postgres")
    stack.wait_until_well(60)
    agent.get(f"/desk/search/?q={PHONE}")
    time.sleep(6)  # mails go out, folds move, whatever failed is logged
    found, read = [], 0
    forms = {"phone": PHONE, "phone spaced": SPACED, "phone abroad": BARE, "last eight": PHONE[-8:], "mail": EMAIL}
    forms |= {"mail's name": EMAIL.partition("@")[0], "name": NAME, "words": WORDS, "street": STREET}
    forms |= {f"{name} quoted": quote(value) for name, value in forms.items()}
    forms |= {f"{name} escaped": value.encode("unicode_escape").decode() for name, value in forms.items()}
    for log in sorted((stack.var / "log").rglob("*")):
        if not log.is_file():
            continue
        text = log.read_text(encoding="utf-8", errors="replace")
        read += len(text)
        for what, value in {**forms, **secret_values}.items():
            for line in text.splitlines():
                if value in line:
                    found.append(f"{log.name}: {what}: {line[:160]}")
                    break
    assert found == []
    assert read > 500, "nothing was logged at all"

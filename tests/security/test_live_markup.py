"""A01 in a real browser: what anybody typed is shown as words on every page, and no script of theirs runs."""

from __future__ import annotations

import json
import smtplib
import time
from collections.abc import Iterator
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.browsing import sign_in
from tests.security.vectors import VECTORS
from tests.stack import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]
SEED = """
import json
from tests.factories.accounts import PASSWORD, make_staff
from tests.security.vectors import VECTORS
from tests.security.world import Words, found_company, make_side
from customers.models import Customer
from orders.models import ImportRun, Order, OrderItem, Parcel
from tickets.models import Attachment, CannedReply, Ticket
from tickets.permissions import customer_url
found_company()
admin = make_staff("admin@live.example", roles=["admin"], password=PASSWORD, display_name=VECTORS[0][:60])
told = []
for n, vector in enumerate(VECTORS):
    words = Words(name=vector[:60], phone=f"136555{n:05d}", email=f"who{n}@mail.example", street=vector,
                  region=vector[:120], text=vector, subject=vector.replace("\\t", " "), comment=vector)
    side = make_side(f"s{n}", words)
    Attachment.objects.filter(ticket=side.ticket).update(name=vector[:200])  # as if names came in as they are
    Ticket.objects.filter(pk=side.ticket.pk).update(tags=[vector[:40]], order_given=vector[:64])
    Parcel.objects.filter(pk=side.parcel.pk).update(place=vector[:60])
    OrderItem.objects.filter(order=side.order).update(title=vector[:200])
    CannedReply.objects.create(title=vector[:80], shortcut=f"x{n}", body=vector)
    told.append(side.ids | {"customer_id": side.customer.pk, "link": customer_url(side.ticket)})
print("TOLD " + json.dumps(told))
"""
EARS = """
document.addEventListener('securitypolicyviolation', (event) =>
  window.heard(`${event.violatedDirective} ${event.blockedURI} ${event.sample} in ${event.sourceFile}`));
"""
ALIVE = """
[...document.querySelectorAll('*')].flatMap((node) => [
  ...node.getAttributeNames().filter((name) => name.startsWith('on')).map((name) => `<${node.localName} ${name}>`),
  ...(['javascript:', 'vbscript:'].includes(node.protocol) ? [`<${node.localName} ${node.protocol}>`] : []),
  ...(node.matches('object, embed, math, applet, base[href]') ? [`<${node.localName}>`] : []),
]).concat(window.__xss === undefined ? [] : ['a script ran'])
"""


class Watcher:
    """A signed-in window that hears every script, dialog, stray request and breach of the content security policy."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.faults: list[str] = []
        self.address = address
        self.context = browser.new_context(base_url=address, locale="zh-CN", viewport={"width": 1440, "height": 900})
        self.context.expose_function("heard", lambda words: self._note("policy", words))
        self.context.add_init_script(EARS)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.page.on("dialog", self._dialog)
        self.page.on("pageerror", lambda error: self._note("error", str(error)))
        self.page.on("request", self._request)
        self.page.on("response", self._response)

    def _note(self, kind: str, words: str) -> None:
        self.faults.append(f"{urlsplit(self.page.url).path}: {kind} {words[:200]}")

    def _dialog(self, dialog: Any) -> None:
        self._note("dialog", dialog.message)
        dialog.dismiss()

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:", "about:", "ws:")):
            self._note("request", request.url)

    def _response(self, response: Any) -> None:
        if response.status >= 400 and not response.frame.url.endswith("/html/"):  # <img src=x> alive would ask for x
            self._note(str(response.status), response.url)

    def look(self, path: str) -> int:
        """Open a page, look for what came alive in it and its frames; return its length."""
        self.page.goto(path, wait_until="load")
        for frame in self.page.frames:
            if not frame.url:  # a frame that never got a document: nothing can run there, and nothing can be asked
                continue
            for fault in frame.evaluate(ALIVE):
                if fault == "a script ran" or not frame.url.endswith("/html/"):  # a stranger's mail, in its sandbox
                    self._note("alive", f"{fault} in {frame.url}")
        return len(self.page.content())


@pytest.fixture(scope="module")
def told(stack: RunningStack) -> list[dict[str, Any]]:
    """Fill the product with vectors, by its services and by real mails."""
    said = stack.manage("shell", "-v", "0", "-c", SEED).stdout
    rows: list[dict[str, Any]] = json.loads(said.split("TOLD ", 1)[1].splitlines()[0])
    for n, vector in enumerate(VECTORS):
        for port, to in ((stack.mail_port, f"s{n}@service.example"), (stack.sink_port, "reader@mail.example")):
            with smtplib.SMTP("127.0.0.1", port, timeout=10) as server:
                server.send_message(letter(n, vector, to), f"evil{n}@mail.example", [to])
    end = time.monotonic() + 120
    with stack.db() as db:
        while time.monotonic() < end:
            row: Any = db.execute("SELECT count(*) AS n FROM tickets_message WHERE mail_id ~ 'live[0-9]+@'").fetchone()
            waiting: Any = db.execute(
                "SELECT count(*) AS n FROM core_job WHERE state IN ('ready', 'running') AND due_at < now()"
            ).fetchone()
            if row["n"] >= len(VECTORS) and not waiting["n"]:
                break
            time.sleep(0.5)
        assert row["n"] == len(VECTORS), f"{row['n']} mails of {len(VECTORS)} became tickets"
        mails = db.execute(
            "SELECT m.ticket_id, m.mail_id FROM tickets_message m WHERE mail_id ~ 'live[0-9]+@'"
        ).fetchall()
    for mail in mails:
        rows[int(mail["mail_id"].split("live")[1].split("@")[0])]["mailed"] = mail["ticket_id"]
    return rows


def letter(n: int, vector: str, to: str) -> EmailMessage:
    """Return a mail with the vector in its subject, its sender's name, both bodies and a file's name."""
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = vector.replace("\n", " ")
    mail["From"] = Address(vector.replace("\n", " "), f"evil{n}", "mail.example")
    mail["To"], mail["Message-ID"] = to, f"<live{n}@mail.example>"
    mail.set_content(vector)
    mail.add_alternative(f"<html><body><p>{vector}</p>{vector}</body></html>", subtype="html")
    mail.add_attachment(b"hello", maintype="text", subtype="plain", filename=f"{vector[:80]}.txt")
    return mail


@pytest.fixture
def watcher(browser: Browser, stack: RunningStack, told: list[dict[str, Any]]) -> Iterator[Watcher]:
    """Sign the administrator in."""
    watcher = Watcher(browser, stack.base_url)
    sign_in(watcher.page, "", "admin@live.example")
    yield watcher
    watcher.context.close()


def test_the_watcher_hears_what_runs_and_what_is_stopped(watcher: Watcher) -> None:
    watcher.look("/desk/")
    assert sorted(set(watcher.faults)) == []
    with watcher.page.expect_response("**/nowhere"):
        watcher.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=/nowhere onerror=__xss=1>')")
    watcher.page.wait_for_timeout(500)
    heard = "\n".join(watcher.faults)
    assert "policy script-src-attr" in heard
    assert "404" in heard
    assert watcher.page.evaluate(ALIVE) == ["<img onerror>"]
    watcher.page.evaluate("window.__xss = 1")
    assert "a script ran" in watcher.page.evaluate(ALIVE)


def test_no_vector_comes_alive_on_the_desk(watcher: Watcher, told: list[dict[str, Any]]) -> None:
    for n, ids in enumerate(told):
        for path in (
            f"/desk/t/{ids['ticket_id']}/",
            f"/desk/t/{ids['mailed']}/",
            f"/desk/orders/{ids['order_id']}/",
            f"/desk/customers/{ids['customer_id']}/",
            f"/desk/visits/{ids['visit_id']}/",
            f"/desk/search/?q={quote(VECTORS[n])}",
        ):
            assert watcher.look(path) > 2000
    assert sorted(set(watcher.faults)) == []


def test_no_vector_comes_alive_in_lists_settings_and_mails(
    watcher: Watcher, told: list[dict[str, Any]], stack: RunningStack
) -> None:
    for path in (
        "/desk/", "/desk/orders/", "/desk/feedback/", "/desk/visits/", "/desk/orders/import/", "/board/", "/mail/",
        "/settings/canned/", "/settings/categories/", "/settings/mailboxes/", "/settings/deliveries/",
        "/settings/deliveries/received/", "/settings/shops/", "/settings/access-log/", "/system/",
    ):  # fmt: skip
        assert watcher.look(path) > 2000
    for ids in told:
        watcher.look(f"/settings/deliveries/received/{ids['inbound_id']}/")
        watcher.look(f"/desk/orders/import/{ids['run_id']}/")
    with stack.db() as db:
        mails = [row["id"] for row in db.execute("SELECT id FROM notifications_caught_mail ORDER BY id").fetchall()]
    assert len(mails) >= 2 * len(VECTORS)
    for mail in mails[:: max(1, len(mails) // 120)]:
        assert watcher.look(f"/mail/{mail}/") > 2000
    assert sorted(set(watcher.faults)) == []


def test_no_vector_comes_alive_on_a_customers_page(watcher: Watcher, told: list[dict[str, Any]]) -> None:
    watcher.page.goto("about:blank")  # the desk's page asks for its numbers until it is left
    watcher.context.clear_cookies()
    for ids in told:
        assert watcher.look(ids["link"]) > 1000
    assert sorted(set(watcher.faults)) == []

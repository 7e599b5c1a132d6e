"""Every page of the product, found by the resolver, with one of everything in it: accessible, fitting, in Chinese."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page

from tests.e2e.looking import DESKTOP, faults_of
from tests.factories.accounts import make_staff
from tests.security.walk import routes
from tests.security.world import Side, Words, found_company, make_side
from tickets.permissions import customer_url

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
LEFT_OUT = ("api/", "ui/")  # other people's page; the gallery has tests of its own
LEAVES = {"accounts/logout/", "language/"}  # asking ends the session or changes its language
FEWEST = 110  # pages; far fewer would mean that the walk lost its way


@dataclass
class Walk:
    """A window that carries a test client's session from page to page."""

    page: Page
    address: str
    client: Client
    said: list[str] = field(default_factory=list)

    def look_at(self, path: str) -> list[str]:
        """Open a page and tell what is wrong with it."""
        self.said.clear()
        self.page.context.clear_cookies()
        self.page.context.add_cookies(
            [{"name": name, "value": morsel.value, "url": self.address} for name, morsel in self.client.cookies.items()]
        )
        answer = self.page.goto(self.address + path)
        assert answer is not None
        faults = faults_of(self.page) if answer.status == 200 else [f"answers {answer.status}"]
        return [f"{path} {fault}" for fault in (*faults, *self.said)]


@pytest.fixture
def walk(browser: Browser, live_server: Any, client: Client) -> Iterator[Walk]:
    context = browser.new_context(locale="zh-CN", reduced_motion="reduce", viewport=DESKTOP, color_scheme="light")  # type: ignore[arg-type]
    page = context.new_page()
    page.route_web_socket("**/ws/desk", lambda socket: socket.send('{"type":"hello","heartbeat":25}'))
    one = Walk(page, live_server.url, client)
    page.on("console", lambda line: one.said.append(f"console: {line.text}") if line.type == "error" else None)
    page.on("pageerror", lambda error: one.said.append(f"script: {error}"))
    yield one
    context.close()


def pages_for(client: Client, ids: dict[str, Any]) -> list[str]:
    """Return the addresses that give this visitor a whole page."""
    found = []
    for route in routes():
        if route.pattern in LEAVES or route.pattern.startswith(LEFT_OUT):
            continue
        path = route.at(ids)
        answer = client.get(path)
        is_page = answer.status_code == 200 and "text/html" in answer.get("Content-Type", "")
        is_page = is_page and "sandbox" not in answer.get("Content-Security-Policy", "")  # shown in a frame, no scripts
        if is_page and not answer.streaming and answer.content.lstrip()[:9].lower() == b"<!doctype":
            found.append(path)
    return found


@pytest.fixture
def side() -> Side:
    found_company()
    return make_side("north", Words())


@pytest.mark.timeout(900)
def test_every_page_of_the_office(walk: Walk, side: Side, client: Client) -> None:
    client.force_login(make_staff("boss@shop.example", roles=["admin", "supervisor"], teams=[side.team]))
    pages = pages_for(client, side.ids)
    assert len(pages) >= FEWEST
    faults = [fault for path in pages for fault in walk.look_at(path)]
    assert not faults, "\n".join(faults)


def test_every_page_of_a_customer(walk: Walk, side: Side, client: Client) -> None:
    told = {**side.ids, "token": side.survey_token}
    pages = [*pages_for(client, told), urlsplit(customer_url(side.ticket)).path]
    assert len(pages) >= 5
    faults = [fault for path in pages for fault in walk.look_at(path)]
    assert not faults, "\n".join(faults)

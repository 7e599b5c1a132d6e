"""Hands at a real browser: signing in, pages whose scripts come late."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

from playwright.sync_api import Page

from tests.factories.accounts import PASSWORD


def sign_in(page: Page, address: str, email: str, path: str = "/desk/", password: str = PASSWORD) -> None:
    """Sign a member of staff in and wait until the page she wanted has come."""
    page.goto(f"{address}/accounts/login/?next={quote(path)}")
    page.fill("[name=login]", email)
    page.fill("[name=password]", password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: urlsplit(url).path == urlsplit(path).path)  # the address of the form names it too


@contextmanager
def late_scripts(page: Page, path: str) -> Iterator[None]:
    """Open a page whose scripts come when the block is through, as on a slow line."""
    held: list[Any] = []
    page.route("**/htmx.min*.js", lambda route: held.append(route))  # the first of them; the others wait for it
    with page.expect_request("**/htmx.min*.js"):
        page.goto(path, wait_until="commit")
    yield
    for route in held:
        route.continue_()
    page.unroute("**/htmx.min*.js")

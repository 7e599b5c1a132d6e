"""How long an agent works on a ticket is measured in a real browser and told when she goes on to the next."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Request, expect

from tests.e2e.test_desk import Person
from tests.stack import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]  # the story, the desk and its lists are the quick ones
SEED = """
from tests.factories.accounts import PASSWORD, make_staff, make_team
from tests.factories.desk import make_desk_ticket
team = make_team("计时组")
make_staff("jishi@desk.example", roles=["agent"], teams=[team], password=PASSWORD, display_name="季时")
for name in ("先看这张", "再看这张"):
    make_desk_ticket(subject=name, team=team)
"""


def _seconds(request: Request) -> int:
    found = re.search(r"worked=(\d+)", request.post_data or "") if request.url.endswith("/here/") else None
    return int(found[1]) if found else 0


def test_the_time_at_a_ticket_is_told_and_idle_time_is_not(stack: RunningStack, browser: Browser) -> None:
    stack.manage("shell", "-v", "0", "-c", SEED)
    person = Person(browser, stack.base_url, "jishi@desk.example")
    page = person.page
    told: list[int] = []
    page.on("request", lambda request: told.append(_seconds(request)))
    page.clock.install()
    page.goto(f"{stack.base_url}/desk/?view=open")
    page.locator(".ticket", has_text="先看这张").click()
    expect(page.locator("#head h1")).to_have_text("先看这张")
    for seconds in (0, 30, 45, 600, 60):  # ten minutes without a movement are nobody's work
        page.clock.fast_forward(seconds * 1000)
        page.mouse.move(600, 300 + seconds % 100)
    with page.expect_request(lambda request: "gone=1" in (request.post_data or "")) as last:
        page.locator(".ticket", has_text="再看这张").click()
    assert 60 <= _seconds(last.value) <= 65
    assert 135 <= sum(told) <= 145
    assert person.said == []
    person.context.close()

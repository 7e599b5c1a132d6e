"""A call in a real browser: it rings beside the agent's work, is answered and wrapped up; its note is in the ticket."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from cs_portal.demo.pbx import Pbx
from tests.e2e.test_desk import Person, serious
from tests.stack import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]  # the story, the desk and its lists are the quick ones
SEED = """
from tests.factories.accounts import PASSWORD, make_staff, make_team
from tests.factories.calls import make_line, make_seat
from tests.factories.desk import make_desk_ticket
from tests.factories.orders import make_order, make_shop
team = make_team("热线一组")
agent = make_staff("he@desk.example", roles=["agent"], teams=[team], password=PASSWORD, display_name="何静")
make_staff("lin@desk.example", roles=["supervisor"], teams=[team], password=PASSWORD, display_name="林主管")
make_seat(agent, "8001")
order = make_order(shop=make_shop(), phone="13800138000", recipient="张伟")
make_desk_ticket(subject="收到的沙发少了配件", customer=order.customer, team=team, assignee=agent)
line, secret = make_line(team, name="售后热线")
print(line.key, secret)
"""
SLOWEST = 2.5  # seconds on a busy machine; a quiet one takes a quarter of one
WHO = {"direction": "in", "number": "13800138000"}


@pytest.fixture
def office(browser: Browser, stack: RunningStack) -> Iterator[Any]:
    """Seed a line and let an agent and her supervisor sign in; afterwards no console may have said a word."""
    key, secret = stack.manage("shell", "-v", "0", "-c", SEED).stdout.split()[-2:]
    people = [Person(browser, stack.base_url, f"{who}@desk.example") for who in ("he", "lin")]
    yield Pbx(stack.base_url, key, secret), people[0].page, people[1].page
    said = [line for person in people for line in person.said]
    for person in people:
        person.context.close()
    assert said == []


def test_a_call_rings_is_answered_and_wrapped_up(office: Any, stack: RunningStack) -> None:
    pbx, page, watching = office
    page.goto(f"{stack.base_url}/desk/")
    watching.goto(f"{stack.base_url}/desk/calls/")
    page.locator("a.ticket").first.click()
    composer = page.locator(".composer textarea")
    composer.fill("正在写的")
    expect(page.locator("html")).to_have_attribute("data-live", "open")
    expect(watching.locator("html")).to_have_attribute("data-live", "open")

    start = time.monotonic()
    rang = pbx.tell("ringing", "c1", extensions=["8001"], **WHO)
    card = page.locator(".call-card")
    card.wait_for(timeout=10_000)
    took = time.monotonic() - start
    expect(card).to_contain_text("138****8000")
    expect(card).to_contain_text("张伟")
    expect(card).to_contain_text("收到的沙发少了配件")
    expect(composer).to_be_focused()
    assert composer.input_value() == "正在写的"
    assert took < SLOWEST, f"the card came after {took:.2f} s"
    expect(watching.locator("#calls-page")).to_contain_text("振铃中")
    assert serious(page) == []

    pbx.tell("answered", "c1", extension="8001", **WHO)
    pbx.repeat(rang)
    expect(card).to_contain_text("通话中")
    expect(watching.locator("#calls-page")).to_contain_text("通话中")
    pbx.tell("ended", "c1", result="answered", **WHO)
    expect(card).to_contain_text("通话后整理")
    card.get_by_label("需要跟进").check(force=True)
    card.get_by_label("备注").fill("客户要补发螺丝，今天发出")
    pbx.tell("ringing", "c2", direction="in", number="13900139000", extensions=["8001"])
    expect(page.locator(".call-card")).to_have_count(2)
    wrap = page.locator(".call-card.is-wrap_up")
    assert wrap.get_by_label("备注").input_value() == "客户要补发螺丝，今天发出", "a second ring leaves the form alone"
    wrap.get_by_role("button", name="整理完毕").click()
    expect(wrap).to_have_count(0)
    pbx.tell("ended", "c2", direction="in", number="13900139000", result="abandoned")
    expect(page.locator(".call-card")).to_have_count(0)

    watching.get_by_role("link", name="待回电").click()
    watching.get_by_role("button", name="我来回电").click()
    expect(watching.locator("#calls-page")).to_contain_text("林主管")
    assert serious(watching) == []
    watching.get_by_role("link", name="今日通话").click()
    watching.locator("#calls-page td a.num").last.click()
    expect(watching.locator(".msg-note").last).to_contain_text("客户要补发螺丝，今天发出")
    expect(watching.locator("#stream")).to_contain_text("接听客户来电")

"""A promise and a department task in a real browser: kept with one click, answered by another department."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.test_desk import Person, serious
from tests.stack import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]  # the story, the desk and its lists are the quick ones
SEED = """
from django.utils import timezone
from tests.factories.accounts import PASSWORD, make_staff, make_team
from tests.factories.desk import add_message, make_desk_ticket, make_person
from tests.factories.work import make_department
from tickets.models import Ticket
team = make_team("售后一组")
agent = make_staff("he@desk.example", roles=["agent"], teams=[team], password=PASSWORD, display_name="何静")
stock = make_department(make_team("仓储部"))
make_staff("cang@desk.example", roles=["department"], teams=[stock.team], password=PASSWORD, display_name="孙仓管")
ticket = make_desk_ticket(subject="收到的沙发少了配件", customer=make_person("张伟"), team=team, assignee=agent)
add_message(ticket, "您好，我们24小时内给您补发配件。", author=agent)
print(ticket.pk)
"""


@pytest.fixture
def people(browser: Browser, stack: RunningStack) -> Iterator[Any]:
    """Seed a ticket, let two people sign in; afterwards no console may have said a word."""
    stack.manage("shell", "-v", "0", "-c", SEED)
    agent, stock = (Person(browser, stack.base_url, f"{who}@desk.example") for who in ("he", "cang"))
    yield agent, stock
    said = agent.said + stock.said
    for person in (agent, stock):
        person.context.close()
    assert said == []


def news_leaves_what_is_typed_alone(page: Page, stack: RunningStack) -> None:
    """Type into the panel, let the ticket have news, find the words there; the panel looks again once they are gone,
    and shows what was unfolded."""
    page.locator("#panel summary").last.click()
    words = page.locator("#panel [name=words]").last
    words.fill("周五之前补寄沙发腿")
    number = page.locator("#composer").get_attribute("data-ticket")
    news = f"from core.live.announce import publish; assert publish('ticket.{number}', 'ticket', {number}, 10**6)"
    with page.expect_response(lambda answer: f"/desk/t/{number}/head/" in answer.url):  # the page has heard of it
        stack.manage("shell", "-v", "0", "-c", news)
    page.wait_for_timeout(1500)
    expect(words).to_have_value("周五之前补寄沙发腿")
    words.evaluate("field => field.toggleAttribute('data-old', true)")
    with page.expect_response(lambda answer: "promises" in answer.url):
        words.fill("")
    expect(page.locator("#panel [data-old]")).to_have_count(0)
    expect(words).to_be_visible()  # what she had unfolded is unfolded


def test_a_promise_is_kept_in_mind_and_a_department_answers(people: Any, stack: RunningStack) -> None:
    agent, stock = people
    page, theirs = agent.page, stock.page
    page.locator("a.ticket").first.click()
    page.locator("#context .tab", has_text="承诺").click()
    page.get_by_role("button", name="记为承诺").first.click()
    expect(page.locator(".work-row")).to_contain_text("待兑现")
    news_leaves_what_is_typed_alone(page, stack)
    page.locator("#context .tab", has_text="协办").click()
    page.get_by_role("link", name="交给部门").click()
    page.get_by_label("仓储部").check(force=True)
    page.get_by_label("需要什么").fill("请核实沙发配件库存")
    page.locator("form.form .btn-primary").last.click()
    expect(page.locator(".work-row")).to_contain_text("仓储部")
    expect(page.locator("#head")).to_contain_text("等待其他部门")
    assert serious(page) == []

    theirs.goto(f"{stack.base_url}/desk/tasks/")
    theirs.get_by_role("link", name="请核实沙发配件库存").click()
    expect(theirs.locator(".stream")).to_contain_text("补发配件")
    assert serious(theirs) == []
    theirs.locator(".work-answer textarea").fill("有货，今天可发")
    theirs.locator(".work-answer .btn-primary").click()
    expect(page.locator(".msg-note")).to_contain_text("有货，今天可发")

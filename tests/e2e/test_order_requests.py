"""A new address in a real browser, by keyboard alone: asked on the order, confirmed by hand, true of the order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.test_desk import Person, serious
from tests.stack import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
SEED = """
from tests.factories.accounts import PASSWORD, make_staff, make_team
from tests.factories.orders import make_order, make_shop
shop = make_shop(name="晴天家居")
team = make_team("订单一组", shop_ids=[shop.pk])
make_staff("dan@desk.example", roles=["agent_senior"], teams=[team], password=PASSWORD, display_name="单小组")
make_order(shop=shop, number="DZ-1")
"""
NEWS = """
from orders.models import Shop
from tests.factories.orders import make_order
make_order(shop=Shop.objects.get(), number="DZ-2")
"""


@pytest.fixture(scope="module")
def shop(stack: RunningStack) -> RunningStack:
    """Seed a shop with an order and a senior agent."""
    stack.manage("shell", "-v", "0", "-c", SEED)
    return stack


@pytest.fixture
def agent(browser: Browser, shop: RunningStack) -> Iterator[Person]:
    """Let the agent sign in; no console may have said a word afterwards."""
    person = Person(browser, shop.base_url, "dan@desk.example")
    yield person
    person.context.close()
    assert person.said == []


def test_news_in_the_list_leaves_the_keyboard_where_it_was(agent: Person, stack: RunningStack):
    page = agent.page
    page.goto(f"{stack.base_url}/desk/orders/")
    mine = page.get_by_role("link", name="DZ-1")
    mine.focus()
    stack.manage("shell", "-v", "0", "-c", NEWS)
    expect(page.get_by_role("link", name="DZ-2")).to_be_visible()
    expect(mine).to_be_focused()


def test_address_is_changed_by_keyboard(agent: Person, stack: RunningStack):
    page = agent.page
    page.goto(f"{stack.base_url}/desk/orders/?q=DZ-1")
    page.get_by_role("link", name="DZ-1").first.focus()
    page.keyboard.press("Enter")
    ask = page.get_by_role("link", name="修改地址")
    ask.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="修改地址")
    expect(dialog.get_by_label("省、市、区")).to_be_focused()
    assert serious(page) == []
    page.keyboard.press("Control+A")
    page.keyboard.type("上海市浦东新区")
    page.keyboard.press("Tab")
    page.keyboard.type("世纪大道 88 号 1201")
    page.keyboard.press("Control+Enter")
    expect(dialog).to_be_hidden()
    expect(page.locator(".order-actions")).to_contain_text("待办理")
    page.get_by_role("link", name="修改地址").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#order-request")).to_contain_text("上海市浦东新区 ****")
    assert serious(page) == []
    page.keyboard.press("e")
    answer = page.get_by_role("dialog", name="登记答复")
    expect(answer).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#order-request")).to_contain_text("已办理")
    page.get_by_role("link", name="DZ-1").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#order")).to_contain_text("上海市浦东新区 ****")

"""Emergency mode in a real browser: declare, find, preview, send, one more update, end, review."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.test_desk import Person, serious
from tests.stack import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]  # the story, the desk and its lists are the quick ones
SEED = """
from customers.models import Identity
from tests.factories.accounts import PASSWORD, make_staff, make_team
from tests.factories.orders import make_order, make_parcel, make_shop
from tests.factories.tickets import make_ticket
shop = make_shop(name="晴天家居")
team = make_team("应急一组", shop_ids=[shop.pk])
make_staff("ying@desk.example", roles=["supervisor"], teams=[team], password=PASSWORD, display_name="应主管")
orders = [make_order(shop=shop, region="浙江省嘉兴市", email=f"jx{n}@mail.example") for n in range(3)]
Identity.objects.filter(kind="email").update(is_primary=True)
for order in orders:
    make_parcel(order, place="嘉兴转运中心")
make_ticket(customer=orders[0].customer, order_id=orders[0].pk, shop_id=shop.pk, subject="包裹几天没动了")
"""


@pytest.fixture
def boss(browser: Browser, stack: RunningStack) -> Iterator[Person]:
    """Seed a shop with three parcels and let its supervisor sign in; no console may have said a word afterwards."""
    stack.manage("shell", "-v", "0", "-c", SEED)
    person = Person(browser, stack.base_url, "ying@desk.example")
    yield person
    person.context.close()
    assert person.said == []


LATE_TICKET = """
from orders.models import Order
from tests.factories.tickets import make_ticket
order = Order.objects.order_by("pk")[1]
make_ticket(customer=order.customer, order_id=order.pk, shop_id=order.shop_id, subject="东西到哪了")
"""


OTHER_SETTLES = """
document.addEventListener('htmx:afterSwap', () => document.body.dispatchEvent(
  new CustomEvent('htmx:afterSettle', {bubbles: true, detail: {xhr: new XMLHttpRequest()}})))
"""  # between a part's coming and its hearing another one is through


def hear_of_a_ticket_while_the_panel_comes(page: Page, stack: RunningStack) -> None:
    """The panel was made before the ticket and comes after the news of it."""
    asked: list[Any] = []
    page.route("**/desk/incidents/*/tickets/", lambda route: route.continue_() if asked else asked.append(route))
    with page.expect_request("**/desk/incidents/*/tickets/"):
        page.reload()
    expect(page.locator("html")).to_have_attribute("data-live", "open")
    page.evaluate("document.addEventListener('live:tickets', () => (document.body.dataset.told = '1'))")
    page.wait_for_timeout(500)
    page.evaluate(OTHER_SETTLES)
    answer = asked[0].fetch()
    assert "东西到哪了" not in answer.text()
    stack.manage("shell", "-v", "0", "-c", LATE_TICKET)
    expect(page.locator("body[data-told]")).to_be_attached(timeout=30_000)
    asked[0].fulfill(response=answer)
    expect(page.locator("#incident-tickets")).to_contain_text("东西到哪了")
    page.unroute("**/desk/incidents/*/tickets/")


def test_an_incident_from_its_declaration_to_its_review(boss: Any, stack: RunningStack) -> None:
    page = boss.page
    page.goto(f"{stack.base_url}/desk/incidents/new/")
    page.get_by_label("标题").fill("嘉兴转运中心停运")
    page.get_by_label("类型").select_option("hub_stuck")
    page.get_by_label("晴天家居").check(force=True)
    page.get_by_role("button", name="上报").click()
    page.get_by_label("最近到达地点包含").fill("嘉兴")
    page.get_by_role("button", name="先统计").click()
    expect(page.locator("#preview")).to_contain_text("关联 3 个订单")
    assert serious(page) == []
    page.get_by_role("button", name="关联 3 个订单").click()
    expect(page.locator("#incident-state")).to_contain_text("涉及 3 位客户")
    expect(page.locator("#incident-tickets")).to_contain_text("包裹几天没动了", timeout=30_000)

    hear_of_a_ticket_while_the_panel_comes(page, stack)

    updates = (("{customer_name}您好，{order_number} 延误。", False), ("{order_number} 已恢复派送。", True))
    for text, is_final in updates:
        if is_final:
            page.locator("#telling summary").click()
        page.get_by_label("中文内容").fill(text)
        if is_final:
            page.get_by_label("这是最后一次通报").check(force=True)
        page.get_by_role("button", name="保存并预览").click()
        expect(page.locator("main")).to_contain_text("延误" if not is_final else "已恢复派送")
        page.get_by_role("button", name="发给 3 位客户").click()
        page.get_by_role("alertdialog").get_by_role("button", name="发送").click()
        expect(page.locator("#incident-updates")).to_contain_text("已通知 3 / 3", timeout=45_000)
        expect(page.locator("#incident-updates article").first).to_contain_text("已发完")
    assert serious(page) == []

    page.get_by_role("button", name="结束事件").click()
    expect(page.locator("#incident-state")).to_contain_text("待复盘")
    page.get_by_role("link", name="写复盘").click()
    review = {"经过": "停运一天", "原因": "设备检修", "哪些做法有效": "提前告知", "改进措施": "改走杭州"}
    for label, text in review.items():
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="保存复盘").click()
    expect(page.locator("#incident-state")).to_contain_text("改走杭州")
    expect(page.locator("#incident-figures")).to_contain_text("100%")
    assert serious(page) == []

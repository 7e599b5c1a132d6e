"""A supervisor builds a rule, tries it on the past, switches it on; a customer's next request is changed by it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsing import late_scripts, sign_in
from tests.stack import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]  # the story, the desk and its lists are the quick ones
SEED = """
from django.utils import timezone
from tests.factories.accounts import PASSWORD, make_staff, make_team
from tests.factories.customers import make_customer
from tests.factories.orders import make_shop
from tests.factories.tickets import make_ticket
shop = make_shop("sunny")
team = make_team("售后一组")
make_staff("lin@desk.example", roles=["supervisor"], teams=[team], password=PASSWORD, display_name="林主管")
wei = make_customer(name="张伟")
make_ticket(customer=wei, subject="杯子漏液", text="一倒水就漏", team_id=team.pk, shop_id=shop.pk)
make_ticket(customer=make_customer(name="李娜"), subject="发票", text="请开发票", team_id=team.pk, shop_id=shop.pk)
"""


@pytest.fixture(scope="module")
def seeded(stack: RunningStack) -> RunningStack:
    """Have a supervisor and two tickets of the past."""
    stack.manage("shell", "-v", "0", "-c", SEED)
    return stack


@pytest.fixture
def boss(browser: Browser, seeded: RunningStack) -> Iterator[Page]:
    """Sign the supervisor in; the console may not say a word."""
    context = browser.new_context(locale="zh-CN", viewport={"width": 1280, "height": 900}, base_url=seeded.base_url)
    page, said = context.new_page(), []
    page.on("console", lambda line: said.append(line.text) if line.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    sign_in(page, "", "lin@desk.example", "/settings/rules/")
    yield page
    context.close()
    assert said == []


def test_a_rule_is_built_tried_switched_on_and_works(boss: Page, browser: Browser, seeded: RunningStack) -> None:
    boss.get_by_role("link", name="新建规则").first.click()
    boss.get_by_label("名称").fill("漏液优先")
    boss.locator("[name=all-0-what]").select_option("words")
    words = boss.locator("[name=all-0-value]")
    words.fill("漏液，漏水")
    boss.get_by_role("button", name="添加条件").click()
    boss.locator("[name=all-1-what]").select_option("channel")
    boss.locator("#row-all-1 label", has_text="在线表单").click()
    boss.locator("[name=do-0-do]").select_option("priority")
    boss.locator("[name=do-0-value]").select_option("40")
    expect(boss.locator(".rule-told")).to_contain_text(
        "当有新工单时，如果主题或正文包含“漏液”、“漏水”，并且渠道是在线表单，就把优先级改为紧急。"
    )
    boss.get_by_role("button", name="保存", exact=True).click()
    boss.get_by_role("link", name="用最近 30 天试跑").click()
    boss.get_by_role("button", name="用最近 30 天试跑").click()
    result = boss.locator(".rule-result")
    expect(result).to_contain_text("其中 1 个会命中")
    expect(boss.locator("#trial table")).to_contain_text("杯子漏液")
    boss.goto("/settings/rules/")
    boss.get_by_role("button", name="启用“漏液优先”").click()
    expect(boss.locator(".rule .badge").first).to_contain_text("已启用")
    number = _write(browser, seeded)
    with seeded.db() as database:
        for _ in range(120):
            found = database.execute("SELECT id, priority FROM tickets_ticket ORDER BY id DESC LIMIT 1").fetchone()
            assert found is not None
            if found["priority"] == 40:
                break
            time.sleep(0.25)
    assert (found["priority"], str(found["id"] + 100_000)) == (40, number)
    boss.goto(f"/desk/t/{found['id']}/")
    expect(boss.locator("[data-stream]")).to_contain_text("规则“漏液优先”：优先级")
    boss.get_by_role("link", name="为什么？").click()
    expect(boss.locator(".rule-run")).to_contain_text("主题或正文包含“漏液”、“漏水”")


def test_what_is_chosen_before_the_scripts_have_come_counts(boss: Page) -> None:
    with late_scripts(boss, "/settings/rules/new/"):
        boss.locator("[name=all-0-what]").select_option("words")
    boss.locator("[name=all-0-value]").fill("漏液")
    boss.goto("/settings/rules/")


def test_a_row_is_added_and_words_stay_however_slow_the_answers_are(boss: Page) -> None:
    held: list[Any] = []
    boss.goto("/settings/rules/new/")
    boss.locator("[name=all-0-what]").select_option("words")
    words, name = boss.locator("[name=all-0-value]"), boss.get_by_label("名称")
    words.fill("漏液")
    boss.route("**/settings/rules/new/", lambda route: held.append(route))
    with boss.expect_request("**/settings/rules/new/"):  # a look, by leaving the field
        name.click()
    name.fill("漏液优先")
    with boss.expect_request(lambda asked: "add=all" in (asked.post_data or "")):
        boss.get_by_role("button", name="添加条件").click()
    boss.wait_for_timeout(400)  # another look wants to go
    words.fill("漏液，漏水")  # and somebody goes on writing
    for route in held:
        route.continue_()
    boss.unroute("**/settings/rules/new/")
    expect(boss.locator("[name=all-1-what]")).to_be_visible()
    expect(words).to_have_value("漏液，漏水")
    expect(name).to_have_value("漏液优先")
    boss.goto("/settings/rules/")


def _write(browser: Browser, seeded: RunningStack) -> str:
    """Send the public form as a customer; return the ticket's number."""
    context = browser.new_context(locale="zh-CN", base_url=seeded.base_url, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto("/contact/?shop=sunny")
    page.locator("label.choice, .choices label").first.click()
    page.fill("[name=text]", "刚收到的保温杯漏水，怎么办？")
    page.fill("[name=phone]", "13900001234")
    page.fill("[name=email]", "wang@mail.example")
    page.wait_for_timeout(2_500)  # people do not type faster either
    page.locator(".thumb-bar button").click()
    page.wait_for_url("**/contact/done/**")
    text = page.locator("body").inner_text()
    context.close()
    found = re.search(r"\b1\d{5}\b", text)
    assert found is not None
    return found[0]

"""Lists and joined demand in a real browser: order kept, a filter made, many changed and undone, two tickets joined."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.test_desk import Person
from tests.stack import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
SEED = """
from tests.factories.accounts import PASSWORD, make_staff, make_team
from tests.factories.desk import make_category, make_desk_ticket, make_person
team = make_team("列表组")
make_staff("liebiao@desk.example", roles=["agent_senior"], teams=[team], password=PASSWORD, display_name="周列")
top = make_category()
person = make_person("双问")
make_desk_ticket(subject="杯子碎了怎么办", customer=person, team=team, category=top, channel="email")
make_desk_ticket(subject="杯子碎了还没人理", customer=person, team=team, category=top)
for n in range(3):
    make_desk_ticket(subject=f"普通问题 {n}", team=team, tags=["批量"])
"""


def test_an_agent_filters_changes_many_undoes_and_joins(stack: RunningStack, browser: Browser) -> None:
    stack.manage("shell", "-v", "0", "-c", SEED)
    person = Person(browser, stack.base_url, "liebiao@desk.example")
    page = person.page
    page.goto(f"{stack.base_url}/desk/filters/new/")
    page.fill("[name=name]", "批量单")
    page.fill("[name=tags]", "批量")
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#tickets > li")).to_have_count(3)
    expect(page.locator("#saved .view-link", has_text="批量单").locator(".view-count")).to_have_text("3")
    for box in page.locator(".ticket-check").all():
        box.check(force=True)
    with page.expect_response(lambda answer: "/desk/list/" in answer.url):
        page.evaluate("htmx.trigger(document.querySelector('#list'), 'live')")  # as on any news of any ticket
    expect(page.locator("#list.htmx-request, #list.htmx-settling")).to_have_count(0)
    expect(page.locator(".ticket-check:checked")).to_have_count(3)
    page.locator(".bulk-more > summary").click()
    page.locator("#bulk-priority").select_option("40")
    page.locator("[name=do][value=priority]").click()
    expect(page.locator("#tickets .text-bad")).to_have_count(3)
    page.get_by_role("button", name="撤销").click()
    expect(page.locator("#tickets .text-bad")).to_have_count(0)
    page.locator("[popovertarget=list-menu]").click()
    page.locator("#list-menu [name=sort][value=priority]").click()
    expect(page.locator("#list-menu [aria-pressed=true]")).to_have_attribute("value", "priority")
    page.goto(f"{stack.base_url}/desk/?view=open")
    page.locator(".ticket", has_text="杯子碎了还没人理").click()
    expect(page.locator("#around")).to_contain_text("杯子碎了怎么办")
    page.locator("#around [value=join]").click()
    expect(page.locator("#stream .msg")).to_have_count(2)
    expect(page.locator("#head h1")).to_have_text("杯子碎了怎么办")
    assert person.said == []
    person.context.close()

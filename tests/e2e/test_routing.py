"""Routing in a real browser: a ticket is handed out, the story says why, the shift is handed over in one step."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.test_desk import SOON, Person
from tests.stack import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]  # the story, the desk and its lists are the quick ones
SEED = """
from django.utils import timezone
from core.actors import SYSTEM
from tests.factories.accounts import PASSWORD, make_staff, make_team
from tests.factories.desk import make_desk_ticket, make_person
from tickets.services.routing.settings import RoutingTerms, save_team_routing
team = make_team("派单组")
make_staff("hua@desk.example", roles=["agent"], teams=[team], password=PASSWORD, display_name="华小美")
make_staff("ming@desk.example", roles=["agent"], teams=[team], password=PASSWORD, display_name="明大伟")
for subject in ("包裹丢了一件", "发票抬头错了"):
    make_desk_ticket(subject=subject, customer=make_person("周静"), team=team, priority=40)
save_team_routing(
    team_id=team.pk, version=0, terms=RoutingTerms("automatic", 15, 30), actor=SYSTEM, at=timezone.now()
)
"""


@pytest.fixture(scope="module")
def routed(stack: RunningStack) -> RunningStack:
    """Two agents of a team that hands tickets out, and two tickets that wait."""
    stack.manage("shell", "-v", "0", "-c", SEED)
    return stack


def test_who_signs_in_is_given_what_waits_and_leaves_nothing_behind(routed: RunningStack, browser: Browser) -> None:
    hua = Person(browser, routed.base_url, "hua@desk.example")
    page = hua.page
    page.goto(f"{routed.base_url}/desk/?view=mine")
    expect(page.locator("#tickets .ticket")).to_have_count(2, timeout=SOON)
    page.get_by_text("包裹丢了一件").first.click()
    expect(page.locator("#conversation")).to_contain_text("系统 把工单分配给 华小美", timeout=SOON)

    ming = Person(browser, routed.base_url, "ming@desk.example")
    expect(ming.page.locator(".rail")).to_contain_text("在线")
    page.keyboard.press("Shift+S")
    page.locator(".rail #presence-menu").get_by_role("button", name="已下班").click()
    page.wait_for_url("**/desk/hand-over/")
    expect(page.locator("main")).to_contain_text("发票抬头错了")
    page.get_by_label("全部工单交给").select_option(
        label=page.locator("select option", has_text="明大伟").first.inner_text()
    )
    page.get_by_label("给接手同事的话").fill("快递公司下午四点回电")
    page.get_by_role("button", name="交接 2 个工单并下班").click()
    page.wait_for_url("**/desk/")
    expect(page.locator(".rail")).to_contain_text("已下班")

    ming.page.goto(f"{routed.base_url}/desk/?view=mine")
    expect(ming.page.locator("#tickets .ticket")).to_have_count(2, timeout=SOON)
    ming.page.get_by_text("发票抬头错了").first.click()
    expect(ming.page.locator("#conversation")).to_contain_text("快递公司下午四点回电", timeout=SOON)
    assert hua.said == []
    assert ming.said == []
    for person in (hua, ming):
        person.context.close()

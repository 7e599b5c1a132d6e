"""A conversation is reviewed by keyboard, its agent reads it and appeals, another reviewer decides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.test_desk import Person, serious
from tests.stack import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]  # the story, the desk and its lists are the quick ones
SEED = """
from django.utils import timezone
from core.actors import Actor
from tests.factories.accounts import PASSWORD, make_staff, make_team
from tests.factories.quality import make_answered, make_review, make_rubric
from tests.factories.tickets import make_reply
from tickets.services.quality.screening import screen_message
team = make_team("质检一组")
agent = make_staff("ting@desk.example", roles=["agent"], teams=[team], password=PASSWORD, display_name="听雨")
one = make_staff("jian@desk.example", roles=["quality"], teams=[team], password=PASSWORD, display_name="简评")
two = make_staff("heng@desk.example", roles=["quality"], teams=[team], password=PASSWORD, display_name="衡量")
ticket = make_answered(agent, subject="床单洗后掉色")
message = make_reply(ticket, agent, text="不知道，等着吧。")
screen_message(message_id=message.pk, at=timezone.now())
print(make_review(agent, one, ticket=ticket, rubric=make_rubric()).pk)
"""


@pytest.fixture
def people(browser: Browser, stack: RunningStack) -> Iterator[Any]:
    """Seed a review; three people sign in. Afterwards no console may have said a word."""
    stack.manage("shell", "-v", "0", "-c", SEED)
    found = [Person(browser, stack.base_url, f"{who}@desk.example") for who in ("ting", "jian", "heng")]
    yield found
    said = [word for person in found for word in person.said]
    for person in found:
        person.context.close()
    assert said == []


def test_a_review_is_written_read_appealed_and_decided(people: Any, stack: RunningStack) -> None:
    agent, first, second = (person.page for person in people)
    first.goto(f"{stack.base_url}/desk/reviews/")
    first.get_by_role("link", name="床单洗后掉色").click()
    expect(first.locator(".review-finding mark").first).to_have_text("不知道")
    assert serious(first) == []
    first.locator(".review-finding button", has_text="准确").first.click()
    expect(first.locator(".review-finding", has_text="准确").first).to_be_visible()
    first.keyboard.press("j")
    first.keyboard.press("2")
    first.locator("[data-evidence]").last.click()
    expect(first.locator("[name=m-tone]")).not_to_have_value("")
    first.locator("[name=c-tone]").fill("没有安抚客户")
    expect(first.locator("#review-score")).to_contain_text("草稿已保存")
    first.reload()
    expect(first.locator("[name=c-tone]")).to_have_value("没有安抚客户")
    for key, value in (("facts", "4"), ("redline", "1")):
        first.locator(f"input[name=v-{key}][value='{value}']").check(force=True)
    first.locator(".review-end .btn-primary").click()
    expect(first.locator("h1")).to_have_text("会话质检")

    agent.goto(f"{stack.base_url}/desk/quality/")
    agent.get_by_role("link", name="床单洗后掉色").click()
    expect(agent.locator(".review-score")).to_have_text("56.0")
    expect(agent.locator("main")).to_contain_text("没有安抚客户")
    agent.locator("summary", has_text="我有不同意见").click()
    agent.locator("[name=reason]").fill("前一条我已经安抚过了")
    agent.get_by_role("button", name="申诉").click()
    expect(agent.locator("main")).to_contain_text("您的申诉正在处理")
    assert serious(agent) == []

    second.goto(f"{stack.base_url}/desk/reviews/?tab=appeals")
    second.get_by_role("link", name="床单洗后掉色").click()
    expect(second.locator("main")).to_contain_text("前一条我已经安抚过了")
    second.locator("input[name=v-tone][value='4']").check(force=True)
    second.locator("[name=decision]").fill("前一条确实安抚了")
    second.locator("button[name=change]").click()
    expect(second.locator("h1")).to_have_text("会话质检")
    agent.reload()
    expect(agent.locator("main")).to_contain_text("申诉成立")
    expect(agent.locator(".review-score")).to_have_text("80.0")

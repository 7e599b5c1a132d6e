"""A customer fills in a survey on a phone, with and without scripts; an agent sees visits come due."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsing import sign_in
from tests.stack import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]  # the story, the desk and its lists are the quick ones
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
SEED = """
from datetime import timedelta
from django.utils import timezone
from feedback.models import Survey
from tests.factories.accounts import PASSWORD, make_staff, make_team
from tests.factories.feedback import make_completed_order, make_customer, make_ticket, resolve
from tests.factories.orders import make_shop
Survey.objects.update(delay_minutes=0)
team = make_team("售后一组")
me = make_staff("wang@visits.example", roles=["supervisor"], teams=[team], password=PASSWORD, display_name="王晓敏")
shop = make_shop(name="山野生活馆", color="#C2410C", contact_phone="400-820-0042")
for name in ("李小红", "张伟", "王芳"):
    ticket = make_ticket(make_customer(name=name), shop_id=shop.pk, team_id=team.pk, assignee_id=me.pk)
    resolve(ticket, me)
for days in (3, 9, 4):
    make_completed_order(at=timezone.now() - timedelta(days=days), run=False)
"""


@pytest.fixture(scope="module")
def seeded(stack: RunningStack) -> RunningStack:
    """Resolve three tickets and complete three orders; the product's own worker does the rest."""
    stack.manage("shell", "-v", "0", "-c", SEED)
    return stack


def links(stack: RunningStack, count: int) -> list[str]:
    """Return the survey links in the mails that went out, as soon as there are so many."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with stack.db() as db:
            rows = db.execute(
                "SELECT text FROM notifications_delivery"
                " WHERE template LIKE 'feedback.survey_invitation.t%' ORDER BY id"
            ).fetchall()
        if len(rows) >= count:
            return [re.findall(r"/s/[\w-]{32}", row["text"])[0] for row in rows]
        time.sleep(0.2)
    pytest.fail("the worker sent no survey")


@pytest.fixture
def visit(browser: Browser, seeded: RunningStack) -> Iterator[Any]:
    """Open browser windows; afterwards no console may have said a word."""
    said: list[str] = []
    contexts = []

    def open_window(**options: Any) -> Page:
        context = browser.new_context(base_url=seeded.base_url, locale="zh-CN", **options)
        contexts.append(context)
        page: Page = context.new_page()
        page.on("console", lambda line: said.append(line.text) if line.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        return page

    yield open_window
    for context in contexts:
        context.close()
    expected = (
        "status of 410",  # a dead link
        "status of 422",  # a form with a gap
        "closed before the connection is established",  # the test left a page before its live line stood
    )
    assert [line for line in said if not any(words in line for words in expected)] == []


def serious(page: Page) -> list[str]:
    """Return the serious axe violations of a page."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {json.dumps([node['html'][:120] for node in one['nodes']][:3], ensure_ascii=False)}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


def count_answers(stack: RunningStack) -> int:
    with stack.db() as db:
        return int(db.execute("SELECT count(*) AS n FROM feedback_answer").fetchone()["n"])


def test_dissatisfied_customer_answers_on_a_phone(seeded: RunningStack, visit: Any) -> None:
    link = links(seeded, 3)[0]
    before = count_answers(seeded)
    page = visit(**PHONE)
    page.goto(f"{link}?score=4")
    expect(page.get_by_role("radio", name="满意", exact=True)).to_be_checked()
    expect(page.locator("[data-screen]:visible")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert serious(page) == []
    page.get_by_role("radio", name="很不满意", exact=True).check()
    expect(page.get_by_text("哪里没有做好？")).to_be_visible()  # by itself, and only after a low answer
    expect(page.locator("[data-survey-count]")).to_have_text("第 2 题，共 3 题")
    page.get_by_role("button", name="下一题").tap()
    expect(page.get_by_text("请至少选择一项。")).to_be_visible()
    page.get_by_label("回复太慢").check()
    page.get_by_role("button", name="返回").tap()
    expect(page.get_by_role("radio", name="很不满意")).to_be_checked()
    page.reload()
    expect(page.get_by_text("哪里没有做好？").or_(page.get_by_text("还有什么想告诉我们的？")).first).to_be_attached()
    page.goto(link)  # what was chosen is kept, and the page goes on where it stopped
    expect(page.get_by_text("还有什么想告诉我们的？")).to_be_visible()
    page.locator("textarea").fill("等了三天才回复 <b>")
    page.wait_for_timeout(3_100)  # a person takes longer than three seconds; who does not is set aside
    assert count_answers(seeded) == before
    page.get_by_role("button", name="提交评价").tap()
    expect(page.get_by_role("heading", name="谢谢您")).to_be_visible()
    expect(page.get_by_text("24 小时内联系您")).to_be_visible()
    assert serious(page) == []
    assert count_answers(seeded) == before + 1
    answer = page.goto(link)
    assert answer is not None
    assert answer.status == 410
    expect(page.get_by_role("heading", name="问卷已关闭")).to_be_visible()


def test_customer_answers_without_scripts_in_english(seeded: RunningStack, visit: Any) -> None:
    link = links(seeded, 3)[1]
    before = count_answers(seeded)
    page = visit(**PHONE, java_script_enabled=False)
    page.goto(link)
    page.get_by_role("button", name="English").click()
    expect(page.get_by_text("How satisfied are you with our help?")).to_be_visible()
    expect(page.locator("[data-screen]:visible")).to_have_count(3)
    page.get_by_role("button", name="Send my answer").click()
    expect(page.get_by_text("Please choose one.")).to_be_visible()
    page.get_by_label("Very happy").check()
    page.get_by_role("button", name="Send my answer").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert count_answers(seeded) == before + 1


def test_agent_works_through_the_visits_and_reads_the_answers(seeded: RunningStack, visit: Any) -> None:
    page = visit(viewport={"width": 1440, "height": 900})
    sign_in(page, "", "wang@visits.example", "/desk/visits/")
    expect(page.locator("html[data-live=open]")).to_be_attached()
    expect(page.locator("tbody tr")).to_have_count(3, timeout=20_000)
    assert serious(page) == []
    seeded.manage(
        "shell", "-v", "0", "-c",
        "from datetime import timedelta\nfrom django.utils import timezone\n"
        "from tests.factories.feedback import make_completed_order\n"
        "make_completed_order(at=timezone.now() - timedelta(days=5), run=False)",
    )  # fmt: skip
    expect(page.locator("tbody tr")).to_have_count(4, timeout=15_000)

    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="参考话术")).to_be_visible()
    assert serious(page) == []
    page.keyboard.press("t")
    expect(page.get_by_role("button", name="放回列表")).to_be_visible()
    page.get_by_role("radio", name="已回答").check()
    page.locator(".visit-if-answered").get_by_role("radio").nth(3).check()
    page.locator("textarea").fill("收到了，很好用")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("这是下一个回访")).to_be_visible()

    page.goto("/desk/visits/?tab=done")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.goto("/desk/feedback/")
    expect(page.locator("#answers")).to_contain_text("等了三天才回复 <b>")
    assert serious(page) == []
    page.goto("/desk/visits/")

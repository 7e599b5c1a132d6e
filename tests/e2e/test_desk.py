"""The agent's desk in a real browser, on the real product: by keyboard, live in two browsers, accessible, quiet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsing import sign_in
from tests.stack import RunningStack

pytestmark = pytest.mark.e2e
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
SOON = 15_000  # ms: within a second on a quiet machine
SEED = """
from tests.factories.accounts import PASSWORD, make_staff, make_team
from tests.factories.desk import make_canned, make_desk_order, make_desk_ticket, make_person, make_shop
team = make_team("售后一组")
me = make_staff("wang@desk.example", roles=["agent_senior"], teams=[team], password=PASSWORD, display_name="王晓敏")
make_staff("li@desk.example", roles=["agent_senior"], teams=[team], password=PASSWORD, display_name="李建国")
shop = make_shop(code="qinghe", name="青禾家居")
for name, subject in (("张伟", "快递显示签收但我没有收到"), ("王芳", "沙发脚裂了"), ("李娜", "什么时候能发货")):
    person = make_person(name)
    order = make_desk_order(shop=shop, customer=person)
    make_desk_ticket(subject=subject, customer=person, shop=shop, team=team, order=order)
make_canned("核实物流", "{customer_name}您好，订单 {order_number} 正在核实。", shortcut="hswl")
"""


class Person:
    """Somebody at the desk: a browser window that remembers what its console said."""

    def __init__(self, browser: Browser, address: str, email: str, **options: Any) -> None:
        self.said: list[str] = []
        self.context = browser.new_context(locale="zh-CN", **{"viewport": {"width": 1440, "height": 900}, **options})
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda line: self.said.append(line.text) if line.type in {"error", "warning"} else None)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on(
            "response",
            lambda answer: self.said.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None,
        )
        sign_in(self.page, address, email, "/desk/?view=open")
        expect(self.page.locator("html")).to_have_attribute("data-live", "open")


@pytest.fixture(scope="module")
def seeded(stack: RunningStack) -> RunningStack:
    """Fill the product with two colleagues and three tickets."""
    stack.manage("shell", "-v", "0", "-c", SEED)
    return stack


@pytest.fixture
def sit_down(browser: Browser, seeded: RunningStack) -> Iterator[Any]:
    """Let people sign in; afterwards nobody's console may have said a word."""
    people: list[Person] = []

    def sign_in(email: str, **options: Any) -> Person:
        people.append(Person(browser, seeded.base_url, email, **options))
        return people[-1]

    yield sign_in
    said = {word for person in people for word in person.said}
    for person in people:
        person.context.close()
    assert said == set()


def serious(page: Page) -> list[str]:
    """Return the serious axe violations of a page."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {json.dumps([node['html'][:120] for node in one['nodes']][:3], ensure_ascii=False)}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


def test_a_ticket_is_answered_and_resolved_by_keyboard_while_a_colleague_looks_on(sit_down: Any) -> None:
    wang, li = sit_down("wang@desk.example"), sit_down("li@desk.example")
    mine, hers = wang.page, li.page
    mine.keyboard.press("j")
    mine.keyboard.press("Enter")
    expect(mine.locator("#composer")).to_be_visible()
    expect(mine.locator(".ticket[aria-current=true]")).to_have_count(1)
    hers.goto(mine.url)
    expect(mine.locator("#viewers")).to_contain_text("李建国", timeout=SOON)

    mine.keyboard.press("r")
    mine.keyboard.type("/hswl")
    expect(mine.locator(".canned-item").first).to_be_visible()
    mine.keyboard.press("Enter")
    expect(mine.locator("#composer textarea")).not_to_have_value("/hswl")  # the list may be of fewer letters still
    words = mine.locator("#composer textarea").input_value()
    assert words.endswith("正在核实。")
    assert "{" not in words
    mine.keyboard.press("Control+Enter")
    expect(hers.locator(".msg-out", has_text="正在核实。")).to_be_visible(timeout=SOON)
    expect(mine.locator("#composer textarea")).to_have_value("")

    mine.keyboard.press("Escape")
    mine.keyboard.press("n")
    mine.keyboard.type("仓库已确认，今天补发")
    mine.keyboard.press("Control+Enter")
    expect(hers.locator(".msg-note", has_text="仓库已确认")).to_be_visible(timeout=SOON)
    expect(mine.locator("#composer textarea")).to_have_value("")

    mine.keyboard.press("Escape")
    mine.keyboard.press("e")
    expect(hers.locator("#head")).to_contain_text("已解决", timeout=SOON)
    expect(mine.locator(".msg-out")).to_have_count(1)


@pytest.mark.slow
def test_news_while_writing_is_shown_before_sending(sit_down: Any) -> None:
    wang, li = sit_down("wang@desk.example"), sit_down("li@desk.example")
    for person in (wang, li):
        person.page.goto(f"{person.page.url.split('/desk/')[0]}/desk/t/2/?view=open")
    wang.page.keyboard.press("r")
    wang.page.keyboard.type("我来处理")
    li.page.keyboard.press("r")
    li.page.keyboard.type("已经安排补发")
    li.page.keyboard.press("Control+Enter")
    expect(wang.page.locator(".msg-out", has_text="已经安排补发")).to_be_visible(timeout=SOON)
    expect(wang.page.locator("#composer textarea")).to_have_value("我来处理")
    wang.page.keyboard.press("Control+Enter")
    expect(wang.page.locator("[data-composer-alert]")).to_contain_text("李建国")
    wang.page.get_by_role("button", name="仍然发送").click()
    expect(li.page.locator(".msg-out", has_text="我来处理")).to_be_visible(timeout=SOON)
    wang.said[:] = [word for word in wang.said if "409" not in word]


@pytest.mark.slow
def test_an_answer_written_offline_goes_out_once_when_the_line_is_back(sit_down: Any, seeded: RunningStack) -> None:
    wang = sit_down("wang@desk.example")
    page = wang.page
    page.goto(f"{page.url.split('/desk/')[0]}/desk/t/3/?view=open")
    page.keyboard.press("r")
    page.keyboard.type("离线时写的回复")
    page.wait_for_timeout(1_000)
    wang.context.set_offline(True)
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-composer-alert]")).to_contain_text("网络断开")
    expect(page.locator("#composer textarea")).to_have_value("离线时写的回复")
    wang.context.set_offline(False)
    expect(page.locator(".msg-out", has_text="离线时写的回复")).to_be_visible(timeout=15_000)
    with seeded.db() as connection:
        sent = connection.execute("SELECT count(*) AS n FROM tickets_message WHERE text = '离线时写的回复'").fetchone()
    assert sent == {"n": 1}
    wang.said[:] = [
        word
        for word in wang.said
        if "ERR_INTERNET_DISCONNECTED" not in word and "WebSocket" not in word and "htmx" not in word
    ]


@pytest.mark.slow
def test_a_draft_follows_its_writer(sit_down: Any) -> None:
    wang = sit_down("wang@desk.example")
    url = f"{wang.page.url.split('/desk/')[0]}/desk/t/3/?view=open"
    wang.page.goto(url)
    wang.page.keyboard.press("n")
    wang.page.keyboard.type("写到一半的备注")
    expect(wang.page.locator(".composer-state")).to_contain_text("草稿已保存")
    elsewhere = sit_down("wang@desk.example")
    elsewhere.page.goto(url)
    expect(elsewhere.page.locator("#composer textarea")).to_have_value("写到一半的备注")
    expect(elsewhere.page.locator("#composer")).to_have_class("composer is-note")
    wang.page.locator("#composer [data-kind=public]").click()
    with wang.page.expect_response(lambda answer: "kind=public" in (answer.request.post_data or "")):
        wang.page.keyboard.type("写到一半的回复")
    elsewhere.page.goto(url.replace("t/3/", "t/2/"))
    opened = "(url) => htmx.ajax('GET', url, {target: '#conversation', swap: 'outerHTML'})"  # in place, no new page
    elsewhere.page.evaluate(opened, url)
    expect(elsewhere.page.locator("#composer[data-ticket='3']")).to_be_visible()
    for kind, words in (("public", "写到一半的回复"), ("note", "写到一半的备注")):
        elsewhere.page.locator(f"#composer [data-kind={kind}]").click()
        expect(elsewhere.page.locator("#composer textarea")).to_have_value(words)


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["wide", "phone"])
def test_desk_is_accessible_and_never_scrolls_sideways(sit_down: Any, theme: str, size: tuple[int, int]) -> None:
    wang = sit_down("wang@desk.example", color_scheme=theme, viewport={"width": size[0], "height": size[1]})
    start = wang.page.url.split("/desk/")[0]
    for path in ("/desk/?view=open", "/desk/t/2/?view=open", "/desk/search/?q=沙发"):
        wang.page.goto(start + path)
        assert serious(wang.page) == [], path
        assert wang.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_palette_finds_a_ticket_and_a_command(sit_down: Any) -> None:
    wang = sit_down("wang@desk.example")
    page = wang.page
    page.keyboard.press("Control+k")
    page.keyboard.type("沙发脚")
    expect(page.locator("#palette-list [data-kind=ticket]").first).to_contain_text("沙发脚裂了")
    page.keyboard.press("Enter")
    expect(page.locator("#head h1")).to_have_text("沙发脚裂了")

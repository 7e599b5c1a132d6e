"""Writing in a real browser: a Chinese input method, taking an answer back, mentions, macros, missing fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsing import late_scripts
from tests.e2e.test_desk import Person, serious
from tests.stack import RunningStack, running_stack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]  # the story, the desk and its lists are the quick ones
SEED = """
from tests.factories.accounts import PASSWORD, make_staff, make_team
from tests.factories.desk import make_category, make_desk_order, make_desk_ticket, make_person, make_shop
from tickets.services import save_field, save_macro
from tickets.services.fields import FieldWords
from tickets.services.macros import MacroWords
team = make_team("售后一组")
make_staff("wang@desk.example", roles=["agent_senior"], teams=[team], password=PASSWORD, display_name="王晓敏")
make_staff("li@desk.example", roles=["agent_senior"], teams=[team], password=PASSWORD, display_name="李建国")
shop = make_shop(code="qinghe", name="青禾家居")
kind = make_category(key="broken", name_zh="破损", name_en="Broken")
for subject in ("杯子裂了", "沙发脚裂了", "镜子碎了"):
    person = make_person("张伟")
    order = make_desk_order(shop=shop, customer=person)
    make_desk_ticket(subject=subject, customer=person, shop=shop, team=team, order=order, category=kind)
make_desk_ticket(subject="催发货", team=team)
make_desk_ticket(subject="退款什么时候到", team=team)
for subject in ("问尺寸", "问颜色", "问材质", "问包装"):
    make_desk_ticket(subject=subject, team=team)
save_field(pk=None, words=FieldWords(key="batch", label_zh="批次号", label_en="Batch", category_id=kind.pk,
                                     is_required=True))
save_macro(pk=None, words=MacroWords(title="补发", body="{customer_name}您好，已为您补发。", add_tags=("补发",),
                                     priority=30))
"""


@pytest.fixture(scope="module")
def product() -> Iterator[RunningStack]:
    """Run the product with six seconds to take an answer back."""
    with running_stack(UNDO_SEND_SECONDS="6") as stack:
        stack.manage("shell", "-v", "0", "-c", SEED)
        yield stack


@pytest.fixture
def sit_down(browser: Browser, product: RunningStack) -> Iterator[Any]:
    """Let people open a ticket; afterwards nobody's console may have said a word."""
    people: list[Person] = []

    def sign_in(ticket: int, email: str = "wang@desk.example", **options: Any) -> Person:
        people.append(Person(browser, product.base_url, email, **options))
        people[-1].page.goto(f"{product.base_url}/desk/t/{ticket}/?view=open")
        return people[-1]

    yield sign_in
    said = {word for person in people for word in person.said if "422" not in word}
    for person in people:
        person.context.close()
    assert said == set()


def text_of(page: Page) -> Any:
    return page.locator("#composer textarea[name=text]")


def test_enter_of_an_input_method_never_sends_and_never_chooses(sit_down: Any) -> None:
    page = sit_down(4).page
    page.keyboard.press("r")
    line = page.context.new_cdp_session(page)
    line.send("Input.imeSetComposition", {"text": "nihao", "selectionStart": 5, "selectionEnd": 5})
    fire = """(held) => { const area = document.querySelector('#composer textarea[name=text]');
      area.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', ctrlKey: held, isComposing: true, keyCode: 229,
        bubbles: true, cancelable: true})); }"""
    page.evaluate(fire, False)
    page.evaluate(fire, True)
    expect(text_of(page)).to_have_value("nihao")
    line.send("Input.insertText", {"text": "你好"})
    expect(text_of(page)).to_have_value("你好")
    page.keyboard.press("Enter")
    expect(text_of(page)).to_have_value("你好\n")
    assert page.locator(".msg-held, .msg-out").count() == 0
    page.keyboard.press("Control+Enter")
    expect(page.locator(".msg-held")).to_have_count(1)
    expect(page.locator(".msg-out:not(.msg-held)", has_text="你好")).to_be_visible()


def test_an_answer_is_taken_back_and_the_next_one_goes(sit_down: Any, product: RunningStack) -> None:
    wang, li = sit_down(1), sit_down(1, "li@desk.example")
    page = wang.page
    page.keyboard.press("r")
    page.keyboard.type("请**今天**寄回")
    page.keyboard.press("Control+Enter")
    expect(li.page.locator(".msg-held")).to_contain_text("请今天寄回")
    page.locator(".msg-held").get_by_role("button", name="撤回").click()
    expect(text_of(page)).to_have_value("请**今天**寄回")
    expect(li.page.locator(".msg-held")).to_have_count(0)
    with product.db() as db:
        told = db.execute("SELECT count(*) AS n FROM tickets_message WHERE author_type = 'staff' AND ticket_id = 1")
        assert told.fetchone() == {"n": 0}
    text_of(page).press("Control+Enter")
    expect(li.page.locator(".msg-out:not(.msg-held) strong", has_text="今天")).to_be_visible()
    assert serious(page) == []


def test_the_words_come_home_also_when_the_page_has_looked_again_before_the_answer(sit_down: Any) -> None:
    wang, li = sit_down(9), sit_down(9, "li@desk.example")
    page, asked = wang.page, []
    page.route("**/back/**", lambda route: asked.append(route))
    page.keyboard.press("r")
    page.keyboard.type("明天寄出")
    page.keyboard.press("Control+Enter")
    expect(li.page.locator(".msg-held")).to_contain_text("明天寄出")
    page.locator(".msg-held").get_by_role("button", name="撤回").click()
    expect(li.page.locator(".msg-held")).to_have_count(1)
    answer = asked[0].fetch()  # done on the server; the answer is still on its way
    expect(li.page.locator(".msg-held")).to_have_count(0)
    expect(page.locator(".msg-held")).to_have_count(1)  # news wait for the answer
    page.evaluate("htmx.trigger(document.body, 'ticketChanged')")
    expect(page.locator(".msg-held")).to_have_count(0)
    expect(text_of(page)).to_have_value("")
    asked[0].fulfill(response=answer)
    expect(text_of(page)).to_have_value("明天寄出")


def test_what_happens_while_a_page_looks_is_looked_at_too(sit_down: Any) -> None:
    wang, li = sit_down(9), sit_down(9, "li@desk.example")
    asked: list[Any] = []
    li.page.route("**/waiting/?*", lambda route: route.continue_() if asked else asked.append(route))
    li.page.evaluate("document.addEventListener('live:ticket', () => (document.body.dataset.told = '1'))")
    li.page.evaluate("htmx.trigger('#waiting', 'live')")
    expect(li.page.locator("#waiting.htmx-request")).to_be_attached()
    answer = asked[0].fetch()  # as it was before
    wang.page.keyboard.press("r")
    wang.page.keyboard.type("马上来")
    wang.page.keyboard.press("Control+Enter")
    expect(li.page.locator("body[data-told]")).to_be_attached()
    asked[0].fulfill(response=answer)
    expect(li.page.locator(".msg-held")).to_contain_text("马上来")


def test_words_written_before_the_scripts_have_come_are_kept(sit_down: Any) -> None:
    page = sit_down(8).page
    with late_scripts(page, page.url):
        text_of(page).fill("先写下的话")
    expect(page.locator("[data-composer-state]")).to_have_text("草稿已保存")
    page.reload()
    expect(text_of(page)).to_have_value("先写下的话")


def test_a_colleague_is_mentioned_from_the_list_and_hears_of_it(sit_down: Any) -> None:
    wang, li = sit_down(2), sit_down(2, "li@desk.example")
    page = wang.page
    page.keyboard.press("n")
    page.keyboard.type("@ljg")
    expect(page.locator(".canned-item", has_text="李建国")).to_be_visible()
    page.keyboard.press("Enter")
    expect(text_of(page)).to_have_value("@李建国 ")
    page.keyboard.type("请看一下")
    page.keyboard.press("Control+Enter")
    expect(li.page.locator(".msg-note .mention")).to_contain_text("李建国")
    expect(li.page.locator("[data-live-count=notifications]").first).to_contain_text("1")


def test_a_macro_is_seen_before_it_happens_and_happens_as_one(sit_down: Any, product: RunningStack) -> None:
    page = sit_down(2).page
    page.keyboard.press("Shift+M")
    page.locator(".canned-item", has_text="补发").click()
    expect(page.locator("[data-macro-bar]")).to_contain_text("补发")
    expect(text_of(page)).to_have_value("张伟您好，已为您补发。")
    text_of(page).press("Control+Enter")
    expect(page.locator(".msg-out:not(.msg-held)", has_text="已为您补发")).to_be_visible()
    with product.db() as db:
        row = db.execute("SELECT priority, tags FROM tickets_ticket WHERE id = 2").fetchone()
    assert row == {"priority": 30, "tags": ["补发"]}


def test_resolving_asks_for_the_missing_detail_with_the_focus_on_it(sit_down: Any) -> None:
    page = sit_down(3).page
    page.keyboard.press("e")
    field = page.locator("#ask input[name^=field_]")
    expect(field).to_be_focused()
    field.fill("B20261101")
    page.keyboard.press("Enter")
    expect(page.locator("#head")).to_contain_text("已解决")
    expect(page.locator("#ask dialog[open]")).to_have_count(0)


def test_an_answer_is_planned_shown_and_dropped(sit_down: Any) -> None:
    page = sit_down(2).page
    page.keyboard.press("r")
    page.keyboard.type("明天给您答复")
    page.get_by_role("button", name="其他发送方式").click()
    page.get_by_role("button", name="明天 09:00").click()
    expect(page.locator(".msg-held", has_text="明天给您答复")).to_contain_text("09:00")
    page.locator(".msg-held").get_by_role("button", name="撤回").click()
    expect(text_of(page)).to_have_value("明天给您答复")


def test_an_answer_taken_back_before_its_page_heard_that_it_was_taken(sit_down: Any) -> None:
    """The live page shows a planned answer before the answer to its own sending is there."""
    page, on_the_way = sit_down(2).page, []
    page.route("**/reply/**", lambda route: on_the_way.append((route, route.fetch())))
    page.keyboard.press("r")
    text_of(page).fill("后天给您答复")
    page.get_by_role("button", name="其他发送方式").click()
    page.get_by_role("button", name="明天 09:00").click()
    held = page.locator(".msg-held", has_text="后天给您答复")
    held.get_by_role("button", name="撤回").click()
    expect(held).to_have_count(0)
    [(route, answer)] = on_the_way
    route.fulfill(response=answer)
    expect(text_of(page)).to_have_value("后天给您答复")


def test_a_pasted_screenshot_stands_in_the_text(sit_down: Any) -> None:
    page = sit_down(4).page
    page.keyboard.press("r")
    page.keyboard.type("看图")
    page.evaluate(
        """async () => {
          const canvas = document.createElement('canvas'); canvas.width = canvas.height = 40;
          canvas.getContext('2d').fillRect(0, 0, 20, 40);
          const blob = await new Promise((done) => canvas.toBlob(done, 'image/png'));
          const data = new DataTransfer(); data.items.add(new File([blob], 'image.png', {type: 'image/png'}));
          document.querySelector('#composer textarea[name=text]').dispatchEvent(
            new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}));
        }"""
    )
    expect(page.locator("#composer [name=attachment]")).to_have_count(1)
    assert "](file:" in text_of(page).input_value()
    text_of(page).press("Control+Enter")
    expect(page.locator(".msg-out:not(.msg-held) .msg-body img")).to_be_visible()


def test_a_promise_is_confirmed_in_the_composer_and_made_with_the_answer(sit_down: Any) -> None:
    page = sit_down(5).page
    text_of(page).fill("您好。我们48小时内给您退款。")
    page.locator("#stream").click()
    page.keyboard.press("p")
    dialog = page.locator("#promise-dialog")
    expect(dialog.locator("[name=words]")).to_have_value("我们48小时内给您退款")
    expect(dialog.locator("[name=words]")).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".promise-chip")).to_contain_text("退款")
    page.reload()
    expect(page.locator(".promise-chip")).to_contain_text("退款")
    page.locator("[data-send]").click()
    page.locator("#waiting").get_by_role("button", name="撤回").click()
    expect(page.locator(".promise-chip")).to_contain_text("退款")
    assert serious(page) == []
    page.locator("[data-send]").click()
    expect(page.locator(".promise-chip")).to_have_count(0)
    expect(page.locator(".msg-out [data-promise-said]")).to_have_count(1, timeout=20_000)
    page.locator(".msg-out [data-promise-said]").press("Enter")
    expect(page.locator("#promise-dialog .alert")).to_contain_text("退款")


def test_the_keyboard_goes_on_from_where_a_ticket_left_the_list(sit_down: Any) -> None:
    page = sit_down(7).page  # nobody else touches 6 to 8
    page.goto(page.url.replace("view=open", "view=unassigned"))
    rows = page.locator("#tickets > li").evaluate_all("rows => rows.map((row) => row.id)")
    after = rows[rows.index("row-7") + 1]
    page.keyboard.press("a")
    expect(page.locator("#row-7")).to_have_count(0)
    page.keyboard.press("j")
    expect(page.locator(f"#{after} .ticket")).to_be_focused()

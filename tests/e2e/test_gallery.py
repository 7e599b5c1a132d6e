"""The gallery in a real browser: no serious axe violation, no console word, and the scripts do what they say."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
PAGES = ("parts", "desk", "board", "wall", "contact", "survey", "tracking", "done", "landing", "auth", "gone")
SIZES = {"wide": (1440, 900), "laptop": (1280, 720), "phone": (390, 844)}
GRAVE = {"serious", "critical"}


class Desk:
    """A page of the gallery, its console and its socket."""

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        self.said: list[str] = []
        self.frames: list[str] = []
        self.socket: WebSocketRoute | None = None
        self.address = address
        self.context = browser.new_context(**{"locale": "zh-CN", **options})
        self.page: Page = self.context.new_page()
        self.page.on(
            "console", lambda message: self.said.append(message.text) if message.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.route_web_socket("**/ws/desk", self._answer)

    def _answer(self, socket: WebSocketRoute) -> None:
        self.socket = socket
        socket.on_message(lambda frame: self.frames.append(str(frame)))
        socket.send('{"type":"hello","heartbeat":25}')

    def open(self, name: str) -> Page:
        """Go to a page of the gallery and wait until its scripts have run."""
        self.page.goto(f"{self.address}/ui/{name}/")
        self.page.wait_for_load_state("load")
        return self.page


@pytest.fixture
def gallery(browser: Browser, live_server: Any, settings: Any) -> Iterator[Any]:
    """Open gallery pages as anyone may in the trial."""
    settings.TRIAL = True
    opened: list[Desk] = []

    def visit(**options: Any) -> Desk:
        opened.append(Desk(browser, live_server.url, **options))
        return opened[-1]

    yield visit
    for desk in opened:
        desk.context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_are_accessible_and_quiet(gallery: Any, theme: str) -> None:
    desk = gallery(color_scheme=theme, reduced_motion="reduce", viewport={"width": 1280, "height": 720})
    grave = []
    for name in PAGES:
        page = desk.open(name)
        page.evaluate(AXE)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        grave += [(name, v["id"], [node["target"] for node in v["nodes"]]) for v in found if v["impact"] in GRAVE]
    assert grave == []
    assert desk.said == []


@pytest.mark.parametrize("size", SIZES)
def test_pages_never_scroll_sideways(gallery: Any, size: str) -> None:
    width, height = SIZES[size]
    desk = gallery(viewport={"width": width, "height": height})
    over = "[document.documentElement, ...document.querySelectorAll('main')].some(e => e.scrollWidth > e.clientWidth)"
    assert [name for name in PAGES if desk.open(name).evaluate(over)] == []


def test_theme_is_remembered_by_the_server(gallery: Any) -> None:
    desk = gallery(color_scheme="light")
    page = desk.open("parts")
    page.locator("main [data-theme-set=dark]").click()
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.locator("main [data-theme-set=auto]").click()
    page.reload()
    assert page.locator("html").get_attribute("data-theme") is None


def test_keys_press_buttons_but_never_while_typing_or_composing(gallery: Any) -> None:
    page = gallery().open("desk")
    page.evaluate(
        "document.querySelectorAll('[data-key=n]').forEach(b =>"
        " b.addEventListener('click', () => (document.title = 'pressed')))"
    )
    area = page.locator(".composer textarea")
    area.focus()
    page.keyboard.press("n")
    assert area.input_value() == "n"
    assert page.title() != "pressed"
    area.blur()
    page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'n', isComposing: true, bubbles: true}))")
    assert page.title() != "pressed"
    page.keyboard.press("n")
    assert page.title() == "pressed"


def test_j_and_k_walk_the_list(gallery: Any) -> None:
    page = gallery().open("desk")
    rows = page.locator("[data-key-item]")
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(rows.nth(1)).to_be_focused()


def test_question_mark_lists_the_shortcuts_of_this_page(gallery: Any) -> None:
    page = gallery().open("desk")
    page.keyboard.press("?")
    expect(page.locator("#keys-help")).to_be_visible()
    expect(page.locator("#keys-help kbd", has_text="R")).not_to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("#keys-help")).to_be_hidden()


def test_confirmation_asks_first(gallery: Any) -> None:
    page = gallery().open("parts")
    button = page.locator("[data-confirm]")
    page.evaluate(
        "document.querySelector('[data-confirm]').addEventListener('click', () => (document.title = 'closed'))"
    )
    button.click()
    page.get_by_role("alertdialog").get_by_role("button").first.click()
    assert page.title() != "closed"
    button.click()
    page.get_by_role("alertdialog").get_by_role("button").last.click()
    expect(page).to_have_title("closed")


def test_menu_opens_under_its_button_and_arrows_move(gallery: Any) -> None:
    page = gallery(viewport={"width": 1280, "height": 720}).open("parts")
    page.locator("[popovertarget=status-menu]").click()
    menu = page.locator("#status-menu")
    expect(menu).to_be_visible()
    box, opener = menu.bounding_box(), page.locator("[popovertarget=status-menu]").bounding_box()
    assert box
    assert opener
    assert abs(box["x"] - opener["x"]) < 2
    assert box["y"] >= opener["y"]
    page.keyboard.press("ArrowDown")
    expect(menu.locator(".menu-item").nth(1)).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()


def test_panes_keep_their_width(gallery: Any) -> None:
    desk = gallery(viewport={"width": 1600, "height": 900})
    page = desk.open("desk")
    grip = page.locator(".pane-list .pane-resizer")
    before = page.locator(".pane-list").bounding_box()
    grip.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.reload()
    after = page.locator(".pane-list").bounding_box()
    assert before
    assert after
    assert after["width"] == pytest.approx(before["width"] + 32, abs=1)


def test_narrow_screens_fold_the_context_into_a_drawer(gallery: Any) -> None:
    page = gallery(viewport={"width": 1100, "height": 800}).open("desk")
    context = page.locator(".pane-context")
    expect(context).to_be_hidden()
    page.locator("[data-toggle-context]").click()
    expect(context).to_be_visible()
    page.keyboard.press("Escape")
    expect(context).to_be_hidden()


def test_a_phone_shows_one_pane_and_goes_back(gallery: Any) -> None:
    page = gallery(viewport={"width": 390, "height": 844}).open("desk")
    expect(page.locator(".pane-list")).to_be_visible()
    expect(page.locator(".pane-main")).to_be_hidden()
    page.evaluate("document.querySelector('.desk').dataset.view = 'conversation'")
    expect(page.locator(".pane-main")).to_be_visible()
    page.locator("[data-back]").click()
    expect(page.locator(".pane-list")).to_be_visible()


def test_socket_hints_reach_the_parts_and_the_document_once(gallery: Any) -> None:
    desk = gallery()
    page = desk.open("desk")
    page.evaluate(
        """() => {
        window.seen = [];
        document.addEventListener('live:ticket', (event) => window.seen.push(event.detail));
        const part = document.querySelector('.conv-head');
        part.dataset.live = 'ticket.12';
        part.addEventListener('live', () => window.seen.push('part'));
        document.dispatchEvent(new CustomEvent('htmx:afterSettle'));
        }"""
    )
    expect(page.locator("html[data-live=open]")).to_be_attached()
    assert any('"ticket.12"' in frame for frame in desk.frames)
    for _ in range(2):  # the same version twice is one piece of news
        desk.socket.send('{"type":"event","group":"ticket.12","event":"ticket","id":12,"version":3}')
    for _ in range(100):  # wait_for_function asks by eval, which the page's policy forbids
        if page.evaluate("window.seen.length") >= 2:
            break
        page.wait_for_timeout(100)
    page.wait_for_timeout(100)
    assert page.evaluate("window.seen") == [{"group": "ticket.12", "event": "ticket", "id": 12, "version": 3}, "part"]


def test_a_signed_out_socket_leads_to_sign_in(gallery: Any) -> None:
    desk = gallery()
    page = desk.open("desk")
    expect(page.locator("html[data-live=open]")).to_be_attached()
    desk.socket.close(code=4401)
    page.wait_for_url("**/login/?next=%2Fui%2Fdesk%2F")


def test_toast_speaks_and_offers_to_undo(gallery: Any) -> None:
    page = gallery().open("parts")
    page.evaluate(
        "document.body.dispatchEvent(new CustomEvent('toast', {bubbles: true, detail:"
        " {message: '已解决', tone: 'success', undo: {url: '/x', label: '撤销'}}}))"
    )
    toast = page.locator("#toasts .toast")
    expect(toast).to_contain_text("已解决")
    expect(toast.get_by_role("button", name="撤销")).to_be_visible()


def test_customer_pages_work_without_scripts(gallery: Any) -> None:
    page = gallery(java_script_enabled=False, viewport={"width": 390, "height": 844}).open("contact")
    expect(page.locator("input[type=file]")).to_be_visible()
    expect(page.locator(".btn-shop")).to_be_in_viewport()
    assert page.locator("[name=body]").input_value() != ""


def test_customer_page_is_light(gallery: Any) -> None:
    desk = gallery()
    sizes: list[int] = []
    desk.page.on("response", lambda response: sizes.append(len(response.body())) if response.ok else None)
    desk.open("contact")
    assert sum(sizes) < 200_000  # uncompressed; the wire carries about a quarter

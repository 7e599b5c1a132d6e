"""The first story, from the shop's file to the follow-up visit, in a browser, in Chinese and in English.

One test a language; it fails on any console error, any 4xx or 5xx that was not asked for, and any English source text
on a Chinese page.
"""

from __future__ import annotations

import re
import smtplib
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po
from playwright.sync_api import Browser, BrowserContext, Page, expect

from cs_portal.demo.people import PASSWORD
from cs_portal.demo.photo import chipped_cup
from tests.browsing import sign_in
from tests.stack import RunningStack

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).resolve().parents[2]
SOON = 15_000
STATUS = "#head [popovertarget=status-menu]"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
LOCALES = {"zh": "zh-CN", "en": "en-GB"}


def english_sources() -> set[str]:
    """Return the source texts that would be English on a Chinese page: at least two words, no values inside."""
    with (ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po").open("rb") as file:
        texts = {message.id for message in read_po(file) if isinstance(message.id, str)}
    return {text for text in texts if re.search(r"[A-Za-z]+ [A-Za-z]+", text) and "%(" not in text}


class People:
    """Browser windows of everybody in the story, watched for faults and untranslated words."""

    def __init__(self, browser: Browser, address: str, language: str) -> None:
        self.browser, self.address, self.language = browser, address, language
        self.faults: list[str] = []
        self.contexts: list[BrowserContext] = []
        self.sources = english_sources()

    def window(self, **options: Any) -> Page:
        """Open a window of a new person."""
        options = {"viewport": {"width": 1440, "height": 900}, **options}
        context = self.browser.new_context(base_url=self.address, locale=LOCALES[self.language], **options)
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", lambda line: self.faults.append(f"console: {line.text}") if line.type == "error" else None)
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("response", self._heard)
        page.set_default_timeout(20_000)
        return page

    def _heard(self, response: Any) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status} {response.url}")

    def staff(self, email: str, path: str) -> Page:
        """Sign a member of staff in and open a page."""
        page = self.window()
        sign_in(page, "", email, path, PASSWORD)
        return page

    def read(self, page: Page) -> None:
        """Look for English source texts on a Chinese page, line by line."""
        if self.language != "zh":
            return
        lines = {line.strip() for line in page.locator("body").inner_text().splitlines()}
        found = sorted(lines & self.sources)
        assert found == [], f"untranslated on {page.url}: {found}"

    def close(self) -> None:
        """Close every window."""
        for context in self.contexts:
            context.close()


@pytest.fixture(scope="module")
def shop(stack: RunningStack) -> RunningStack:
    """Give the product its small demo company, as bin/up does."""
    stack.manage("seed_demo", "--small")
    return stack


@pytest.fixture
def people(browser: Browser, shop: RunningStack, request: pytest.FixtureRequest) -> Iterator[People]:
    everybody = People(browser, shop.base_url, request.param)
    yield everybody
    everybody.close()
    assert everybody.faults == []


def until(what: str, look: Callable[[], Any], seconds: float = 60) -> Any:
    """Look again until there is something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    pytest.fail(f"{what} did not come within {seconds:.0f} s")


def phone_of(mark: str) -> str:
    """Return another phone for another run: a customer is asked once a month."""
    return f"139{mark}"


def the_file(mark: str) -> bytes:
    """Return a shop's export: own column names and order, Chinese dates and status words, gb18030, one bad row."""
    lines = [
        "收货人,手机号,订单编号,下单时间,商品名称,数量,单价,实付金额,订单状态,快递公司,快递单号,收货地址",
        f"梁若兰,{phone_of(mark)},E2E{mark},2026/11/16 20:15,手绘陶瓷马克杯,2,68.00,136.00,已发货,顺丰速运,"
        f"SF{mark}99887,浙江省杭州市西湖区文三路 8 号",
        f"梁若兰,没有手机号abc,BAD{mark},2026/11/16 20:15,手绘陶瓷马克杯,1,-68.00,68.00,已付款,,,浙江省杭州市",
    ]
    return "\r\n".join(lines).encode("gb18030")


def import_twice(page: Page, people: People, mark: str, stack: RunningStack) -> None:
    """Step 2: match, check, import; the bad row is listed with its reason; again changes nothing."""
    for turn in range(2):
        page.goto("/desk/orders/import/")
        people.read(page)
        page.set_input_files("[name=file]", {"name": "订单.csv", "mimeType": "text/csv", "buffer": the_file(mark)})
        page.locator("form[enctype] button.btn-primary").click()
        page.wait_for_url(re.compile(r"/desk/orders/import/\d+/"))
        people.read(page)
        if page.locator("form[action$='/check/']").count():
            page.locator("form[action$='/check/'] button.btn-primary").click()
        expect(page.locator("a[href$='refused.xlsx']")).to_be_visible(timeout=20_000)
        people.read(page)
        start = page.locator("form[action$='/run/'] button.btn-primary")
        if turn == 0:
            with stack.db() as db:
                assert db.execute(
                    "SELECT count(*) AS n FROM orders_order WHERE number = %s", [f"E2E{mark}"]
                ).fetchone() == {"n": 0}, "a dry run writes nothing"
            start.click()
            expect(page.locator(".alert-good, .alert.tone-good").first).to_be_visible(timeout=20_000)
        else:
            expect(start).to_have_count(0)
    with page.expect_download() as download:
        page.locator("a[href$='refused.csv']").click()
    assert "68.00" in Path(download.value.path()).read_text(encoding="utf-8-sig")
    with stack.db() as db:
        rows = db.execute("SELECT number FROM orders_order WHERE number IN (%s, %s)", [f"E2E{mark}", f"BAD{mark}"])
        assert [row["number"] for row in rows.fetchall()] == [f"E2E{mark}"]


def complain(people: People, mark: str, email: str, words: str) -> None:
    """Step 3: the public form on a phone, with a photo."""
    page = people.window(**PHONE)
    page.goto("/contact/?shop=sunny")
    people.read(page)
    page.locator("label.choice, .choices label").first.click()
    page.fill("[name=text]", words)
    page.set_input_files("[name=photos]", {"name": "碎杯.jpg", "mimeType": "image/jpeg", "buffer": chipped_cup(1)})
    page.fill("[name=phone]", phone_of(mark))
    page.fill("[name=email]", email)
    page.fill("[name=order_number]", f"E2E{mark}")
    page.wait_for_timeout(2_500)  # people do not type faster either
    page.locator(".thumb-bar button").click()
    page.wait_for_url("**/contact/done/**")
    people.read(page)


def mails_to(stack: RunningStack, address: str) -> list[dict[str, Any]]:
    """Return what the trial's sink caught for an address, oldest first, raw."""
    from email import message_from_bytes, policy

    found = []
    with stack.db() as db:
        rows = db.execute("SELECT * FROM notifications_caught_mail ORDER BY id").fetchall()
    for row in rows:
        if row["recipient"] != address:
            continue
        raw = (Path(stack.env["MEDIA_ROOT"]) / "attachments" / row["raw_name"]).read_bytes()
        message = message_from_bytes(raw, policy=policy.default)
        body = message.get_body(("plain",))
        found.append({"message": message, "text": body.get_content() if body else "", "id": row["id"]})
    return found


def reply_by_mail(stack: RunningStack, original: Any, sender: str, words: str) -> None:
    """Step 5: a real mail to the inbound listener, as a mail program writes it."""
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, str(original["Reply-To"] or original["From"])
    mail["Subject"], mail["In-Reply-To"] = f"回复：{original['Subject']}", original["Message-ID"]
    mail["References"], mail["Message-ID"] = original["Message-ID"], f"<{time.time_ns()}@mail.example>"
    mail.set_content(f"{words}\n\n在 2026年11月21日，客服 写道：\n> 您好\n", charset="gb18030")
    with smtplib.SMTP("127.0.0.1", stack.mail_port, timeout=20) as smtp:
        smtp.send_message(mail)


def work_by_keyboard(desk: Page, people: People, mark: str, words: str) -> str:
    """Step 4: the ticket appears by itself; note, canned reply, answer, resolve, all from the keyboard."""
    row = desk.locator("a.ticket", has_text=mark).first
    expect(row).to_be_visible(timeout=SOON)
    row.click()
    expect(desk.locator(".msg-in", has_text=words)).to_be_visible()
    expect(desk.locator(".msg-in img").first).to_be_visible()
    panel = desk.locator(".pane-context")
    expect(panel).to_contain_text(f"E2E{mark}")
    expect(panel).to_contain_text(f"SF{mark}99887")
    people.read(desk)
    box = desk.locator("#composer textarea")
    desk.keyboard.press("n")
    desk.keyboard.type(f"备注：包装问题 {mark}")
    desk.keyboard.press("Control+Enter")
    expect(desk.locator(".msg-note", has_text=mark)).to_be_visible()
    expect(box).to_have_value("")
    desk.keyboard.press("Escape")
    desk.keyboard.press("r")
    desk.keyboard.type("/")
    expect(desk.locator(".canned-item").first).to_be_visible()
    desk.keyboard.press("Enter")
    expect(box).not_to_have_value("/")
    desk.keyboard.type(f" 回执 {mark}")
    desk.keyboard.press("Control+Enter")
    expect(desk.locator(".msg-out", has_text=f"回执 {mark}")).to_be_visible()
    expect(box).to_have_value("")
    resolve(desk)
    found = re.search(r"/desk/t/(\d+)/", desk.url)
    assert found
    return found.group(1)


def resolve(desk: Page) -> None:
    """Press E and wait until the head says so."""
    desk.keyboard.press("Escape")
    desk.keyboard.press("e")
    expect(desk.locator(STATUS)).to_contain_text(re.compile("已解决|Resolved"), timeout=SOON)


def answer_survey(people: People, link: str, stack: RunningStack, ticket: str) -> None:
    """Step 6: looks of a mail scanner do not count; five stars on a phone do, once."""

    def answers() -> int:
        with stack.db() as db:
            row = db.execute(
                "SELECT count(*) AS n FROM feedback_answer a JOIN feedback_invitation i ON i.id = a.invitation_id"
                " WHERE i.ticket_id = %s",
                [ticket],
            ).fetchone()
        return int(row["n"]) if row else -1

    page = people.window(**PHONE)
    for _ in range(2):
        assert page.request.get(f"{link}?score=1").status == 200
        page.request.head(link)
    assert answers() == 0
    page.goto(link)
    people.read(page)
    page.locator("[data-screen]:visible label.choice").last.click()
    page.locator("[data-screen]:visible textarea").fill("处理得很快")
    page.wait_for_timeout(1_500)
    page.locator("[data-survey-send]").click()
    expect(page.locator("[data-survey]")).to_have_count(0)
    people.read(page)
    assert answers() == 1


@pytest.mark.parametrize("people", ["zh", pytest.param("en", marks=pytest.mark.slow)], indirect=True)
def test_the_first_story(people: People, shop: RunningStack) -> None:
    mark = f"{time.time_ns() % 10**8:08d}"
    email, words = f"liang-{mark}@mail.example", f"收到的杯子缺了口，单据 {mark}，请尽快处理"
    supervisor = people.staff("supervisor@demo.example", "/desk/orders/")
    import_twice(supervisor, people, mark, shop)

    board = people.staff("supervisor@demo.example", "/board/")
    people.read(board)
    opened = board.locator("[data-metric=tickets_opened] .stat-value")
    before = int(opened.inner_text())
    desk = people.staff("agent@demo.example", "/desk/?view=unassigned")
    expect(desk.locator("html[data-live=open]")).to_be_attached()
    people.read(desk)

    complain(people, mark, email, words)
    ticket = work_by_keyboard(desk, people, mark, words)
    expect(opened).to_have_text(str(before + 1), timeout=45_000)
    expect(board.locator("#board figure canvas").first).to_be_visible()  # drawn again with the new figure
    until("the acknowledgement", lambda: [m for m in mails_to(shop, email) if ticket_number(ticket) in m["text"]])

    answer = until("the answer", lambda: [m for m in mails_to(shop, email) if f"回执 {mark}" in m["text"]])[0]
    reply_by_mail(shop, answer["message"], email, f"还没有收到补发 {mark}")
    expect(desk.locator(".msg-in", has_text="还没有收到补发")).to_be_visible(timeout=15_000)
    expect(desk.locator(STATUS)).not_to_contain_text(re.compile("已解决|Resolved"), timeout=SOON)
    desk.keyboard.press("r")
    desk.keyboard.type("今天 17:00 前一定发出。")
    desk.keyboard.press("Control+Enter")
    expect(desk.locator(".msg-out", has_text="17:00")).to_be_visible()
    resolve(desk)

    def survey_link() -> str | None:
        for mail in mails_to(shop, email):
            found = re.search(r"https?://\S+(/s/[\w-]{20,})", mail["text"])
            if found:
                return found.group(1)
        return None

    answer_survey(people, until("the survey", survey_link), shop, ticket)
    check_board(board, people, shop, ticket)
    check_visit(people, supervisor, shop, mark)


def ticket_number(ticket: str) -> str:
    """Return the number customers are told."""
    return str(int(ticket) + 100_000)


def check_board(board: Page, people: People, stack: RunningStack, ticket: str) -> None:
    """Step 7: numbers equal a recount from raw rows, and open the rows behind them."""

    def recount() -> int:
        with stack.db() as db:
            row = db.execute(
                "SELECT count(*) AS n FROM tickets_ticket WHERE NOT is_spam AND merged_into_id IS NULL"
                " AND (opened_at AT TIME ZONE 'Asia/Shanghai')::date = (now() AT TIME ZONE 'Asia/Shanghai')::date"
            ).fetchone()
        return int(row["n"]) if row else -1

    for metric in ("tickets_opened", "first_response_time", "resolution_time", "satisfaction_score"):
        path = f"/board/rows/{metric}/"

        def has_row(path: str = path) -> bool:
            board.goto(path)
            return board.locator(f"text=#{ticket_number(ticket)}").count() > 0

        until(f"the row of {metric}", has_row, 20)
        board.goto(path)  # the look that found it may have fallen between the figure and its rows
        shown = int(board.locator("[data-row-count]").get_attribute("data-row-count") or "-1")
        with stack.db() as db:
            counted = db.execute(
                "SELECT count(*) AS n FROM kpi_fact WHERE metric = %s"
                " AND day = (now() AT TIME ZONE 'Asia/Shanghai')::date",
                [metric],
            ).fetchone()
        assert counted == {"n": shown}
        people.read(board)
    board.goto("/board/")
    assert int(board.locator("[data-metric=tickets_opened] .stat-value").inner_text()) == recount()


def check_visit(people: People, supervisor: Page, stack: RunningStack, mark: str) -> None:
    """Step 8: completing an order owes a visit within seven days; it stands in the list when it is due."""
    with stack.db() as db:
        order = db.execute(
            "SELECT id, is_history FROM orders_order WHERE status = 'delivered' ORDER BY id LIMIT 1"
        ).fetchone()
    assert order is not None
    visits = people.staff("agent@demo.example", "/desk/visits/")
    people.read(visits)
    supervisor.goto(f"/desk/orders/{order['id']}/")
    people.read(supervisor)
    supervisor.locator(f"form[action='/desk/orders/{order['id']}/complete/'] button").click()

    def visit() -> dict[str, Any] | None:
        with stack.db() as db:
            row: dict[str, Any] | None = db.execute(
                "SELECT id, state, due_at, deadline_at, completed_at FROM feedback_visit WHERE order_id = %s",
                [order["id"]],
            ).fetchone()
        return row

    planned = until("the visit", visit)
    assert (planned["deadline_at"] - planned["completed_at"]).days == 7
    assert planned["state"] == "planned"
    link = visits.locator(f"a[href*='/desk/visits/{planned['id']}/']")
    visits.goto("/desk/visits/")
    expect(link).to_have_count(0)
    with stack.db() as db:  # let the two days pass
        db.execute("UPDATE feedback_visit SET due_at = now(), show_at = now() WHERE id = %s", [planned["id"]])
        db.execute(
            "UPDATE core_job SET due_at = now() WHERE name LIKE 'feedback.%%' AND state = 'ready' AND key = %s",
            [f"{planned['id']}:0"],
        )
    until("the visit to be due", lambda: (visit() or {}).get("state") == "due")
    visits.reload()
    visits.goto("/desk/visits/?tab=due")
    expect(link.first).to_be_visible()

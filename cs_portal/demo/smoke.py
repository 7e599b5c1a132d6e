"""The first story, steps 2 to 7, over HTTP against a running product; each step timed."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cs_portal.demo.doors import Answer, Browser, DoorClosed, contact, wait_for
from cs_portal.demo.people import PASSWORD
from cs_portal.demo.player import answer_survey


@dataclass
class Story:
    """What the steps hand on to one another."""

    base_url: str
    mark: str = field(default_factory=lambda: secrets.token_hex(4))
    timings: dict[str, float] = field(default_factory=dict)
    agent: Browser = field(init=False)
    supervisor: Browser = field(init=False)
    ticket: str = ""
    survey: str = ""
    opened_before: int = 0

    def __post_init__(self) -> None:
        self.agent, self.supervisor = Browser(self.base_url), Browser(self.base_url)

    @property
    def order_number(self) -> str:
        """Return the number of the order that is imported and complained about."""
        return f"SM{self.mark.upper()}"

    @property
    def email(self) -> str:
        """Return the customer's address."""
        return f"smoke-{self.mark}@mail.example"


def play(base_url: str) -> dict[str, Any]:
    """Play the story and return {ok, steps: {name: seconds}, error}."""
    story = Story(base_url)
    steps: list[tuple[str, Callable[[Story], None]]] = [
        ("sign_in", sign_in),
        ("import", import_file),
        ("import_again", import_again),
        ("complain", complain),
        ("seen_on_the_desk", see_ticket),
        ("answer", answer),
        ("mail_back", mail_back),
        ("survey", survey),
        ("board", board),
    ]
    for name, step in steps:
        begin = time.monotonic()
        try:
            step(story)
        except (DoorClosed, AssertionError) as error:
            return {"ok": False, "steps": story.timings, "failed": name, "error": str(error)}
        story.timings[name] = round(time.monotonic() - begin, 3)
    return {"ok": True, "steps": story.timings}


def sign_in(story: Story) -> None:
    """Sign agent and supervisor in and note the board's figure."""
    story.agent.sign_in("agent@demo.example", PASSWORD)
    story.supervisor.sign_in("supervisor@demo.example", PASSWORD)
    story.opened_before = _opened(story)


def import_file(story: Story) -> None:
    """Step 2: import a file in gb18030 with the shop's own column names; one bad row is refused with its reason."""
    done = _import(story)
    refused = story.supervisor.get(done.link("refused.csv"))
    _expect("-5" in refused.text and story.order_number not in refused.text, "only the bad row is refused", refused)
    found = story.agent.get(f"/desk/orders/?q={story.order_number}")
    _expect(story.order_number in found.text, "the imported order is in the list", found)


def import_again(story: Story) -> None:
    """Step 2, again: the same file changes nothing."""
    before = story.agent.get(f"/desk/orders/?q={story.order_number}").text.count(story.order_number)
    _import(story)
    after = story.agent.get(f"/desk/orders/?q={story.order_number}").text.count(story.order_number)
    _expect(before == after, "the same file twice changes nothing", None)


def complain(story: Story) -> None:
    """Step 3: complain through the public form; the acknowledgement comes by mail."""
    contact(
        Browser(story.base_url),
        shop="sunny",
        text=f"杯子收到就是碎的，单据 {story.mark}，请尽快处理。",
        phone="13900123456",
        email=story.email,
        order_number=story.order_number,
    )
    wait_for("the acknowledgement", lambda: _mail(story))


def see_ticket(story: Story) -> None:
    """Step 4: the ticket is on the desk, with the order's story beside it."""

    def look() -> str | None:
        found = re.search(r"/desk/t/(\d+)/", story.agent.get(f"/desk/search/?q={story.mark}").text)
        return found.group(1) if found else None

    story.ticket = wait_for("the ticket", look)
    page = story.agent.get(f"/desk/t/{story.ticket}/")
    _expect(story.mark in page.text, "the conversation shows the complaint", page)
    _expect("/desk/attachments/" in page.text, "the photo is beside it", page)


def answer(story: Story) -> None:
    """Steps 4 and 5: note, answer, resolve; the answer arrives by mail."""
    _say(story, f"仓库确认是包装问题 {story.mark}。", "note", "")
    _say(story, f"非常抱歉，马上为您补发，回执 {story.mark}。", "public", "")
    story.agent.post(f"/desk/t/{story.ticket}/resolve/", {})
    wait_for("the answer by mail", lambda: _mail(story, f"回执 {story.mark}"))


def mail_back(story: Story) -> None:
    """Step 5: the customer answers that mail, the ticket opens again, and is resolved again."""
    mail = _mail(story, f"回执 {story.mark}")
    sent = story.agent.post(f"/mail/{mail}/reply/", {"text": f"还是没有收到 {story.mark}，麻烦再看一下。"})
    _expect(sent.status < 400, "the reply was taken", sent)

    def came() -> bool:
        return f"还是没有收到 {story.mark}" in story.agent.get(f"/desk/t/{story.ticket}/").text

    wait_for("the customer's mail on the ticket", came)
    _say(story, "刚刚核实，今天 17:00 前一定发出。", "public", "resolved")


def survey(story: Story) -> None:
    """Step 6: the link in the mail; looking does not count as answering, answering counts once."""

    def link() -> str | None:
        number = _mail(story, "/s/")
        if number is None:
            return None
        found = re.search(r"/s/([A-Za-z0-9_-]{16,})", story.agent.get(f"/mail/{number}/").text)
        return f"/s/{found.group(1)}" if found else None

    path = wait_for("the survey by mail", link, 30)
    for _ in range(2):
        _expect(Browser(story.base_url).get(path + "?score=1").status == 200, "a look is only a look", None)
    answer_survey(Browser(story.base_url), path, 5, f"处理得很快 {story.mark}")


def board(story: Story) -> None:
    """Step 7: the supervisor's figures move, and open the rows behind them."""
    wait_for("the board to count the ticket", lambda: _opened(story) > story.opened_before, 15)
    wait_for(
        "the satisfaction row",
        lambda: (
            f"/desk/t/{story.ticket}/" in story.supervisor.get("/board/rows/satisfaction_score/").text
            or f"#{int(story.ticket) + 100000}" in _text(story.supervisor.get("/board/rows/satisfaction_score/"))
        ),
        15,
    )


def _import(story: Story) -> Answer:
    page = story.supervisor.get("/desk/orders/import/")
    fields = {name: value for name, value in _chosen(page.text).items() if name in {"kind", "shop"}}
    _expect(bool(fields.get("shop")), "a shop to import for", page)
    rows = [
        "订单编号,下单时间,收货人,手机号,收货地址,商品名称,数量,单价,实付金额,订单状态",
        f"{story.order_number},2026/11/18 10:05,测试客户,13900123456,浙江省杭州市西湖区文三路 1 号,"
        "手绘马克杯,2,68.00,136.00,已发货",
        f"BAD{story.mark},2026/11/18 10:05,测试客户,手机号写错了,浙江省杭州市,手绘马克杯,1,-5,1,已付款",
    ]
    body = "\r\n".join(rows).encode("gb18030")
    files = {"file": ("订单导出.csv", body, "text/csv")}
    page = story.supervisor.post("/desk/orders/import/", fields, files)
    run = re.search(r"/desk/orders/import/(\d+)/", page.url)
    _expect(run is not None, "the file was taken", page)
    assert run is not None
    path = f"/desk/orders/import/{run.group(1)}/"
    if f"{path}check/" in page.text:
        fields = {name: value for name, value in _chosen(page.text).items() if name != "language"}
        page = story.supervisor.post(f"{path}check/", fields)

    def checked() -> Answer | None:
        now = story.supervisor.get(path)
        return now if "?match=1" in now.text else None

    page = wait_for("the dry run", checked, 30)
    if f'action="{path}run/"' not in page.text:
        return page  # every order of the file is there already
    story.supervisor.post(f"{path}run/", {"treat": _chosen(page.text).get("treat", "")})

    def done() -> Answer | None:
        now = story.supervisor.get(path)
        return None if f'action="{path}cancel/"' in now.text else now

    return wait_for("the import", done, 30)


def _chosen(text: str) -> dict[str, str]:
    """Return what the selects and radios of a page stand on."""
    fields = {}
    for name, inner in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', text, re.S):
        chosen = re.search(r'<option value="([^"]*)"[^>]*\bselected', inner) or re.search(
            r'<option value="([^"]*)"', inner
        )
        fields[name] = chosen.group(1) if chosen else ""
    for tag in re.findall(r'<input[^>]*type="radio"[^>]*>', text):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and value and ("checked" in tag or name.group(1) not in fields):
            fields[name.group(1)] = value.group(1)
    return fields


def _say(story: Story, text: str, kind: str, then: str) -> None:
    page = story.agent.get(f"/desk/t/{story.ticket}/")
    fields = {"kind": kind, "text": text, "then": then, "client_id": page.hidden("client_id")}
    if 'name="seen_version"' in page.text:
        fields["seen_version"] = page.hidden("seen_version")
    sent = story.agent.post(f"/desk/t/{story.ticket}/reply/", fields)
    _expect(sent.status < 400, f"the {kind} was taken", sent)


def _mail(story: Story, words: str = "") -> str | None:
    """Return the newest mail to the customer that holds the words."""
    listed = story.agent.get(f"/mail/?q={story.email}")
    for number in dict.fromkeys(re.findall(r'href="/mail/(\d+)/', listed.text)):
        opened = story.agent.get(f"/mail/{number}/")
        if story.email in opened.text and words in opened.text:
            return str(number)
    return None


def _opened(story: Story) -> int:
    page = story.supervisor.get("/board/rows/tickets_opened/")
    found = re.search(r'data-row-count="(\d+)"', page.text)
    _expect(found is not None, "the board's rows", page)
    return int(found.group(1)) if found else 0


def _text(page: Answer) -> str:
    return re.sub(r"<[^>]+>", " ", page.text)


def _expect(truth: bool, what: str, page: Answer | None) -> None:
    if not truth:
        place = f" ({page.status} {page.url})" if page else ""
        raise DoorClosed(f"expected: {what}{place}")

"""A provider's mailbox in a real browser: a wrong code is found out and mended, a mail becomes a ticket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.test_desk import Person
from tests.factories.notifications import mail_bytes
from tests.imap import imap_server
from tests.stack import RunningStack, running_stack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]  # the story, the desk and its lists are the quick ones
SEED = """
from tests.factories.accounts import PASSWORD, make_staff, make_team
make_staff("shouxin@desk.example", roles=["admin"], teams=[make_team("收信组")], password=PASSWORD, display_name="收信")
"""


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    """The product of a company whose mail server stands on this machine."""
    with running_stack(OUTGOING_ALLOW="127.0.0.1") as running:
        yield running


def test_a_mailbox_is_set_up_and_its_mail_becomes_a_ticket(stack: RunningStack, browser: Browser) -> None:
    stack.manage("shell", "-v", "0", "-c", SEED)
    person = Person(browser, stack.base_url, "shouxin@desk.example")
    page = person.page
    with imap_server() as server:
        page.goto(f"{stack.base_url}/settings/mailboxes/new/")
        expect(page.locator("[name=imap_host]")).to_be_hidden()
        page.fill("[name=address]", "care@shop.example")
        page.fill("[name=name_zh]", "客服")
        page.locator("label", has_text="从邮箱收取（IMAP）").click()
        page.fill("[name=imap_host]", "127.0.0.1")
        page.fill("[name=imap_port]", str(server.port))
        page.select_option("[name=imap_security]", "none")
        page.fill("[name=imap_username]", server.user)
        page.fill("[name=imap_password]", "wrong")
        page.get_by_role("button", name="保存").click()
        page.wait_for_url("**/settings/mailboxes/*/")
        page.get_by_role("button", name="测试连接").click()
        expect(page.locator("#look [role=alert], #look .alert")).to_contain_text("授权码")
        page.fill("[name=imap_password]", server.password)
        page.get_by_role("button", name="保存").click()
        page.get_by_role("button", name="测试连接").click()
        expect(page.locator("#look .alert")).to_contain_text("连接正常")
        server.put(mail_bytes(sender="Zhao <zhao@customer.example>", to="care@shop.example", subject="信从服务商来"))
        page.get_by_role("button", name="测试连接").click()  # a good test has it looked into at once
        page.goto(f"{stack.base_url}/settings/deliveries/received/")
        expect(page.locator("#rows")).to_contain_text("打开工单", timeout=30_000)
        page.get_by_role("link", name="打开工单").click()
        expect(page.locator("#main")).to_contain_text("信从服务商来")
    assert person.said == []
    person.context.close()

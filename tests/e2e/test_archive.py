"""A manager asks for the archive, sees it come, and fetches a file that opens."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.test_desk import Person
from tests.stack import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]  # the story, the desk and its lists are the quick ones
SEED = """
from tests.factories.accounts import PASSWORD, make_staff
from tests.factories.tickets import make_ticket
make_staff("dang@desk.example", roles=["manager"], password=PASSWORD, display_name="党案")
make_ticket(text="紫砂壶漏水")
"""


def test_a_manager_takes_the_archive_out(stack: RunningStack, browser: Browser, tmp_path: Path) -> None:
    stack.manage("shell", "-v", "0", "-c", SEED)
    person = Person(browser, stack.base_url, "dang@desk.example")
    page = person.page
    page.goto(f"{stack.base_url}/settings/archive/")
    expect(page.locator("#archives")).to_contain_text("还没有导出过")
    page.get_by_role("button", name="开始导出").click()
    link = page.get_by_role("link", name="下载")
    expect(link).to_be_visible(timeout=20_000)  # it comes without the page being asked for again
    with page.expect_download() as fetched:
        link.click()
    fetched.value.save_as(tmp_path / "archive.zip")
    with zipfile.ZipFile(tmp_path / "archive.zip") as book:
        assert book.testzip() is None
        assert "紫砂壶漏水" in book.read("messages-1.csv").decode()
    page.get_by_role("button", name="作废").click()
    page.get_by_role("alertdialog").get_by_role("button", name="作废").click()
    expect(page.locator("#archives")).to_contain_text("已取消")
    expect(page.get_by_role("link", name="下载")).to_have_count(0)
    assert person.said == []
    person.context.close()

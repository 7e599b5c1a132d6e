"""An administrator brings another desk's export: files, dry run, confirmation, import, the words found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.test_desk import Person
from tests.stack import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]  # the story, the desk and its lists are the quick ones
SEED = """
from tests.factories.accounts import PASSWORD, make_staff
make_staff("qianyi@desk.example", roles=["admin"], password=PASSWORD, display_name="钱迁")
"""
USER = {"id": 1, "name": "老客户", "email": "old@mail.example", "role": "end-user"}
TICKET = {
    "id": 7, "subject": "旧系统的工单", "status": "solved", "priority": "high", "created_at": "2024-03-01T02:00:00Z",
    "requester_id": 1,
    "comments": [{"id": 1, "author_id": 1, "body": "紫砂壶漏水", "created_at": "2024-03-01T02:00:00Z"}],
}  # fmt: skip


def test_an_administrator_moves_in(stack: RunningStack, browser: Browser, tmp_path: Path) -> None:
    stack.manage("shell", "-v", "0", "-c", SEED)
    files = []
    for name, row in (("users.json", USER), ("tickets.json", TICKET)):
        (tmp_path / name).write_text(json.dumps(row) + "\n")
        files.append(tmp_path / name)
    person = Person(browser, stack.base_url, "qianyi@desk.example")
    page = person.page
    page.goto(f"{stack.base_url}/settings/migration/")
    page.set_input_files("[name=files]", files)
    page.get_by_role("button", name="上传并预检").click()
    expect(page.locator("#run")).to_contain_text("solved")
    page.get_by_role("button", name="导入", exact=True).click()
    expect(page.locator("#run")).to_contain_text("全部迁入完成")
    page.goto(f"{stack.base_url}/desk/search/?q=紫砂壶")
    expect(page.locator("#main")).to_contain_text("旧系统的工单")
    assert person.said == []
    person.context.close()

"""Two records of one person in a real browser: proposed, put side by side, joined, undone from the toast."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.test_desk import Person
from tests.stack import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]  # the story, the desk and its lists are the quick ones
SEED = """
from django.utils import timezone
from customers.services import find_duplicates
from tests.factories.accounts import PASSWORD, make_staff, make_team
from tests.factories.customers import make_customer
from tests.factories.tickets import make_ticket
boss = {"roles": ["supervisor"], "password": PASSWORD, "display_name": "许合"}
make_staff("hebing@desk.example", teams=[make_team("合并组")], **boss)
one = make_customer(phone="13811117766", email="shuang@mail.example", name="双双", tier="gold")
two = make_customer(phone="13922227766", email="shuang2@mail.example", name="双双")
make_ticket(customer=one, subject="第一份档案的工单")
make_ticket(customer=two, subject="第二份档案的工单")
find_duplicates(at=timezone.now())
"""


def test_a_supervisor_joins_two_records_and_undoes_it(stack: RunningStack, browser: Browser) -> None:
    stack.manage("shell", "-v", "0", "-c", SEED)
    person = Person(browser, stack.base_url, "hebing@desk.example")
    page = person.page
    page.goto(f"{stack.base_url}/desk/customers/duplicates/")
    page.locator("tr", has_text="双双").get_by_role("link", name="并排对照").click()
    table = page.locator("table.compare")
    expect(table).to_contain_text("金卡")
    expect(table).to_contain_text("个工单")
    page.get_by_role("button", name="合并", exact=True).click()
    expect(page.locator("#main")).to_contain_text("第一份档案的工单")
    expect(page.locator("#main")).to_contain_text("第二份档案的工单")
    page.locator(".toast").get_by_role("button", name="撤销").click()
    expect(page.locator("#main [hx-get$='/tickets/'] tbody tr")).to_have_count(1)
    assert person.said == []
    person.context.close()

"""A deadline passes on the running product: the worker acts within 30 s, the desk tells why, settings show effects."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsing import sign_in
from tests.stack import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]  # the story, the desk and its lists are the quick ones
SEED = """
from datetime import timedelta
from django.utils import timezone
from tests.factories.accounts import PASSWORD, make_staff, make_team
from tests.factories.customers import make_customer
from tests.factories.tickets import make_ticket
team = make_team("售后一组")
make_staff("chen@desk.example", roles=["manager"], teams=[team], password=PASSWORD, display_name="陈主管")
soon = timezone.now() - timedelta(hours=2) + timedelta(seconds=4)
make_ticket(customer=make_customer(name="张伟"), subject="快递迟迟不到", text="什么时候到？", team_id=team.pk, at=soon)
"""


@pytest.fixture(scope="module")
def seeded(stack: RunningStack) -> RunningStack:
    """Open a ticket whose first reply is due in some seconds."""
    stack.manage("shell", "-v", "0", "-c", SEED)
    return stack


@pytest.fixture
def desk(browser: Browser, seeded: RunningStack) -> Iterator[Page]:
    """Sign the supervisor in; the console may not say a word."""
    context = browser.new_context(locale="zh-CN", viewport={"width": 1440, "height": 900})
    page, said = context.new_page(), []
    page.on("console", lambda line: said.append(line.text) if line.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    sign_in(page, seeded.base_url, "chen@desk.example", "/desk/?view=open")
    expect(page.locator("html")).to_have_attribute("data-live", "open")
    yield page
    context.close()
    assert said == []


def test_a_missed_deadline_is_acted_on_and_explained(desk: Page, seeded: RunningStack) -> None:
    with seeded.db() as database:
        for _ in range(160):
            event = database.execute("SELECT at, recorded_at FROM core_event WHERE kind = 'clock.breached'").fetchone()
            if event:
                break
            time.sleep(0.25)
        assert event is not None
        assert event["recorded_at"] - event["at"] < timedelta(seconds=30)
        for _ in range(80):
            row = database.execute("SELECT id, priority FROM tickets_ticket").fetchone()
            assert row is not None
            if row["priority"] == 30:
                break
            time.sleep(0.25)
        assert row["priority"] == 30
        told = database.execute("SELECT count(*) AS n FROM accounts_notification WHERE kind = 'ticket.clock_breached'")
        assert told.fetchone() == {"n": 1}
    desk.goto(f"{seeded.base_url}/desk/t/{row['id']}/?view=overdue")
    expect(desk.locator("#head .clock-late")).to_be_visible()
    desk.keyboard.press("w")
    dialog = desk.locator("#clocks-dialog")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("到期时间怎么算的")
    expect(dialog).to_contain_text("2 小时")
    expect(dialog).to_contain_text("默认")


def test_a_new_promise_shows_its_effect_before_it_is_saved(desk: Page, seeded: RunningStack) -> None:
    desk.goto(f"{seeded.base_url}/settings/sla/")
    desk.get_by_role("link", name="编辑“默认”").click()
    promised = desk.locator("[name=first_response_minutes]")
    expect(promised).to_have_value("2 小时")
    promised.fill("5 小时")
    desk.locator("button[name=preview]").click()
    expect(desk.locator("#effect")).to_contain_text("1 个延后")
    desk.get_by_role("button", name="保存", exact=True).click()
    desk.wait_for_url("**/settings/sla/")
    expect(desk.locator("#reprice")).to_contain_text("上次调整")

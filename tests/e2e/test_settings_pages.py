"""Pages the office uses rarely, in a browser: no serious axe violation in either theme, none wider than a phone."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page

from core.actors import SYSTEM
from core.models import Company
from cs_portal.welcome.views import setup_key
from notifications.services.sink import catch_mail
from orders.services import imports
from tests.factories.accounts import make_api_key, make_staff
from tests.factories.calendars import make_calendar
from tests.factories.calls import make_line, make_tree
from tests.factories.notifications import mail_bytes, make_mailbox, queue
from tests.factories.orders import make_shop
from tests.factories.webhooks import make_sent, make_webhook
from tests.orders.files import csv_bytes, rows_of
from tickets.services.calls.plans import save_plan

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
OVER = "[document.documentElement, ...document.querySelectorAll('main')].some(e => e.scrollWidth > e.clientWidth)"
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 720}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 720}},
    "phone": {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
}
HUB = (
    "/settings/", "/system/", "/settings/holidays/", "/settings/calendars/", "/settings/mailboxes/",
    "/settings/mailboxes/new/", "/settings/templates/", "/settings/deliveries/", "/settings/canned/",
    "/settings/categories/", "/settings/rules/", "/settings/rules/new/", "/settings/rules/log/", "/settings/sla/",
    "/settings/phone/", "/settings/phone/new/", "/desk/calls/",
    "/settings/blocked/", "/settings/surveys/", "/settings/follow-ups/", "/settings/archive/",
    "/settings/targets/", "/settings/staff/", "/settings/teams/", "/settings/shops/", "/settings/carriers/",
    "/settings/webhooks/", "/settings/webhooks/new/",
    "/settings/api-keys/", "/settings/access-log/", "/accounts/me/", "/desk/orders/import/", "/desk/visits/",
)  # fmt: skip
STEPS: tuple[dict[str, str], ...] = (
    {
        "company": "暖阳家居",
        "timezone": "Asia/Shanghai",
        "language": "zh-hans",
        "name": "林主管",
        "email": "lin@example.com",
        "password": "一句很长的好密码 2026",
    },
    {"name": "暖阳旗舰店", "code": "sunny", "currency": "CNY", "color": "#0F766E"},
    {"skip": "1"},
    {"skip": "1", "role": "agent"},
)


class Walk:
    """A browser window that carries a test client's session from page to page."""

    def __init__(self, browser: Browser, address: str, client: Client, look: str) -> None:
        self.address, self.client, self.look = address, client, look
        self.context = browser.new_context(locale="zh-CN", reduced_motion="reduce", **LOOKS[look])
        self.page: Page = self.context.new_page()
        self.page.route_web_socket("**/ws/desk", lambda socket: socket.send('{"type":"hello","heartbeat":25}'))

    def look_at(self, path: str) -> list[str]:
        """Open a page and tell what is wrong with it."""
        self.context.add_cookies(
            [{"name": name, "value": morsel.value, "url": self.address} for name, morsel in self.client.cookies.items()]
        )
        answer = self.page.goto(self.address + path)
        assert answer
        assert (answer.status, self.page.url) == (200, self.address + path)
        if self.look == "phone":
            return [f"{path} scrolls sideways"] if self.page.evaluate(OVER) else []
        self.page.evaluate(AXE)
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        grave = [one for one in found if one["impact"] in {"serious", "critical"}]
        return [f"{path} {one['id']}: {one['nodes'][0]['html'][:160]}" for one in grave]


@pytest.fixture
def walk(browser: Browser, live_server: Any, settings: Any, client: Client) -> Iterator[Any]:
    """Give a window in the look asked for."""
    settings.TRIAL = True
    opened: list[Walk] = []

    def start(look: str) -> Walk:
        opened.append(Walk(browser, live_server.url, client, look))
        return opened[-1]

    yield start
    for one in opened:
        one.context.close()


def furnish() -> list[str]:
    """Put one of everything in place and list the pages that show it."""
    now = timezone.now()
    company = Company.objects.filter(pk=1).first()
    if company is not None and company.set_up_at is None:
        Company.objects.filter(pk=1).update(set_up_at=now)
    shop = make_shop()
    make_api_key()
    calendar, mailbox, delivery = make_calendar(), make_mailbox("care@service.example"), queue()
    (mail,) = catch_mail(raw=mail_bytes(), sender="s@service.example", recipients=["wang@customer.example"], at=now)
    run = imports.start_import(
        shop_id=shop.pk, file=io.BytesIO(csv_bytes(rows_of())), name="订单.csv", actor=SYSTEM, at=now
    )
    imports.begin_check(run_id=run.pk, columns=run.columns, options={}, actor=SYSTEM, at=now)
    imports.check_import(run_id=run.pk, at=now)
    line, _secret = make_line()
    save_plan(line_id=line.pk, version=0, tree=make_tree(line.team_id), actor=SYSTEM, at=now)
    webhook, _secret = make_webhook(url="https://erp.example/a-rather-long-address/of-an-erp/" + "x" * 200)
    sent = make_sent(webhook)
    return [
        f"/settings/webhooks/{webhook.pk}/", f"/settings/webhooks/messages/{sent.pk}/",
        f"/settings/phone/{line.pk}/", f"/settings/phone/{line.pk}/menu/",
        "/mail/", f"/mail/{mail.pk}/", "/mail/new/", f"/settings/calendars/{calendar.pk}/",
        f"/settings/mailboxes/{mailbox.pk}/", f"/settings/deliveries/{delivery.pk}/", f"/settings/shops/{shop.pk}/",
        "/settings/templates/email/tickets.acknowledged/zh-hans/", f"/desk/orders/import/{run.pk}/",
    ]  # fmt: skip


@pytest.mark.parametrize("look", LOOKS)
def test_office_pages_are_accessible_and_fit(walk: Any, client: Client, look: str) -> None:
    pages = furnish()
    client.force_login(make_staff("boss@shop.example", roles=["admin"]))
    window = walk(look)
    assert [fault for path in (*pages, *HUB) for fault in window.look_at(path)] == []


@pytest.mark.parametrize("look", LOOKS)
def test_every_step_of_the_first_run_is_accessible_and_fits(walk: Any, client: Client, look: str) -> None:
    Company.objects.all().delete()
    window = walk(look)
    client.get(f"/welcome/?key={setup_key()}")
    faults = window.look_at("/welcome/")
    for step in STEPS:
        assert client.post("/welcome/", step).status_code == 302
        faults += window.look_at("/welcome/")
    assert faults == []
    assert client.post("/welcome/", {"preset": "shop"})["Location"] == "/desk/"


@pytest.mark.parametrize("look", LOOKS)
def test_doors_and_dead_ends_are_accessible_and_fit(walk: Any, look: str) -> None:
    furnish()
    window = walk(look)
    paths = ("/contact/", "/accounts/login/", "/accounts/password/reset/", "/mail/")
    assert [fault for path in paths for fault in window.look_at(path)] == []

"""Pages with rows that the walk over every page has not, in a browser: accessible in either theme, fit for a phone."""

import io
from collections.abc import Iterator
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
from tests.e2e.looking import DESKTOP, faults_of
from tests.factories.accounts import make_api_key, make_staff
from tests.factories.calendars import make_calendar
from tests.factories.calls import make_line, make_tree
from tests.factories.notifications import mail_bytes, make_mailbox, queue
from tests.factories.orders import make_shop
from tests.factories.webhooks import make_sent, make_webhook
from tests.orders.files import csv_bytes, rows_of
from tickets.services.calls.plans import save_plan

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
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

    def __init__(self, browser: Browser, address: str, client: Client) -> None:
        self.address, self.client = address, client
        self.context = browser.new_context(locale="zh-CN", reduced_motion="reduce", viewport=DESKTOP)  # type: ignore[arg-type]
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
        return [f"{path} {fault}" for fault in faults_of(self.page)]


@pytest.fixture
def walk(browser: Browser, live_server: Any, settings: Any, client: Client) -> Iterator[Walk]:
    """Give a window."""
    settings.TRIAL = True
    one = Walk(browser, live_server.url, client)
    yield one
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


def test_office_pages_are_accessible_and_fit(walk: Walk, client: Client) -> None:
    pages = furnish()
    client.force_login(make_staff("boss@shop.example", roles=["admin"]))
    assert [fault for path in pages for fault in walk.look_at(path)] == []


def test_every_step_of_the_first_run_is_accessible_and_fits(walk: Walk, client: Client) -> None:
    Company.objects.all().delete()
    client.get(f"/welcome/?key={setup_key()}")
    faults = walk.look_at("/welcome/")
    for step in STEPS:
        assert client.post("/welcome/", step).status_code == 302
        faults += walk.look_at("/welcome/")
    assert faults == []
    assert client.post("/welcome/", {"preset": "shop"})["Location"] == "/desk/"


def test_doors_and_dead_ends_are_accessible_and_fit(walk: Walk) -> None:
    furnish()
    paths = ("/contact/", "/accounts/login/", "/accounts/password/reset/", "/mail/")
    assert [fault for path in paths for fault in walk.look_at(path)] == []

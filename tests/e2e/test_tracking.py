"""A customer looks for her parcel on a phone: by number, by the link, without scripts, in the dark, in English."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.stack import RunningStack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]  # the story, the desk and its lists are the quick ones
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
DESK = {"viewport": {"width": 1440, "height": 900}}
SEED = """
from datetime import timedelta
from django.utils import timezone
from core.actors import SYSTEM
from notifications.services import save_account
from notifications.services.gateway import trial_subscription
from orders.scan_data import ScanData
from orders.services import add_scans
from orders.services.tracking_links import tracking_url
from tests.factories.orders import make_order, make_parcel, make_shop
now = timezone.now()
shop = make_shop("hill", name="山野生活馆", color="#C2410C", contact_phone="400-820-0042")
order = make_order(shop=shop, at=now, number="TRACK-1", phone="13912345678", placed_at=now - timedelta(days=3))
first = make_parcel(order, tracking="SF1402938475621", expected_at=now + timedelta(days=1))
second = make_parcel(order, carrier="zhongtong", tracking="ZT7788990011", expected_at=now + timedelta(days=2))
told = [("picked_up", "【深圳市】顺丰速运 已收取快件", 60), ("in_transit", "快件到达 【杭州转运中心】", 20),
        ("in_transit", "快件已存放至菜鸟驿站，请凭取件码 8-2-3011 领取，电话：13800138000", 2)]
scans = [ScanData(at=now - timedelta(hours=ago), status=status, text=text) for status, text, ago in told]
add_scans(parcel_id=first.pk, scans=scans, actor=SYSTEM, received_at=now)
late = ScanData(at=now - timedelta(days=5), status="in_transit", text="运输中，下一站 <script>alert(1)</script>")
add_scans(parcel_id=second.pk, scans=[late], actor=SYSTEM, received_at=now)
values = {"subject": "mailto:care@shop.example", "private_key": ""}
save_account(channel="push", version=0, values=values, is_active=True, actor=SYSTEM, at=now)
print("BROWSER", trial_subscription("e2e-phone"))
print("LINK", tracking_url(order_id=order.pk))
"""
# No push service is in reach of a test: the browser's own part is played, the page, its script and ours are real.
BROWSER = """
const told = %s;
const made = () => ({ endpoint: told.endpoint, options: {}, toJSON: () => told });
PushManager.prototype.subscribe = async () => (localStorage.setItem("held", "1"), made());
PushManager.prototype.getSubscription = async () => (localStorage.getItem("held") ? made() : null);
"""

MOVE = "UPDATE orders_parcel SET status = %s, rank = %s WHERE tracking_number = 'ZT7788990011'"


@pytest.fixture(scope="module")
def seeded(stack: RunningStack) -> tuple[str, str]:
    """Seed an order with two parcels; returns the path of its secret link, and a browser's subscription."""
    said = stack.manage("shell", "-v", "0", "-c", SEED)
    found = re.search(r"BROWSER (.+)\nLINK \S+?(/track/\S+)", said.stdout)
    assert found
    return found[2], found[1]


@pytest.fixture(scope="module")
def link(seeded: tuple[str, str]) -> str:
    """Return the path of the order's secret link."""
    return seeded[0]


@pytest.fixture
def visit(browser: Browser, stack: RunningStack) -> Iterator[Any]:
    """Open browser windows; afterwards no console may have said a word."""
    said: list[str] = []
    contexts = []

    def open_window(**options: Any) -> Page:
        context = browser.new_context(base_url=stack.base_url, **{"locale": "zh-CN", **options})
        contexts.append(context)
        page: Page = context.new_page()
        page.on("console", lambda line: said.append(line.text) if line.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert [line for line in said if "status of 410" not in line and "status of 422" not in line] == []


def faults(page: Page) -> list[str]:
    """Return what axe finds against WCAG 2.2 AA, and any page that is wider than its window."""
    page.evaluate(AXE)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", tags)
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return [
        f"{one['id']}: {json.dumps([node['html'][:120] for node in one['nodes']][:3], ensure_ascii=False)}"
        for one in found["violations"]
    ] + (["wider than its window"] if wide else [])


def test_customer_finds_her_parcel_by_number_on_a_phone(link: str, visit: Any) -> None:
    page = visit(**PHONE)
    page.goto("/track/")
    assert faults(page) == []
    page.locator("[name=number]").fill("track-1")
    page.locator("[name=phone]").fill("0000")
    page.get_by_role("button", name="查包裹").click()
    expect(page.get_by_text("订单号和手机号对不上")).to_be_visible()
    expect(page.locator("[name=number]")).to_have_value("track-1")  # nothing typed is lost
    assert faults(page) == []
    page.locator("[name=phone]").fill("5678")
    page.get_by_role("button", name="查包裹").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("预计")
    expect(page.get_by_text("SF1402938475621")).to_be_visible()
    expect(page.get_by_text("8-2-3011")).to_have_count(0)
    assert faults(page) == []
    page.get_by_role("link", name="联系客服").click()
    expect(page.get_by_label("订单号")).to_have_value("TRACK-1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_page_behind_the_link_reads_well(link: str, visit: Any, scheme: str, size: Any, locale: str) -> None:
    page = visit(**size, color_scheme=scheme, locale=locale)
    page.goto(link)
    expect(page.get_by_text("8-2-3011", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("预计" if locale == "zh-CN" else "Arrives")
    assert page.locator("svg.icon").evaluate_all("all => all.every(one => one.getBoundingClientRect().width > 8)")
    assert faults(page) == []
    page.goto("/track/" + "z" * 32 + "/")
    assert faults(page) == []


def test_page_needs_no_scripts_and_little_line(link: str, visit: Any) -> None:
    page = visit(**PHONE, java_script_enabled=False)
    loaded: list[int] = []
    page.on("requestfinished", lambda request: loaded.append(len(request.response().body())))
    page.goto(link)
    expect(page.get_by_text("SF1402938475621")).to_be_visible()
    expect(page.get_by_text("杭州转运中心")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert sum(loaded) < 100_000
    page.goto("/track/")
    page.locator("[name=number]").fill("TRACK-1")
    page.locator("[name=phone]").fill("13912345678")
    page.get_by_role("button", name="查包裹").click()
    expect(page.get_by_text("ZT7788990011")).to_be_visible()


def test_number_is_copied_and_the_page_looks_again(link: str, visit: Any, stack: RunningStack) -> None:
    page = visit(**PHONE, permissions=["clipboard-read", "clipboard-write"])
    page.clock.install()
    page.goto(link)
    page.get_by_role("button", name="复制").first.click()
    expect(page.get_by_role("status").filter(has_text="已复制")).to_have_count(1)
    assert page.evaluate("navigator.clipboard.readText()") == "SF1402938475621"
    page.evaluate("document.activeElement.blur()")
    with stack.db() as db:
        before = db.execute("SELECT count(*) AS n FROM orders_tracking_lookup").fetchone()["n"]
        db.execute(MOVE, ["out_for_delivery", 40])
    with page.expect_response(lambda answer: "/track/" in answer.url):
        page.clock.fast_forward(150_000)
    expect(page.get_by_text("派送中").first).to_be_visible()
    with stack.db() as db:
        after = db.execute("SELECT count(*) AS n FROM orders_tracking_lookup").fetchone()["n"]
        db.execute(MOVE, ["in_transit", 30])
    assert after == before  # the page looking again is no customer looking


def test_one_tap_has_notices_on_this_device_and_another_ends_them(
    seeded: tuple[str, str], visit: Any, stack: RunningStack
) -> None:
    def devices() -> int:
        with stack.db() as db:
            return int(db.execute("SELECT count(*) AS n FROM notifications_push_subscription").fetchone()["n"])

    page = visit(**PHONE, permissions=["notifications"])
    page.add_init_script(BROWSER % seeded[1])
    page.goto(seeded[0])
    page.get_by_role("button", name="开启提醒").click()
    expect(page.get_by_role("button", name="不再在此设备上提醒")).to_be_visible()
    assert devices() == 1
    script = page.evaluate("navigator.serviceWorker.getRegistration('/track/').then((it) => it.active.scriptURL)")
    assert script.endswith("/track/worker.js")
    page.reload()
    page.get_by_role("button", name="不再在此设备上提醒").click()
    expect(page.get_by_role("button", name="开启提醒")).to_be_visible()
    assert devices() == 0
    assert faults(page) == []

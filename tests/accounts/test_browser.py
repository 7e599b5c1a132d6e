"""A person's story in a real browser on the running product: invited, joined, signed out from afar."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsing import sign_in
from tests.factories.accounts import PASSWORD
from tests.stack import RunningStack

AXE = (Path(__file__).parent.parent / "e2e" / "axe" / "axe.min.js").read_text(encoding="utf-8")
pytestmark = [pytest.mark.e2e, pytest.mark.slow]

MAKE_ADMIN = f"""
from django.utils import timezone
from accounts import services
from accounts.services.staff import StaffDraft
from core.actors import SYSTEM
now = timezone.now()
team = services.create_team(name="North", shop_ids=[], actor=SYSTEM, at=now)
services.create_staff(email="admin@shop.example", password="{PASSWORD}",
    draft=StaffDraft(display_name="Admin", roles=("admin",), team_ids=(team.pk,)), actor=SYSTEM, at=now)
"""

RING = """
from django.utils import timezone
from accounts import services
from accounts.models import Staff
pk = Staff.objects.get(email="new@shop.example").pk
services.notify(staff_id=pk, kind="ticket.assigned", params={"ticket_id": 1}, url="/desk/", at=timezone.now())
"""


def new_page(browser: Browser, faults: list[str]) -> Page:
    page = browser.new_context(locale="en-GB", extra_http_headers={"Accept-Language": "en"}).new_page()
    page.on("console", lambda m: faults.append(f"{page.url}: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda e: faults.append(f"{page.url}: {e}"))
    return page


def grave_faults(page: Page) -> list[str]:
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{page.url} {one['id']}: {one['nodes'][0]['html'][:120]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def test_invited_joined_and_closed_from_afar(stack: RunningStack, browser: Browser) -> None:
    stack.manage("shell", "-c", MAKE_ADMIN)
    faults: list[str] = []
    admin, newcomer = new_page(browser, faults), new_page(browser, faults)
    base = stack.base_url.rstrip("/")

    sign_in(admin, base, "admin@shop.example", "/settings/staff/invite/")
    admin.fill("[name=email]", "new@shop.example")
    admin.locator(".choice", has_text=re.compile("^(客服|Agent)")).first.locator("input").check(force=True)
    admin.click("main .btn-primary")
    link = admin.locator("code").inner_text()
    assert link.startswith(base)

    newcomer.goto(link)
    newcomer.fill("[name=display_name]", "Wang")
    newcomer.fill("[name=password]", PASSWORD)
    newcomer.click("main .btn-primary")
    newcomer.wait_for_url("**/desk/**")
    with newcomer.expect_websocket() as socket:
        newcomer.goto(f"{base}/accounts/me/")
    assert "Wang" in newcomer.locator("[name=display_name]").input_value()
    assert not socket.value.is_closed()
    newcomer.wait_for_timeout(500)

    bell = newcomer.locator("[data-live-count=notifications]")
    assert bell.is_hidden()
    stack.manage("shell", "-c", RING)
    expect(bell).to_have_text("1", timeout=20_000)

    barriers = []
    for scheme in ("light", "dark"):
        admin.emulate_media(color_scheme=scheme)
        for address in ("settings/staff/", "settings/staff/1/", "settings/staff/invite/", "settings/teams/1/",
                        "settings/api-keys/", "settings/access-log/", "accounts/me/", "accounts/notifications/",
                        "accounts/password/change/", "accounts/sessions/"):  # fmt: skip
            admin.goto(f"{base}/{address}")
            barriers += grave_faults(admin)
    assert barriers == []
    admin.goto(f"{base}/settings/staff/")
    admin.get_by_role("link", name="Wang").click()
    admin.click("[data-dialog=deactivate]")
    admin.click("#deactivate .btn-danger")
    newcomer.wait_for_url("**/accounts/login/**", timeout=20_000)  # seconds, not at the next click
    admin.wait_for_load_state()
    assert admin.locator("[data-dialog=deactivate]").count() == 0
    assert faults == []

"""What a customer has typed survives another language and a dead line."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.factories.orders import make_shop

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def test_what_was_typed_goes_along_into_the_other_language(browser: Browser, live_server: Any) -> None:
    make_shop(code="sunny")
    context = browser.new_context(locale="zh-CN", base_url=live_server.url, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto("/contact/?shop=sunny")
    page.locator("input[name=category]").nth(1).check(force=True)  # its face lies beneath it
    chosen = page.locator("input[name=category]:checked").get_attribute("value")
    page.fill("[name=text]", "杯子碎了\n请补发")
    page.fill("[name=phone]", "13900001234")
    page.get_by_role("button", name="English").click()
    page.wait_for_function("document.documentElement.lang.startsWith('en')")
    expect(page.locator("[name=text]")).to_have_value("杯子碎了\n请补发")  # once the scripts have come
    assert page.input_value("[name=phone]") == "13900001234"
    assert page.locator("input[name=category]:checked").get_attribute("value") == chosen
    page.reload()
    assert page.evaluate("sessionStorage.length") == 0, "nothing typed stays behind"
    context.close()


def test_a_form_is_not_sent_into_nowhere(browser: Browser, live_server: Any) -> None:
    make_shop(code="sunny")
    context = browser.new_context(locale="zh-CN", base_url=live_server.url, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto("/contact/?shop=sunny")
    page.fill("[name=text]", "快递三天没动了")
    context.set_offline(True)
    page.locator(".thumb-bar button").click()
    page.wait_for_selector("body[data-offline]")
    assert page.input_value("[name=text]") == "快递三天没动了"
    context.set_offline(False)
    page.wait_for_selector("body:not([data-offline])")
    page.locator(".thumb-bar button").click()
    page.wait_for_selector("[aria-invalid=true]")  # it is sent now, and answered: a phone is missing
    assert page.input_value("[name=text]") == "快递三天没动了"
    context.close()

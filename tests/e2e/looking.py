"""A demanding look at one page: axe in light and dark, nothing wider than a phone, no English on a Chinese one."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po
from playwright.sync_api import Page

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
LOCALE = Path(__file__).resolve().parents[2] / "locale"
DESKTOP, PHONE = {"width": 1280, "height": 720}, {"width": 390, "height": 844}
OVER = "[document.documentElement, ...document.querySelectorAll('main')].some(e => e.scrollWidth > e.clientWidth + 1)"
SETTLED = """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))).then(() => Promise.all(
  document.getAnimations().filter(one => one.effect.getComputedTiming().endTime < 2000).map(
    one => one.finished.catch(() => null))))"""
CONTRAST = {"resultTypes": ["violations"], "runOnly": {"type": "rule", "values": ["color-contrast"]}}


@cache
def english_sources() -> frozenset[str]:
    """Return the source texts that would be English on a Chinese page: at least two words, no values inside."""
    with (LOCALE / "zh_Hans" / "LC_MESSAGES" / "django.po").open("rb") as file:
        texts = {message.id for message in read_po(file) if isinstance(message.id, str)}
    return frozenset(text for text in texts if re.search(r"[A-Za-z]+ [A-Za-z]+", text) and "%(" not in text)


def grave(page: Page, options: dict[str, Any]) -> list[str]:
    """Return what axe calls serious or critical and still does half a second later; the script must be in the page."""
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    if found:  # a colour on its way
        page.wait_for_timeout(500)
        found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    grave = [one for one in found if one["impact"] in {"serious", "critical"}]
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in grave]


def faults_of(page: Page) -> list[str]:
    """Return what is wrong with an open page in a window of 1280 × 720; the window is left as it was."""
    page.evaluate(AXE)
    faults = grave(page, {"resultTypes": ["violations"]})
    page.emulate_media(color_scheme="dark")
    page.evaluate(SETTLED)  # colours fade, sizes follow
    faults += [f"dark {fault}" for fault in grave(page, CONTRAST)]
    page.set_viewport_size(PHONE)
    page.evaluate(SETTLED)  # colours fade, sizes follow
    if page.evaluate(OVER) and page.reload() and page.evaluate(OVER):  # loaded on a phone, no chart follows late
        faults.append("scrolls sideways on a phone")
    lines = {line.strip() for line in page.locator("body").inner_text().splitlines()}
    for part in page.locator("body [lang]").all_inner_texts():  # says itself in which language it is
        lines -= {line.strip() for line in part.splitlines()}
    if str(page.evaluate("document.documentElement.lang")).startswith("zh"):
        faults += [f"untranslated: {line}" for line in sorted(lines & english_sources())]
    page.set_viewport_size(DESKTOP)
    page.emulate_media(color_scheme="light")
    return faults

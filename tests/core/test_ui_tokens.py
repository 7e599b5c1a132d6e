"""The colours of static/css/tokens.css: both dark blocks equal, every pair of text and ground readable."""

import re
from pathlib import Path

import pytest

from core.stylesheets import together
from core.ui.colour import contrast, readable, shop_rules

ROOT = Path(__file__).resolve().parents[2]
CSS = (ROOT / "static/css/tokens.css").read_text(encoding="utf-8")
TEXT = 4.5
PART = 3.0  # borders of controls and graphics (WCAG 1.4.11)
GROUNDS = ("canvas", "surface", "raised", "sunken", "hover", "selected")


def properties(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", block))


def block_after(marker: str) -> str:
    start = CSS.index("{", CSS.index(marker))
    return CSS[start : CSS.index("}", start)]


LIGHT = properties(block_after(":root {"))
SYSTEM_DARK = properties(block_after(':root:not([data-theme="light"])'))
OWN_DARK = properties(block_after(':root[data-theme="dark"]'))
THEMES = {"light": LIGHT, "dark": LIGHT | SYSTEM_DARK}

PAIRS = [
    (ink, ground) for ink in ("ink", "ink-2", "accent-ink", "bad", "warn", "good", "info", "note") for ground in GROUNDS
]
PAIRS += [("ink-3", ground) for ground in ("canvas", "surface", "raised", "sunken", "hover")]
PAIRS += [(tone, f"{tone}-soft") for tone in ("good", "warn", "bad", "info", "note")]
PAIRS += [("ink", f"{tone}-soft") for tone in ("good", "warn", "bad", "info", "note", "accent")]
PAIRS += [("ink-2", soft) for soft in ("note-soft", "accent-soft", "bubble")]
PAIRS += [("accent-ink", "accent-soft"), ("on-accent", "accent"), ("on-accent", "accent-hover"), ("on-bad", "bad-fill")]
PAIRS += [
    ("ink", "bubble"),
    ("ink", "glow"),
    ("ink", "note-line"),
    ("canvas", "ink-2"),
    ("canvas", "bad"),
    ("canvas", "ink"),
]
PAIRS += [(f"hue{n}-ink", f"hue{n}") for n in range(8)]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_reads_on_its_ground(theme: str, ink: str, ground: str) -> None:
    colours = THEMES[theme]
    assert contrast(colours[ink], colours[ground]) >= TEXT, f"{theme}: {ink} on {ground}"


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(
    ("part", "ground"),
    [("control", "raised"), ("control", "surface"), ("control", "canvas"), ("accent", "raised"), ("accent", "canvas")]
    + [(f"{tone}-fill", "raised") for tone in ("good", "bad", "info", "note")]
    + [(f"series{n}", "raised") for n in range(1, 7)],
)
def test_parts_stand_out_from_their_ground(theme: str, part: str, ground: str) -> None:
    colours = THEMES[theme]
    assert contrast(colours[part], colours[ground]) >= PART, f"{theme}: {part} on {ground}"


def test_own_dark_is_the_system_dark() -> None:
    assert OWN_DARK == SYSTEM_DARK


def test_every_dark_colour_has_a_light_one() -> None:
    assert SYSTEM_DARK.keys() - LIGHT.keys() == set()


def test_stylesheets_use_only_known_tokens() -> None:
    parts = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "static/css/components").glob("*.css"))
    known = set(re.findall(r"(--[\w-]+):", CSS + parts))
    for path in (ROOT / "static/css").rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        own = set(re.findall(r"(--[\w-]+):", text))
        used = {name for name, fallback in re.findall(r"var\((--[\w-]+)(,?)", text) if not fallback}
        assert used - known - own == set(), path.name


def test_customer_stylesheets_stay_small() -> None:
    assert len(together(ROOT / "static/css/public.css").encode()) < 80_000


@pytest.mark.parametrize("colour", ["#c2410c", "#ffd400", "#101010", "#f5f5f5", "#0f766e", "#e91e63"])
def test_shop_colour_reads_in_both_themes(colour: str) -> None:
    light, dark = (
        dict(re.findall(r"--([\w-]+):(#[0-9a-f]{6})", part)) for part in shop_rules(colour).split("@media")[:2]
    )
    for rules, ground in ((light, "#ffffff"), (dark, "#1a2422")):
        assert contrast(rules["on-shop"], rules["shop"]) >= TEXT
        assert contrast(rules["shop-ink"], rules["shop-soft"]) >= TEXT
        assert contrast(rules["shop-ink"], ground) >= TEXT


@pytest.mark.parametrize("colour", ["", "red", "#fff", "#12345g", "#123456;}body{display:none}", "url(x)"])
def test_shop_colour_that_is_none_sets_nothing(colour: str) -> None:
    assert shop_rules(colour) == ""


def test_readable_gives_up_at_the_end_of_the_road() -> None:
    assert readable("#ffffff", "#ffffff", "#777777") == "#ffffff"

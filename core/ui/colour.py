"""A shop's own colour, made readable: text on it and it as text both keep a contrast of 4.5:1."""

import re
from functools import lru_cache

HEX = re.compile(r"#[0-9a-fA-F]{6}")
ENOUGH = 4.5
RGB = tuple[float, float, float]


def parse(colour: str) -> RGB:
    """Return red, green and blue as 0..1. Raises ValueError unless the colour is #rrggbb."""
    if not HEX.fullmatch(colour or ""):
        raise ValueError(f"not a colour: {colour!r}")
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def write(rgb: RGB) -> str:
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in rgb)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parse(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mix(colour: str, with_colour: str, share: float) -> str:
    """Return `colour` with `share` of the other mixed in."""
    one, other = parse(colour), parse(with_colour)
    red, green, blue = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return write((red, green, blue))


def readable(colour: str, towards: str, *grounds: str) -> str:
    """Move the colour towards black or white until it reads on every ground."""
    for step in range(21):
        moved = mix(colour, towards, step / 20)
        if all(contrast(moved, ground) >= ENOUGH for ground in grounds):
            return moved
    return towards


@lru_cache(maxsize=64)
def shop_rules(colour: str) -> str:
    """Return the CSS custom properties of a shop colour for light and dark pages; empty for no or a wrong colour."""
    try:
        parse(colour)
    except ValueError:
        return ""

    def rules(ground: str, towards: str) -> str:
        on = "#101817" if contrast(colour, "#101817") >= max(ENOUGH, contrast(colour, "#ffffff")) else "#ffffff"
        away = "#000000" if on == "#ffffff" else "#ffffff"
        shop = readable(colour, away, on)
        soft = mix(ground, colour, 0.12)
        return (
            f"--shop:{shop};--shop-hover:{mix(shop, away, 0.14)};--on-shop:{on};"
            f"--shop-soft:{soft};--shop-ink:{readable(colour, towards, soft, ground)}"
        )

    light, dark = rules("#ffffff", "#000000"), rules("#1a2422", "#ffffff")
    return (
        f":root{{{light}}}@media"
        f" (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}:root[data-theme=dark]{{{dark}}}"
    )

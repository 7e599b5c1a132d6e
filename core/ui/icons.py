"""Icons: one use of the vendored sprite, cached per name and size."""

import re
from functools import lru_cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

SPRITE = "vendor/tabler-icons-3.51.0/sprite.svg"


@lru_cache(maxsize=1024)
def icon(name: str, size: int = 20, label: str = "", cls: str = "") -> SafeString:
    """Render an icon. With a label it speaks; without, it is decoration beside words."""
    classes = f"icon icon-{size}" if size != 20 else "icon"
    if cls:
        classes = f"{classes} {conditional_escape(cls)}"
    if label:
        words = conditional_escape(label)
        voice = f' role="img" aria-label="{words}"><title>{words}</title>'
    else:
        voice = ' aria-hidden="true">'
    return mark_safe(f'<svg class="{classes}"{voice}<use href="{sprite_url()}#{conditional_escape(name)}"/></svg>')


def sprite_url() -> str:
    return static(SPRITE)


def with_icons_inside(html: str) -> str:
    """Return a page that carries the few icons it uses itself, in place of a request for all of them.

    For pages that must stand at once on a slow line. The page has one <body>, and no id that begins with "i-".
    """
    sprite = sprite_url()
    used = sorted(set(re.findall(re.escape(sprite) + r"#([\w-]+)", html)))
    drawn = "".join(_symbols().get(name, "") for name in used)
    inside = re.sub(r"(<body\b[^>]*>)", rf'\1<svg id="icons" hidden aria-hidden="true">{drawn}</svg>', html, count=1)
    return inside.replace(f"{sprite}#", "#i-")


@lru_cache(maxsize=1)
def _symbols() -> dict[str, str]:
    """Return each icon's <symbol> by name, its id with the prefix "i-"."""
    text = Path(str(finders.find(SPRITE))).read_text(encoding="utf-8")
    found = re.findall(r'(<symbol\b[^>]*?\bid=")([\w-]+)("[^>]*>.*?</symbol>)', text, re.DOTALL)
    return {name: f"{before}i-{name}{after}" for before, name, after in found}

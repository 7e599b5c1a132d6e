"""Icons: one use of the vendored sprite, cached per name and size."""

from functools import lru_cache

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

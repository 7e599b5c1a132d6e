"""The entries of the rail: on every page, so what does not change between two is put together once."""

from functools import lru_cache

from django.utils.safestring import SafeString

from .escaping import esc
from .icons import icon
from .numbers import count


def rail_link(
    key: str,
    label: str,
    symbol: str,
    url: str,
    *,
    shortcut: str = "",
    go_to: str = "",
    badge: int = 0,
    active: bool = False,
) -> SafeString:
    """Render one entry. `go_to` names the group its shortcut stands in, `badge` is a count, 0 for none."""
    head, body = _parts(url, label, symbol, shortcut, go_to)
    here = ' aria-current="page"' if active else ""
    number = f'<span class="rail-badge" data-live-count="{esc(key)}">{count(badge)}</span>' if badge else ""
    return SafeString(f"{head}{here}{body}{number}</a>")


@lru_cache(maxsize=256)
def _parts(url: str, label: str, icon_name: str, shortcut: str, go_to: str) -> tuple[str, str]:
    words = esc(label)
    keys = f' data-key="{esc(shortcut.lower())}" data-key-group="{esc(go_to)}"' if shortcut else ""
    return (
        f'<a class="rail-item" href="{esc(url)}"',
        f'{keys} data-tip="{words}">{icon(icon_name, 24)}<span class="rail-label">{words}</span>',
    )

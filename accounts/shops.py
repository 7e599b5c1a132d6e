"""Which shops there are: told by the app that owns them, since accounts stands below it."""

from collections.abc import Callable

ShopLister = Callable[[], list[tuple[int, str]]]
_listers: list[ShopLister] = []


def register_shops(lister: ShopLister) -> None:
    """Say which shops exist as (id, name); the orders app calls this in its registrations."""
    _listers[:] = [lister]


def shop_choices() -> list[tuple[int, str]]:
    """Return the shops as (id, name), none before the orders app has told."""
    return _listers[0]() if _listers else []

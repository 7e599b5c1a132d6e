"""Shops by code and as choices."""

from __future__ import annotations

from django.db.models import QuerySet

from core.kept import Kept, Slot
from orders.models import Shop

_CODE = Slot("code", "\ue010 a code of a shop", "text")
_open = Kept(lambda: (_CODE,))


def active_shops() -> list[Shop]:
    """Return the shops that are open, by name."""
    return list(Shop.objects.filter(is_active=True).order_by("name", "pk"))


def find_shop_by_code(code: str) -> Shop | None:
    """Return the shop with a code."""
    return Shop.objects.filter(code=code.strip().lower()).first()


def find_open_shop(code: str) -> Shop | None:
    """Return the shop with exactly this code unless it is closed."""
    found = _open.instances("", _of_code, code=code)
    return found[0] if found else None


def _of_code() -> QuerySet[Shop]:
    return Shop.objects.filter(code=_CODE.sample, is_active=True)


def shop_choices() -> list[tuple[int, str]]:
    """Return (id, name) of all shops, for other apps' settings."""
    return list(Shop.objects.order_by("name", "pk").values_list("pk", "name"))


def shops_named() -> dict[str, int]:
    """Return shop ids by code and by name, in lower case."""
    book: dict[str, int] = {}
    for pk, code, name in Shop.objects.values_list("pk", "code", "name"):
        book |= {code.lower(): pk, name.lower(): pk}
    return book

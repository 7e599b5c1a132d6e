"""Addresses of pages by name, for whatever asks for them by the hundred.

Django finds an address by trying patterns and formatting, some ten microseconds each; a ticket's page holds a hundred
and thirty. The form of an address whose parts are all keys never changes, so it is found once and filled in.
"""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.core.signals import setting_changed
from django.urls import NoReverseMatch, get_script_prefix, reverse

SAMPLES = tuple(9_182_736_450_000_001 + 1_111_111 * place for place in range(4))  # like nothing else in an address


@lru_cache(maxsize=2000)
def _form(name: str, count: int, root: str, prefix: str) -> str | None:
    """Return an address with {0}, {1} … in the place of its keys; None when it has no such form."""
    samples = SAMPLES[:count]
    try:
        made = reverse(name, args=samples)
    except NoReverseMatch:
        return None
    if len(samples) < count or any(made.count(str(sample)) != 1 for sample in samples) or "{" in made or "}" in made:
        return None
    for place, sample in enumerate(samples):
        made = made.replace(str(sample), f"{{{place}}}")
    return made


def address(name: str, *keys: object) -> str:
    """Return what `reverse(name, args=keys)` returns. Raises NoReverseMatch for a name or keys it does not know."""
    for key in keys:
        if type(key) is not int or key < 0:
            return reverse(name, args=keys)
    form = _form(name, len(keys), settings.ROOT_URLCONF, get_script_prefix())
    return reverse(name, args=keys) if form is None else form.format(*keys)


def _forget(*, setting: str, **_more: object) -> None:
    if setting in {"ROOT_URLCONF", "FORCE_SCRIPT_NAME"}:
        _form.cache_clear()


setting_changed.connect(_forget, dispatch_uid="core.addresses")

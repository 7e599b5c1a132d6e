"""Read fields a form has many of, named by a prefix and an id: skill_17, field_4."""

from __future__ import annotations

from collections.abc import Mapping


def numbered(post: Mapping[str, str], prefix: str) -> dict[int, str]:
    """Return id -> value of the posted names that are `prefix` and a number; other names are left alone."""
    found: dict[int, str] = {}
    for name, value in post.items():
        number = name.removeprefix(prefix)
        if name.startswith(prefix) and number.isdecimal() and number.isascii() and len(number) < 18:
            found[int(number)] = str(value)
    return found

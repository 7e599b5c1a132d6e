"""Two people on one form: whoever saves second is shown what the first one saved, and loses nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import StaleEdit


def check_version(row: Any, version: int | None, wanted: Mapping[str, Any]) -> list[str]:
    """Return the names of wanted values that a locked row does not have yet.

    Raises StaleEdit with them when the row is not at `version` any more; None asks nothing (a program, not a form).
    """
    changes = changes_of(row, wanted)
    if changes and version is not None and row.version != version:
        raise StaleEdit(changes=changes)
    return [change["field"] for change in changes]


def changes_of(row: Any, wanted: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what of the wanted values a row does not have: {"field", "yours", "theirs"} each."""
    return [
        {"field": name, "yours": str(value), "theirs": str(getattr(row, name))}
        for name, value in wanted.items()
        if getattr(row, name) != value
    ]


def own_changes[K](shown: Mapping[K, str], typed: Mapping[K, str], now: Mapping[K, str]) -> dict[K, str]:
    """Return what a person changed of many values on one form: typed otherwise than it was shown to her.

    A value nobody was `shown` is compared with what there is `now`. Raises StaleEdit with those of her changes that
    somebody else changed meanwhile to something else; what others changed beside hers stays.
    """
    changed = {key: value for key, value in typed.items() if value != shown.get(key, now.get(key, ""))}
    lost = [
        {"field": key, "yours": value, "theirs": now.get(key, "")}
        for key, value in changed.items()
        if now.get(key, "") not in (value, shown.get(key, now.get(key, "")))
    ]
    if lost:
        raise StaleEdit(changes=lost)
    return {key: value for key, value in changed.items() if now.get(key, "") != value}

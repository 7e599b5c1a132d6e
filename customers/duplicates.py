"""Where proposals of duplicates come from: this app's own look, and those registered by apps above."""

from __future__ import annotations

from collections.abc import Callable, Iterable

type Group = list[int]
type Finder = Callable[[], Iterable[Group]]

FINDERS: dict[str, Finder] = {}


def register_duplicate_finder(reason: str, find: Finder) -> None:
    """Have groups of customer ids that look like one person proposed for a reason (a DuplicateReason code)."""
    FINDERS[reason] = find

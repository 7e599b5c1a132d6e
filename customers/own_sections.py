"""What a customer finds on her own page: each app adds its own part (orders, requests; returns and points with theirs).

Apps call `register_own_section` in `<app>/registrations.py`; nothing else of the page has to change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from core.errors import Text

if TYPE_CHECKING:
    from customers.selectors.own import Proof

MOST = 20


@dataclass(frozen=True)
class OwnRow:
    """One thing of hers: where it leads, what it is, how it stands (`tone` good, warn, bad, info or "")."""

    pk: int
    title: str
    hint: str
    state: str
    tone: str
    at: datetime


@dataclass(frozen=True)
class OwnSection:
    """One part of the page: `rows(proof)` gives at most MOST of hers, the newest first; `url(proof, pk)` leads to one.

    `url` returns "" for what is not hers: the page says the same as for what does not exist.
    """

    key: str
    label: Text
    icon: str
    order: int
    rows: Callable[[Proof], list[OwnRow]]
    url: Callable[[Proof, int], str]
    nothing: Text


SECTIONS: dict[str, OwnSection] = {}


def register_own_section(section: OwnSection) -> None:
    """Offer a part of the customer's own page."""
    SECTIONS[section.key] = section


def own_sections() -> list[OwnSection]:
    """Return the parts in their order."""
    return sorted(SECTIONS.values(), key=lambda one: one.order)

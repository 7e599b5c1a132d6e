"""What figures are narrowed to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

NAMES = ("shop_id", "team_id", "agent_id", "channel", "category")


@dataclass(frozen=True)
class Filters:
    """What the figures are narrowed to; `shops` is the reader's own scope (None = all)."""

    shops: tuple[int, ...] | None = None
    shop_id: int | None = None
    team_id: int | None = None
    agent_id: int | None = None
    channel: str = ""
    category: str = ""

    @property
    def is_by_shop(self) -> bool:
        """Whether shops are all they speak of, so that the roll-ups by shop will do."""
        return set(self.chosen()) <= {"shop_id"}

    def chosen(self) -> dict[str, int | str]:
        """Return the dimensions narrowed to one value each."""
        values = {name: getattr(self, name) for name in NAMES}
        return {name: value for name, value in values.items() if value not in (None, "")}

    def conditions(self) -> tuple[str, list[Any]]:
        """Return an SQL condition over the dimension columns and its values."""
        parts: list[str] = ["TRUE"]
        values: list[Any] = []
        if self.shops is not None:
            parts.append("shop_id = ANY(%s)")
            values.append(list(self.shops))
        for name, value in self.chosen().items():
            parts.append(f"{name} = %s")
            values.append(value)
        return " AND ".join(parts), values

"""The orders a list can stand in, each with its keyset: where a page ended is said by values, not by a number of rows.

Every order ends with the id, so no two tickets stand at the same place, and all its keys run the same way, so "after"
is one comparison of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from tickets.enums import Sorting
from tickets.models import Ticket
from tickets.models.ticket import NEVER

LONGEST = 18  # digits of a part of a cursor


def _or_never(column: str) -> Coalesce:
    return Coalesce(column, Value(NEVER))


@dataclass(frozen=True)
class Order:
    """An order: expressions by name, and whether all run downwards (the id included)."""

    keys: tuple[tuple[str, Any], ...]
    is_falling: bool

    @property
    def names(self) -> list[str]:
        """Return the names under which a row's keys are read."""
        return [name for name, _expression in self.keys]

    @property
    def is_by_moment(self) -> bool:
        """Say whether a place is a moment and an id."""
        return len(self.keys) == 1

    def arrange(self, rows: QuerySet[Ticket]) -> QuerySet[Ticket]:
        """Return the rows in this order, with their keys annotated."""
        made = {name: expression for name, expression in self.keys if not isinstance(expression, F)}
        ends = [F(name).desc() if self.is_falling else F(name).asc() for name in [*self.names, "pk"]]
        return rows.annotate(**made).order_by(*ends)

    def after(self, rows: QuerySet[Ticket], cursor: str) -> QuerySet[Ticket]:
        """Return the arranged rows behind a cursor; all of them for one that cannot be read."""
        place = self.read_cursor(cursor)
        return rows if place is None else self.behind(rows, place)

    def behind(self, rows: QuerySet[Ticket], place: Sequence[Any]) -> QuerySet[Ticket]:
        """Return the arranged rows behind a place: the keys of a row, then its id."""
        past = "lt" if self.is_falling else "gt"
        names = [*self.names, "pk"]
        beyond = Q()
        for depth in reversed(range(len(names))):  # (a, b) behind (x, y): a behind x, or a = x and b behind y
            step = Q(**{f"{names[depth]}__{past}": place[depth]})
            beyond = step | (Q(**{names[depth]: place[depth]}) & beyond) if beyond else step
        bound = Q(**{f"{names[0]}__{past}e": place[0]})  # implied, but it is what an index can begin at
        return rows.filter(beyond, bound)

    def write_cursor(self, keys: Sequence[Any], pk: int) -> str:
        """Return where a row stands as text: microseconds or numbers, then the id."""
        return "-".join([*(str(_to_number(key)) for key in keys), str(pk)])

    def read_cursor(self, cursor: str) -> list[Any] | None:
        """Return the keys and id of a cursor, None when it is not one of this order."""
        parts = cursor.split("-")
        if len(parts) != len(self.keys) + 1 or not all(_is_number(part) for part in parts):
            return None
        try:
            keys = [
                int(part) if name == "priority" else _to_moment(int(part))
                for name, part in zip(self.names, parts, strict=False)
            ]
        except (OverflowError, ValueError):
            return None
        return [*keys, int(parts[-1])]

    def place_of(self, ticket: Ticket) -> list[Any] | None:
        """Return where a loaded ticket stands; None when its place is not known from its row."""
        place = [getattr(ticket, _COLUMN.get(name, name)) for name in self.names]
        return [NEVER if value is None else value for value in place]


_COLUMN = {"turn_key": "customer_turn_at", "due_key": "next_due_at"}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= LONGEST


def _to_number(key: Any) -> int:
    return int(key.timestamp()) * 1_000_000 + key.microsecond if isinstance(key, datetime) else int(key)


def _to_moment(micros: int) -> datetime:
    seconds, rest = divmod(micros, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


ORDERS: dict[str, Order] = {
    Sorting.NEWEST: Order((("last_message_at", F("last_message_at")),), is_falling=True),
    Sorting.WAITING: Order((("turn_key", _or_never("customer_turn_at")),), is_falling=False),
    Sorting.DUE: Order((("due_key", _or_never("next_due_at")),), is_falling=False),
    Sorting.PRIORITY: Order((("priority", F("priority")), ("last_message_at", F("last_message_at"))), is_falling=True),
}


def known_sorting(text: str | None, default: str = Sorting.NEWEST) -> str:
    """Return the code of an existing order; an unknown one becomes the default."""
    return str(Sorting(text)) if text in Sorting.values else str(default)

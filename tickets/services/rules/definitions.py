"""What a rule says, as values: conditions and actions, read from a version's JSON and written to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tickets.models import RuleVersion
from tickets.rule_enums import BY_TODAY, FIELD, Do


@dataclass(frozen=True)
class Condition:
    """One comparison; `value` is a list in every kind (codes, ids, words, one number or date as text, a calendar)."""

    what: str
    op: str
    value: tuple[Any, ...] = ()

    @property
    def field_id(self) -> int | None:
        """Return the id of the category's own field it looks at, None for anything else."""
        return int(self.what.removeprefix(FIELD)) if self.what.startswith(FIELD) else None

    def as_json(self) -> dict[str, Any]:
        """Return the condition as it is stored."""
        return {"what": self.what, "op": self.op, "value": list(self.value)}


@dataclass(frozen=True)
class Action:
    """One thing to do; what belongs to it stands in `value` ({"priority": 30}, {"id": 5}, {"text": …})."""

    do: str
    value: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the action as it is stored."""
        return {"do": self.do, **self.value}


@dataclass(frozen=True)
class Definition:
    """If and then: all of `all_of` and, when there are any, one of `any_of`; then `actions` in their order."""

    all_of: tuple[Condition, ...] = ()
    any_of: tuple[Condition, ...] = ()
    actions: tuple[Action, ...] = ()

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Return all conditions."""
        return self.all_of + self.any_of

    @property
    def stops(self) -> bool:
        """Say whether no further rules are asked after this one."""
        return any(action.do == Do.STOP for action in self.actions)

    @property
    def by_today(self) -> list[str]:
        """Return what a trial has to judge by today's values, each once."""
        found = [one.what for one in self.conditions if one.what in BY_TODAY or one.field_id is not None]
        return list(dict.fromkeys(found))

    def as_json(self) -> dict[str, Any]:
        """Return the definition as a version keeps it."""
        return {
            "all": [one.as_json() for one in self.all_of],
            "any": [one.as_json() for one in self.any_of],
            "do": [one.as_json() for one in self.actions],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Definition:
        """Return a kept definition."""

        def conditions(key: str) -> tuple[Condition, ...]:
            return tuple(Condition(one["what"], one["op"], tuple(one.get("value", ()))) for one in data.get(key, ()))

        actions = tuple(
            Action(one["do"], {name: value for name, value in one.items() if name != "do"})
            for one in data.get("do", ())
        )
        return cls(conditions("all"), conditions("any"), actions)

    @classmethod
    def of(cls, version: RuleVersion) -> Definition:
        """Return what a version says."""
        return cls.from_json(version.definition)

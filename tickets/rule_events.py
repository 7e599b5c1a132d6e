"""Events of automation rules: how they are set, and what they did to tickets."""

from dataclasses import dataclass

from core.events import Code, declare


@dataclass(frozen=True)
class RuleFact:
    """A rule was saved, switched, moved or deleted; the number of its version."""

    number: int
    trigger: Code
    is_active: bool = False


@dataclass(frozen=True)
class RuleActed:
    """A rule acted on a ticket: what it did and what it could not do (codes of actions)."""

    rule_id: int
    number: int
    trigger: Code
    done: tuple[Code, ...] = ()
    failed: tuple[Code, ...] = ()


for _what in ("saved", "switched_on", "switched_off", "deleted"):
    declare(f"rule.{_what}", RuleFact)
declare("rule.acted", RuleActed)

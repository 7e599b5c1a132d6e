"""Events of promises."""

from dataclasses import dataclass
from datetime import datetime

from core.events import Code, declare


@dataclass(frozen=True)
class PromiseChanged:
    """An order is promised another day; `why`: told, rules, plan, plan_off. On time is measured by `counted_at`."""

    before: datetime
    promised_at: datetime
    counted_at: datetime
    why: Code
    plan_id: int | None = None


@dataclass(frozen=True)
class PromisePassed:
    """The promise on time is measured by passed, and the order had not arrived."""

    promised_at: datetime


@dataclass(frozen=True)
class PromiseRuleSaved:
    """A rule was made, changed, moved or laid to rest; which fields (codes)."""

    version: int
    fields: tuple[Code, ...]


declare("order.promise_changed", PromiseChanged)
declare("order.promise_passed", PromisePassed)
declare("promise_rule.saved", PromiseRuleSaved)

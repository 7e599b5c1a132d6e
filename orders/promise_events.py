"""Events of promises."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.events import Code, declare


@dataclass(frozen=True)
class PromiseChanged:
    """An order is promised another day; on time is measured by `counted_at`. `why`: told, rules, plan, plan_told…"""

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


@dataclass(frozen=True)
class PlanMoved:
    """A plan was switched on, ended or called off."""

    before: Code
    state: Code
    extra_days: int


@dataclass(frozen=True)
class CompensationProposed:
    """A plan proposes to give a customer something for waiting; whoever grants goodwill decides."""

    plan_id: int
    compensation: Code
    amount: Decimal
    currency: Code


declare("order.promise_changed", PromiseChanged)
declare("order.promise_passed", PromisePassed)
declare("promise_rule.saved", PromiseRuleSaved)
declare("contingency_plan.moved", PlanMoved)
declare("order.compensation_proposed", CompensationProposed)

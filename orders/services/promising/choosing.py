"""Which rule an order falls under, and what it is promised by it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from core.calendar.models import CalendarDefinition
from core.calendar.selectors import calendar_rows, calendar_value, plain_default
from orders.gazetteer import NOWHERE, Region, covers, region_of
from orders.models import ContingencyPlan, PromiseRule, Shop
from orders.promise_enums import PromiseSource
from orders.services.promising.counting import Counted, NeverReached, Step, Terms, count_promise


@dataclass(frozen=True)
class Case:
    """What the rules look at in an order."""

    shop_id: int
    placed_at: datetime
    region: Region = NOWHERE
    carrier_ids: frozenset[int] = frozenset()
    categories: frozenset[str] = frozenset()
    skus: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Promised:
    """What an order is promised, by which rule (None: not by one)."""

    at: datetime
    source: str
    steps: list[Step] = field(default_factory=list)
    rule: PromiseRule | None = None
    base_at: datetime | None = None
    plans: list[ContingencyPlan] = field(default_factory=list)


class Rules:
    """The active rules in their order with the calendars they count in: two statements, the second when needed."""

    def __init__(self, rules: Iterable[PromiseRule] | None = None) -> None:
        rows = PromiseRule.objects.filter(is_active=True).order_by("position", "pk") if rules is None else rules
        self.rules = list(rows)
        self._calendars: dict[int | None, CalendarDefinition] | None = None

    @property
    def asks_for_products(self) -> bool:
        """Say whether a rule looks at product categories."""
        return any(rule.categories for rule in self.rules)

    def promise(self, case: Case, shop: Shop) -> Promised | None:
        """Return what an order is promised; None when nothing is."""
        zone = ZoneInfo(shop.timezone)
        for rule in self.rules:
            if not fits(rule, case, zone):
                continue
            try:
                counted = self._count(rule, case, zone)
            except NeverReached:  # a calendar without working days promises nothing; the next rule is asked
                continue
            return Promised(counted.at, PromiseSource.RULE, counted.steps, rule)
        if not shop.promise_days:
            return None
        at = case.placed_at + timedelta(days=shop.promise_days)
        placed = {"code": "placed", "at": case.placed_at.isoformat()}
        return Promised(at, PromiseSource.SHOP, [placed, {"code": "shop_days", "days": shop.promise_days}])

    def _count(self, rule: PromiseRule, case: Case, zone: ZoneInfo) -> Counted:
        calendar = self._calendar(rule.calendar_id)
        value = calendar_value(calendar) if calendar else plain_default()
        terms = Terms(
            value.zone if rule.calendar_id else zone, value, rule.cut_off, rule.dispatch_days,
            rule.is_dispatch_working, rule.transit_days, rule.is_transit_working,
        )  # fmt: skip
        return count_promise(terms, case.placed_at)

    def _calendar(self, calendar_id: int | None) -> CalendarDefinition | None:
        if self._calendars is None:
            wanted = {rule.calendar_id for rule in self.rules if rule.calendar_id}
            rows = calendar_rows(wanted, with_default=True)
            self._calendars = {row.pk: row for row in rows}
            if default := next((row for row in rows if row.is_default), None):
                self._calendars[None] = default
        return self._calendars.get(calendar_id)


def fits(rule: PromiseRule, case: Case, zone: ZoneInfo) -> bool:
    """Say whether every condition of a rule holds."""
    day = case.placed_at.astimezone(zone).date()
    return (
        (not rule.shop_ids or case.shop_id in rule.shop_ids)
        and (rule.valid_from is None or day >= rule.valid_from)
        and (rule.valid_until is None or day <= rule.valid_until)
        and (not rule.regions or covers(rule.regions, case.region))
        and (not rule.carrier_ids or not case.carrier_ids.isdisjoint(rule.carrier_ids))
        and (not rule.skus or not case.skus.isdisjoint(rule.skus))
        and (not rule.categories or not case.categories.isdisjoint(rule.categories))
    )


def case_of(
    *, shop_id: int, placed_at: datetime, region: str, carrier_ids: Iterable[int], skus: Iterable[str],
    categories: Iterable[str],
) -> Case:  # fmt: skip
    """Return what the rules look at."""
    return Case(
        shop_id, placed_at, region_of(region), frozenset(carrier_ids), frozenset(c for c in categories if c),
        frozenset(sku for sku in skus if sku),
    )  # fmt: skip

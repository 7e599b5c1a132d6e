"""Rules as people edit them: saved, moved, and rehearsed before they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import date, datetime, time
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.editing import check_version
from core.errors import InvalidInput, NotFound, Text
from core.events import Code, record
from core.text import normalise
from orders.gazetteer import is_region_key
from orders.models import PromiseRule, PromiseRun
from orders.promise_enums import RunKind
from orders.promise_events import PromiseRuleSaved
from orders.services.promising.choosing import Rules
from orders.services.promising.repricing import Effect, owe_reprice, preview_rules


@dataclass(frozen=True)
class RuleDraft:
    """What can be set about a rule."""

    name: str
    shop_ids: list[int] = field(default_factory=list)
    carrier_ids: list[int] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    skus: list[str] = field(default_factory=list)
    valid_from: date | None = None
    valid_until: date | None = None
    cut_off: time | None = None
    dispatch_days: int = 0
    is_dispatch_working: bool = True
    transit_days: int = 3
    is_transit_working: bool = False
    calendar_id: int | None = None
    is_active: bool = True


@transaction.atomic
def save_promise_rule(
    *, rule_id: int | None, draft: RuleDraft, version: int | None, actor: Actor, at: datetime
) -> tuple[PromiseRule, PromiseRun | None]:
    """Add a rule (no id) or change one; open orders are priced anew in the background.

    Raises InvalidInput, NotFound, StaleEdit with what differs.
    """
    rule, changed = _write(rule_id, draft, version)
    if not changed:
        return rule, None
    data = PromiseRuleSaved(rule.version, tuple(Code(name) for name in changed))
    record("promise_rule.saved", subject=rule, actor=actor, at=at, data=data)
    return rule, owe_reprice(kind=RunKind.RULES, at=at)


def preview_promise_rule(*, rule_id: int | None, draft: RuleDraft, version: int | None, at: datetime) -> Effect:
    """Return what saving a rule would do to open orders: saved, looked at and taken back. Raises what saving raises."""
    return preview_rules(_rehearsed(lambda: _write(rule_id, draft, version)), at=at)


def _rehearsed(change: Callable[[], object]) -> Rules:
    with transaction.atomic():
        change()
        rules = Rules()
        transaction.set_rollback(True)
    return rules


def _write(rule_id: int | None, draft: RuleDraft, version: int | None) -> tuple[PromiseRule, list[str]]:
    values = _checked(draft)
    if rule_id is None:
        last = PromiseRule.objects.order_by("-position").values_list("position", flat=True).first()
        rule, changed = PromiseRule(position=(last or 0) + 1), list(values)
    else:
        found = PromiseRule.objects.select_for_update(no_key=True).filter(pk=rule_id).first()
        if found is None:
            raise NotFound
        rule = found
        changed = check_version(rule, version, values)
        rule.version += bool(changed)
    for name in changed:
        setattr(rule, name, values[name])
    try:
        with transaction.atomic():
            rule.save()
    except IntegrityError:
        raise InvalidInput(fields={"name": [_("Another rule has this name.")]}) from None
    return rule, changed


def _checked(draft: RuleDraft) -> dict[str, Any]:
    values = {one.name: getattr(draft, one.name) for one in fields(draft)} | {"name": normalise(draft.name)}
    wrong: dict[str, list[Text]] = {}
    if not 1 <= len(values["name"]) <= 80:
        wrong["name"] = [_("Give the rule a name of at most 80 characters.")]
    if unknown := [key for key in draft.regions if not is_region_key(key)]:
        wrong["regions"] = [_("We do not know the region “%(region)s”.") % {"region": unknown[0]}]
    for name, top in (("dispatch_days", 60), ("transit_days", 90)):
        if not 0 <= values[name] <= top:
            wrong[name] = [_("Give a number of days from 0 to %(top)s.") % {"top": top}]
    if draft.valid_from and draft.valid_until and draft.valid_until < draft.valid_from:
        wrong["valid_until"] = [_("The last day lies before the first one.")]
    for name in ("categories", "skus"):
        if any(len(one) > 64 for one in values[name]) or len(values[name]) > 200:
            wrong[name] = [_("At most 200 entries of at most 64 characters each.")]
    if wrong:
        raise InvalidInput(fields=wrong)
    return values


@transaction.atomic
def move_promise_rule(*, rule_id: int, up: bool, actor: Actor, at: datetime) -> PromiseRun | None:
    """Have a rule asked earlier or later than its neighbour; open orders are priced anew. Raises NotFound."""
    rules = list(PromiseRule.objects.select_for_update(no_key=True).filter(is_active=True).order_by("pk"))
    rules.sort(key=lambda rule: (rule.position, rule.pk))
    index = next((n for n, rule in enumerate(rules) if rule.pk == rule_id), None)
    if index is None:
        raise NotFound
    other = index + (-1 if up else 1)
    if not 0 <= other < len(rules):
        return None
    rules[index], rules[other] = rules[other], rules[index]
    for position, rule in enumerate(rules, 1):
        rule.position = position
    PromiseRule.objects.bulk_update(rules, ["position"])
    moved = rules[other]
    data = PromiseRuleSaved(moved.version, (Code("position"),))
    record("promise_rule.saved", subject=moved, actor=actor, at=at, data=data)
    return owe_reprice(kind=RunKind.RULES, at=at)

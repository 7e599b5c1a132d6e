"""Promises and rules in the reader's words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any

from django.utils.translation import get_language, gettext, ngettext, pgettext

from core.calendar.words import day_name
from core.ui.times import full_words
from orders.models import DeliveryPromise, PromiseRule
from orders.promise_enums import PromiseSource


def lines_of(promise: DeliveryPromise) -> list[str]:
    """Return the arithmetic of a promise line by line; its rule must be loaded."""
    lines = []
    if promise.source == PromiseSource.RULE:
        name = promise.rule.name if promise.rule else gettext("no longer there")
        lines.append(gettext("By the rule “%(name)s”") % {"name": name})
    return lines + [line for step in promise.steps for line in _lines(step)]


def _lines(step: dict[str, Any]) -> list[str]:
    code = step.get("code")
    if code == "placed":
        return [gettext("Placed %(at)s") % {"at": _moment(step["at"])}]
    if code == "told":
        return [gettext("The shop told this date: %(at)s") % {"at": _moment(step["at"])}]
    if code == "shop_days":
        days = int(step["days"])
        words = ngettext("The shop's usual %(n)d day after placing", "The shop's usual %(n)d days after placing", days)
        return [words % {"n": days}]
    if code == "after_cut_off":
        values = {"time": step["cut_off"], "day": _day(step["day"])}
        return [gettext("After the cut-off at %(time)s, so it counts from %(day)s") % values]
    if code == "first_working_day":
        return [*_skipped(step), gettext("Work on it begins %(day)s") % {"day": _day(step["day"])}]
    if code in {"dispatch", "transit"}:
        return [*_skipped(step), _counted(step)]
    if code == "plan":
        days = int(step["days"])
        words = ngettext("The plan “%(name)s” adds %(n)d day", "The plan “%(name)s” adds %(n)d days", days)
        return [words % {"name": step.get("name", ""), "n": days}]
    return []


def _counted(step: dict[str, Any]) -> str:
    days = int(step["days"])
    if step["code"] == "dispatch":
        words = (
            ngettext("%(n)d working day to dispatch: %(day)s", "%(n)d working days to dispatch: %(day)s", days)
            if step.get("working")
            else ngettext("%(n)d day to dispatch: %(day)s", "%(n)d days to dispatch: %(day)s", days)
        )
    else:
        words = (
            ngettext("%(n)d working day on the way: %(day)s", "%(n)d working days on the way: %(day)s", days)
            if step.get("working")
            else ngettext("%(n)d day on the way: %(day)s", "%(n)d days on the way: %(day)s", days)
        )
    return words % {"n": days, "day": _day(step["day"])}


def _skipped(step: dict[str, Any]) -> list[str]:
    """Return which days did not count and why, neighbours of one reason together."""
    lines = []
    for reason, run in groupby(step.get("skipped", ()), key=_reason):
        days = [_day(one["day"]) for one in run]
        shown = days[0] if len(days) == 1 else gettext("%(first)s to %(last)s") % {"first": days[0], "last": days[-1]}
        values = {"days": shown, "reason": reason}
        lines.append(gettext("%(days)s off: %(reason)s") % values if reason else gettext("%(days)s off") % values)
    return lines


def _reason(one: dict[str, Any]) -> str:
    is_english = (get_language() or "").startswith("en")
    name = one.get("en") if is_english else one.get("zh")
    if name or one.get("zh") or one.get("en"):
        return str(name or one.get("zh") or one.get("en"))
    return gettext("Public holiday") if one.get("kind") == "holiday" else ""


def _day(told: str) -> str:
    return day_name(date.fromisoformat(told))


def _moment(told: str) -> str:
    return full_words(datetime.fromisoformat(told))[:-3]


def conditions_of(rule: Any, shops: dict[int, str], carriers: dict[int, str]) -> list[tuple[str, str]]:
    """Return the conditions of a rule or plan as (what, which); none for one that takes every order."""
    gone = gettext("no longer there")
    found: list[tuple[str, Sequence[str]]] = [
        (gettext("Shop"), [shops.get(pk, gone) for pk in rule.shop_ids]),
        (gettext("Carrier"), [carriers.get(pk, gone) for pk in rule.carrier_ids]),
        (gettext("Region"), region_names(rule.regions)),
        (gettext("Product category"), getattr(rule, "categories", [])),
        (gettext("Product"), getattr(rule, "skus", [])),
    ]
    return [(what, pgettext("between alternatives", " or ").join(which)) for what, which in found if which]


def region_names(keys: Iterable[str]) -> list[str]:
    """Return regions as people read them: 浙江, 浙江 杭州."""
    return [key.replace("/", " ") for key in keys]


def terms_of(rule: PromiseRule) -> str:
    """Return what a rule promises in one line."""
    parts = []
    if rule.dispatch_days:
        words = (
            ngettext("%(n)d working day to dispatch", "%(n)d working days to dispatch", rule.dispatch_days)
            if rule.is_dispatch_working
            else ngettext("%(n)d day to dispatch", "%(n)d days to dispatch", rule.dispatch_days)
        )
        parts.append(words % {"n": rule.dispatch_days})
    words = (
        ngettext("%(n)d working day on the way", "%(n)d working days on the way", rule.transit_days)
        if rule.is_transit_working
        else ngettext("%(n)d day on the way", "%(n)d days on the way", rule.transit_days)
    )
    parts.append(words % {"n": rule.transit_days})
    if rule.cut_off:
        parts.append(gettext("cut-off at %(time)s") % {"time": f"{rule.cut_off:%H:%M}"})
    return " · ".join(parts)

"""Whether a rule's conditions hold: pure comparisons of a definition with the facts of a ticket.

The facts are an object with an attribute for each thing a condition can look at; the engine reads them off the live
ticket, a trial off the log. Cheap ones are asked first, so that what costs a statement is asked only where it decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Protocol

from core.text import normalise
from tickets.rule_enums import Op, What
from tickets.services.rules.definitions import Condition, Definition

NONE = 0  # stands for "nobody", "no team", "no category" among ids
DEAR = (What.TEXT, What.WORDS, What.ORDER_STATUS, What.REPEAT)


class Facts(Protocol):
    """What conditions look at, as it stood."""

    @property
    def channel(self) -> str: ...
    @property
    def category_ids(self) -> tuple[int, ...]:
        """The category and the one above it; (0,) without one."""
        ...

    @property
    def priority(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def shop_id(self) -> int | None: ...
    @property
    def team_id(self) -> int | None: ...
    @property
    def assignee_id(self) -> int | None: ...
    @property
    def tier(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def tags(self) -> Collection[str]: ...
    @property
    def order_id(self) -> int | None: ...
    @property
    def order_status(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def is_repeat(self) -> bool: ...
    def field(self, field_id: int) -> str:
        """The value of an own field as it is stored, "" when empty."""
        ...

    def is_open(self, calendar_id: int | None) -> bool:
        """Whether the moment lies within business hours."""
        ...


def judge(definition: Definition, facts: Facts) -> list[int] | None:
    """Return the places of the any-conditions that held, None when the rule does not fit."""
    if not all(holds(one, facts) for one in sorted(definition.all_of, key=_cost)):
        return None
    held = [place for place, one in enumerate(definition.any_of) if holds(one, facts)]
    return held if held or not definition.any_of else None


def _cost(one: Condition) -> int:
    return 1 if one.what in DEAR or one.field_id is not None else 0


def holds(one: Condition, facts: Facts) -> bool:
    """Say whether one condition holds; one that has lost its sense (a field that is gone) does not."""
    if one.field_id is not None:
        return _field_holds(one, facts.field(one.field_id))
    test = TESTS.get(one.what)
    return test(one, facts) if test else False


def _among(one: Condition, *values: Any) -> bool:
    found = any(value in one.value for value in values)
    return found if one.op == Op.IS else not found


def _priority(one: Condition, facts: Facts) -> bool:
    if one.op == Op.AT_LEAST:
        return facts.priority >= one.value[0]
    if one.op == Op.AT_MOST:
        return facts.priority <= one.value[0]
    return _among(one, facts.priority)


def _tags(one: Condition, facts: Facts) -> bool:
    wanted, tags = {_plain(tag) for tag in one.value}, {_plain(tag) for tag in facts.tags}
    if one.op == Op.HAS_ALL:
        return wanted <= tags
    return bool(wanted & tags) if one.op == Op.HAS_ANY else not wanted & tags


def _said(one: Condition, *texts: str) -> bool:
    found = any(contains(text, str(word)) for text in texts for word in one.value)
    return found if one.op == Op.CONTAINS else not found


def _there(one: Condition, value: object) -> bool:
    return bool(value) if one.op == Op.PRESENT else not value


def _yes(one: Condition, value: bool) -> bool:
    return value if one.op == Op.YES else not value


def _hours(one: Condition, facts: Facts) -> bool:
    is_open = facts.is_open(int(one.value[0]) if one.value and one.value[0] else None)
    return is_open if one.op == Op.WITHIN else not is_open


TESTS: dict[str, Callable[[Condition, Facts], bool]] = {
    What.CHANNEL: lambda one, facts: _among(one, facts.channel),
    What.CATEGORY: lambda one, facts: _among(one, *facts.category_ids),
    What.PRIORITY: _priority,
    What.STATUS: lambda one, facts: _among(one, facts.status),
    What.SUBJECT: lambda one, facts: _said(one, facts.subject),
    What.TEXT: lambda one, facts: _said(one, facts.text),
    What.WORDS: lambda one, facts: _said(one, facts.subject, facts.text),
    What.TAGS: _tags,
    What.TEAM: lambda one, facts: _among(one, facts.team_id or NONE),
    What.ASSIGNEE: lambda one, facts: _among(one, facts.assignee_id or NONE),
    What.SHOP: lambda one, facts: _among(one, facts.shop_id or NONE),
    What.TIER: lambda one, facts: _among(one, facts.tier),
    What.LANGUAGE: lambda one, facts: _among(one, facts.language),
    What.ORDER: lambda one, facts: _there(one, facts.order_id),
    What.ORDER_STATUS: lambda one, facts: bool(facts.order_id) and _among(one, facts.order_status),
    What.HOURS: _hours,
    What.REPEAT: lambda one, facts: _yes(one, facts.is_repeat),
}


def _field_holds(one: Condition, value: str) -> bool:
    if one.op in {Op.PRESENT, Op.ABSENT}:
        return _there(one, value)
    if one.op in {Op.CONTAINS, Op.LACKS}:
        return _said(one, value)
    if one.op in {Op.YES, Op.NO}:
        return value == ("yes" if one.op == Op.YES else "no")
    if not value:
        return one.op == Op.IS_NOT
    if one.op in {Op.IS, Op.IS_NOT}:
        return _among(one, value)
    return _compared(one, value)


def _compared(one: Condition, value: str) -> bool:
    try:
        if one.op in {Op.BEFORE, Op.AFTER}:
            day, limit = date.fromisoformat(value), date.fromisoformat(str(one.value[0]))
            return day < limit if one.op == Op.BEFORE else day > limit
        number, bound = Decimal(value), Decimal(str(one.value[0]))
    except (ValueError, InvalidOperation):  # the field was of another kind when the ticket got its value
        return False
    return {Op.EQUALS: number == bound, Op.AT_LEAST: number >= bound, Op.AT_MOST: number <= bound}.get(
        Op(one.op), False
    )


def _plain(text: str) -> str:
    return normalise(text).casefold()


@lru_cache(maxsize=1024)
def _finder(word: str) -> re.Pattern[str]:
    """Return what finds a word: Chinese anywhere, a Latin one where a word begins ("refund" finds "Refunds")."""
    plain = _plain(word)
    begins = r"(?<![a-z0-9])" if plain[:1].isascii() and plain[:1].isalnum() else ""
    return re.compile(begins + re.escape(plain))


def contains(text: str, word: str) -> bool:
    """Say whether a text has a word in it, whatever its width, case and blanks."""
    return bool(text) and _finder(word).search(_plain(text)) is not None

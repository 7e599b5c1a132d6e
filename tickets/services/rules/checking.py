"""Check what somebody typed as a rule, and bring it into the form it is stored in."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from core.errors import InvalidInput, Text
from core.text import normalise, tidy_text
from tickets.enums import TicketStatus
from tickets.rule_enums import FIELD, FIELD_SPECS, SPECS, Do, Kind, Spec, Tell, What
from tickets.selectors.rules import Names
from tickets.services.rules.definitions import Action, Condition, Definition
from tickets.services.rules.judging import NONE

MOST_CONDITIONS, MOST_ACTIONS, MOST_VALUES = 20, 12, 50
STATUSES = tuple(status.value for status in TicketStatus if status != TicketStatus.NEW)
MAY_BE_NONE = (What.CATEGORY, What.TEAM, What.ASSIGNEE, What.SHOP)
MOST_HOURS = 400


def spec_of(what: str, names: Names) -> Spec | None:
    """Return what may be asked of something, None when it is not there."""
    if what.startswith(FIELD):
        field = names.fields.get(_number(what.removeprefix(FIELD)) or 0)
        return FIELD_SPECS.get(field.kind) if field else None
    return SPECS.get(what)


def check_definition(definition: Definition, names: Names) -> Definition:
    """Return the definition tidied. Raises InvalidInput; its fields are all-0, any-1, do-2 for the rows."""
    problems: dict[str, list[Text]] = {}

    def tidy(prefix: str, rows: tuple[Any, ...], check: Any) -> tuple[Any, ...]:
        found = []
        for place, row in enumerate(rows):
            try:
                found.append(check(row, names))
            except _Wrong as wrong:
                problems[f"{prefix}-{place}"] = [str(wrong)]
        return tuple(found)

    checked = Definition(
        tidy("all", definition.all_of, check_condition),
        tidy("any", definition.any_of, check_condition),
        tidy("do", definition.actions, check_action),
    )
    if not definition.actions:
        problems["do"] = [_("Say what the rule does.")]
    if len(definition.conditions) > MOST_CONDITIONS or len(definition.actions) > MOST_ACTIONS:
        problems["do"] = [_("This is too much for one rule. Please make two of it.")]
    if problems:
        raise InvalidInput(fields=problems)
    return checked


class _Wrong(ValueError):
    """What is wrong with a row, in words."""


def check_condition(one: Condition, names: Names) -> Condition:
    """Return a condition tidied. Raises _Wrong."""
    spec = spec_of(one.what, names)
    if spec is None:
        raise _Wrong(_("Choose what to look at."))
    if one.op not in spec.ops:
        raise _Wrong(_("Choose how to compare."))
    return Condition(one.what, one.op, VALUES[Kind(spec.ops[one.op])](one, names))


def _known(one: Condition, names: Names, values: list[Any]) -> tuple[Any, ...]:
    if not values:
        raise _Wrong(_("Choose at least one."))
    allowed = {key for key, _label in names.options.get(one.what, ())}
    if one.what in MAY_BE_NONE:
        allowed.add(NONE)
    if not set(values) <= allowed:
        raise _Wrong(_("Something chosen here is no longer there."))
    return tuple(dict.fromkeys(values))[:MOST_VALUES]


def _codes(one: Condition, names: Names) -> tuple[Any, ...]:
    return _known(one, names, [str(value) for value in one.value])


def _ids(one: Condition, names: Names) -> tuple[Any, ...]:
    return _known(one, names, [number for value in one.value if (number := _number(value)) is not None])


def _one(one: Condition, names: Names) -> tuple[Any, ...]:
    return _ids(Condition(one.what, one.op, one.value[:1]), names)


def _tags(one: Condition, _names: Names) -> tuple[Any, ...]:
    tags = tags_in(one.value)
    if not tags:
        raise _Wrong(_("Write at least one tag."))
    return tuple(tags)


def _words(one: Condition, _names: Names) -> tuple[Any, ...]:
    words = words_in(one.value)
    if not words:
        raise _Wrong(_("Write at least one word."))
    if any(len(word) > 60 for word in words):
        raise _Wrong(_("A word or phrase has sixty characters at most. Separate several by commas."))
    return tuple(words)


def _calendar(one: Condition, names: Names) -> tuple[Any, ...]:
    wanted = _number(one.value[0]) if one.value else None
    if wanted and wanted not in {pk for pk, _name in names.calendars}:
        raise _Wrong(_("These business hours are no longer there."))
    return (wanted,) if wanted else ()


def _amount(one: Condition, _names: Names) -> tuple[Any, ...]:
    try:
        number = Decimal(normalise(str(one.value[0])).replace(",", "")) if one.value else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise _Wrong(_("Write a number."))
    return (str(number),)


def _day(one: Condition, _names: Names) -> tuple[Any, ...]:
    try:
        return (date.fromisoformat(str(one.value[0])).isoformat(),) if one.value else _raise(_("Choose a day."))
    except ValueError as error:
        raise _Wrong(_("Choose a day.")) from error


def _raise(words: str) -> tuple[Any, ...]:
    raise _Wrong(words)


VALUES = {
    Kind.CODES: _codes, Kind.IDS: _ids, Kind.ONE: _one, Kind.TAGS: _tags, Kind.WORDS: _words,
    Kind.CALENDAR: _calendar, Kind.NUMBER: _amount, Kind.DATE: _day, Kind.NOTHING: lambda one, names: (),
}  # fmt: skip


def check_action(one: Action, names: Names) -> Action:
    """Return an action tidied, with nothing else in it. Raises _Wrong."""
    check = ACTIONS.get(one.do)
    if check is None:
        raise _Wrong(_("Choose what to do."))
    return Action(one.do, check(one.value, names))


def _choice(options: Any, value: Any, words: str) -> Any:
    number = _number(value)
    if number is None or number not in {key for key, _label in options}:
        raise _Wrong(words)
    return number


def _set_priority(value: dict[str, Any], names: Names) -> dict[str, Any]:
    return {"priority": _choice(names.options[What.PRIORITY], value.get("priority"), _("Choose a priority."))}


def _set_category(value: dict[str, Any], names: Names) -> dict[str, Any]:
    return {"id": _choice(names.options[What.CATEGORY], value.get("id"), _("Choose a category that is in use."))}


def _set_status(value: dict[str, Any], _names: Names) -> dict[str, Any]:
    if value.get("status") not in STATUSES:
        raise _Wrong(_("Choose a status."))
    return {"status": value["status"]}


def _with_tags(value: dict[str, Any], _names: Names) -> dict[str, Any]:
    tags = tags_in(value.get("tags", ()))
    if not 0 < len(tags) <= 20:
        raise _Wrong(_("Write one to twenty tags."))
    return {"tags": tags}


def _to_team(value: dict[str, Any], names: Names) -> dict[str, Any]:
    return {"id": _choice(names.options[What.TEAM], value.get("id"), _("Choose a team."))}


def _to_agent(value: dict[str, Any], names: Names) -> dict[str, Any]:
    return {"id": _choice(names.people, value.get("id"), _("Choose somebody who may answer customers."))}


def _text(value: dict[str, Any], most: int = 2000) -> str:
    text = tidy_text(str(value.get("text", ""))).strip()
    if not text:
        raise _Wrong(_("Write something first."))
    if len(text) > most:
        raise _Wrong(_("This is too long. Please put it more briefly."))
    return text


def _answer(value: dict[str, Any], names: Names) -> dict[str, Any]:
    return {"id": _choice(names.replies, value.get("id"), _("Choose a canned reply that everybody may use."))}


def _tell(value: dict[str, Any], names: Names) -> dict[str, Any]:
    to = str(value.get("to", ""))
    if to in Tell.values:
        return {"to": to}
    options = {"team": names.options[What.TEAM], "staff": names.people}.get(to)
    if options is None:
        raise _Wrong(_("Choose whom to tell."))
    return {"to": to, "id": _choice(options, value.get("id"), _("Choose whom to tell."))}


def _ask(value: dict[str, Any], names: Names) -> dict[str, Any]:
    team = _choice(names.departments, value.get("id"), _("Choose a department."))
    hours = _number(value.get("hours"))
    if hours is None or not 1 <= hours <= MOST_HOURS:
        raise _Wrong(_("Give the department between 1 and 400 working hours."))
    return {"id": team, "text": _text(value), "hours": hours, "blocks": bool(value.get("blocks"))}


ACTIONS: dict[str, Any] = {
    Do.PRIORITY: _set_priority,
    Do.CATEGORY: _set_category,
    Do.STATUS: _set_status,
    Do.ADD_TAGS: _with_tags,
    Do.REMOVE_TAGS: _with_tags,
    Do.TEAM: _to_team,
    Do.AGENT: _to_agent,
    Do.NOTE: lambda value, names: {"text": _text(value)},
    Do.ANSWER: _answer,
    Do.NOTIFY: _tell,
    Do.TASK: _ask,
    Do.STOP: lambda value, names: {},
}


def words_in(parts: Any) -> list[str]:
    """Return the words or phrases of what was typed: separated by commas or lines, each once."""
    text = "\n".join(str(part) for part in parts)
    for mark in "，、,;；":
        text = text.replace(mark, "\n")
    found = [normalise(part) for part in text.split("\n")]
    return list(dict.fromkeys(word for word in found if word))[:MOST_VALUES]


def tags_in(parts: Any) -> list[str]:
    """Return tags as they are stored."""
    return sorted({word[:40] for word in words_in(parts)})


def _number(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else None

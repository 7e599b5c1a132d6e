"""Rules in words: one sentence for a rule, a few words for a condition and for what was done."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext, ngettext, pgettext

from tickets.models import CustomField, RuleVersion
from tickets.rule_enums import FIELD, Do, Op, Tell, Trigger, What
from tickets.selectors.rules import Names
from tickets.services.rules.definitions import Action, Condition, Definition
from tickets.services.rules.judging import NONE

SHORT = 60


def sentence(version: RuleVersion, names: Names, language: str) -> str:
    """Return the whole rule as one sentence."""
    definition = Definition.of(version)
    when = when_words(version, names)
    conditions, then = if_words(definition, names, language), then_words(definition, names)
    if not conditions:
        return gettext("When %(when)s, then %(then)s.") % {"when": when, "then": then}
    return gettext("When %(when)s, and if %(if)s, then %(then)s.") % {"when": when, "if": conditions, "then": then}


def reach_words(team_ids: Iterable[int], names: Names) -> str:
    """Return whose tickets a rule is for."""
    wanted = list(team_ids)
    if not wanted:
        return gettext("Whole company")
    known = [names.name(What.TEAM, pk) for pk in wanted]
    told = [name for name in known if name]
    if len(told) < len(known):
        told.append(gettext("a team that is gone"))
    return gettext(", ").join(told)


def when_words(version: RuleVersion, names: Names) -> str:
    """Return what sets the rule off."""
    if not version.after_minutes:
        return str(Trigger(version.trigger).label)
    long = length_words(version.after_minutes)
    if version.is_business_time:
        hours = _name(names.calendars, version.calendar_id) if version.calendar_id else ""
        long = gettext("%(long)s of business time") % {"long": long}
        long = f"{long} ({hours})" if hours else long
    sentences = {
        Trigger.UNTOUCHED: gettext("a ticket is open and none of us has touched it for %(long)s"),
        Trigger.WAITING: gettext("a ticket has waited for the customer for %(long)s"),
        Trigger.SOLVED: gettext("a ticket has stayed resolved for %(long)s"),
    }
    return sentences[Trigger(version.trigger)] % {"long": long}


def length_words(minutes: int) -> str:
    """Return a length of time in its largest whole unit."""
    if minutes % 1440 == 0:
        return ngettext("%(n)d day", "%(n)d days", minutes // 1440) % {"n": minutes // 1440}
    if minutes % 60 == 0:
        return ngettext("%(n)d hour", "%(n)d hours", minutes // 60) % {"n": minutes // 60}
    return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}


def if_words(definition: Definition, names: Names, language: str) -> str:
    """Return the conditions, "" without any."""
    every = [condition_words(one, names, language) for one in definition.all_of]
    some = [condition_words(one, names, language) for one in definition.any_of]
    if some:
        joined = pgettext("between alternatives", " or ").join(some)
        every.append(gettext("(%(conditions)s)") % {"conditions": joined} if every and len(some) > 1 else joined)
    return pgettext("between conditions", " and ").join(every)


def then_words(definition: Definition, names: Names) -> str:
    """Return what is done, in its order."""
    return pgettext("between actions", ", ").join(action_words(one, names) for one in definition.actions)


def what_words(what: str, fields: dict[int, CustomField], language: str) -> str:
    """Return the name of what a condition looks at."""
    if what.startswith(FIELD):
        field = fields.get(int(what.removeprefix(FIELD)))
        return field.label_in(language) if field else gettext("a field that is gone")
    return str(What(what).label)


def condition_words(one: Condition, names: Names, language: str) -> str:
    """Return one condition."""
    what = what_words(one.what, names.fields, language)
    if one.what == What.HOURS:
        hours = _name(names.calendars, one.value[0]) if one.value else gettext("business hours")
        words = gettext("it is within %(hours)s") if one.op == Op.WITHIN else gettext("it is outside %(hours)s")
        return words % {"hours": hours}
    if one.what == What.REPEAT:
        yes, no = gettext("the customer wrote about the same within 7 days"), gettext("it is no repeat contact")
        return yes if one.op == Op.YES else no
    if one.what == What.ORDER:
        return gettext("an order is named") if one.op == Op.PRESENT else gettext("no order is named")
    values = pgettext("between alternatives", " or ").join(_values(one, names))
    if one.op == Op.HAS_ALL:
        values = gettext(", ").join(_values(one, names))
    return CONDITIONS[Op(one.op)]() % {"what": what, "values": values}


CONDITIONS = {
    Op.IS: lambda: gettext("%(what)s is %(values)s"),
    Op.IS_NOT: lambda: gettext("%(what)s is not %(values)s"),
    Op.AT_LEAST: lambda: gettext("%(what)s is at least %(values)s"),
    Op.AT_MOST: lambda: gettext("%(what)s is at most %(values)s"),
    Op.HAS_ANY: lambda: gettext("%(what)s include %(values)s"),
    Op.HAS_ALL: lambda: gettext("%(what)s include all of %(values)s"),
    Op.HAS_NONE: lambda: gettext("%(what)s do not include %(values)s"),
    Op.CONTAINS: lambda: gettext("%(what)s contains %(values)s"),
    Op.LACKS: lambda: gettext("%(what)s does not contain %(values)s"),
    Op.PRESENT: lambda: gettext("%(what)s is filled in"),
    Op.ABSENT: lambda: gettext("%(what)s is empty"),
    Op.YES: lambda: gettext("%(what)s: yes"),
    Op.NO: lambda: gettext("%(what)s: no"),
    Op.EQUALS: lambda: gettext("%(what)s is exactly %(values)s"),
    Op.BEFORE: lambda: gettext("%(what)s is before %(values)s"),
    Op.AFTER: lambda: gettext("%(what)s is after %(values)s"),
}
NOTHING = {
    What.CATEGORY: lambda: gettext("without a category"),
    What.TEAM: lambda: gettext("no team"),
    What.ASSIGNEE: lambda: gettext("nobody"),
    What.SHOP: lambda: gettext("no shop"),
}


def _values(one: Condition, names: Names) -> list[str]:
    if one.op in {Op.CONTAINS, Op.LACKS, Op.HAS_ANY, Op.HAS_ALL, Op.HAS_NONE}:
        return [gettext("“%(word)s”") % {"word": value} for value in one.value]
    if one.op in {Op.EQUALS, Op.BEFORE, Op.AFTER} or (one.field_id and one.op in {Op.AT_LEAST, Op.AT_MOST}):
        return [str(value) for value in one.value]
    return [value_words(one.what, value, names) for value in one.value]


def value_words(what: str, value: Any, names: Names) -> str:
    """Return the name of one value of a condition."""
    if value == NONE and what in NOTHING:
        return NOTHING[What(what)]()
    return names.name(what, value) or gettext("(no longer there)")


def action_words(one: Action, names: Names) -> str:
    """Return one action as it reads in the sentence."""
    value = one.value
    match one.do:
        case Do.PRIORITY:
            return gettext("the priority becomes %(name)s") % {
                "name": value_words(What.PRIORITY, value["priority"], names)
            }
        case Do.CATEGORY:
            return gettext("the category becomes %(name)s") % {"name": value_words(What.CATEGORY, value["id"], names)}
        case Do.STATUS:
            return gettext("the status becomes %(name)s") % {"name": value_words(What.STATUS, value["status"], names)}
        case Do.ADD_TAGS:
            return gettext("the tags %(tags)s are added") % {"tags": _quoted(value["tags"])}
        case Do.REMOVE_TAGS:
            return gettext("the tags %(tags)s are removed") % {"tags": _quoted(value["tags"])}
        case Do.TEAM:
            return gettext("it goes to the queue of %(name)s") % {"name": value_words(What.TEAM, value["id"], names)}
        case Do.AGENT:
            return gettext("it is handed to %(name)s") % {"name": _name(names.people, value["id"])}
        case Do.NOTE:
            return gettext("a note is written: “%(text)s”") % {"text": _short(value["text"])}
        case Do.ANSWER:
            return gettext("the canned reply “%(name)s” is sent") % {"name": _name(names.replies, value["id"])}
        case Do.NOTIFY:
            return gettext("a notice goes to %(whom)s") % {"whom": whom_words(value, names)}
        case Do.TASK:
            name = _name(names.departments, value["id"])
            return gettext("%(name)s is asked: “%(text)s”") % {"name": name, "text": _short(value["text"])}
    return gettext("no further rules are asked")


def whom_words(value: dict[str, Any], names: Names) -> str:
    """Return whom a rule tells."""
    to = value.get("to")
    if to in Tell.values:
        return str(Tell(to).label)
    return _name(names.people if to == "staff" else names.options[What.TEAM], value.get("id"))


def done_words(codes: Iterable[str]) -> str:
    """Return in a few words what was done, for a line of a story."""
    words = {
        Do.PRIORITY: gettext("priority"), Do.CATEGORY: gettext("category"), Do.STATUS: gettext("status"),
        Do.ADD_TAGS: gettext("tags"), Do.REMOVE_TAGS: gettext("tags"), Do.TEAM: gettext("team"),
        Do.AGENT: gettext("assignee"), Do.NOTE: gettext("internal note"), Do.ANSWER: gettext("automatic answer"),
        Do.NOTIFY: gettext("notice"), Do.TASK: gettext("department task"),
    }  # fmt: skip
    found = [words[Do(code)] for code in codes if code in Do.values and code in words]
    return gettext(", ").join(dict.fromkeys(found))


def _quoted(tags: Iterable[str]) -> str:
    return gettext(", ").join(gettext("“%(word)s”") % {"word": tag} for tag in tags)


def _name(options: Iterable[tuple[Any, str]], value: Any) -> str:
    return next((label for key, label in options if key == value), gettext("(no longer there)"))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line[: SHORT - 1] + "…" if len(line) > SHORT else line

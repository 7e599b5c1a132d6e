"""The builder of a rule: its head as a form, its conditions and actions as rows that come and go by a press."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tickets.enums import TicketStatus
from tickets.forms.desk import VersionedForm
from tickets.models import RuleVersion
from tickets.rule_enums import FIELD, TIMED, Do, Kind, Op, Tell, Trigger, What
from tickets.rule_words import NOTHING, what_words
from tickets.selectors.rules import Names
from tickets.services.rules.checking import MAY_BE_NONE, MOST_ACTIONS, MOST_CONDITIONS, STATUSES, spec_of
from tickets.services.rules.definitions import Action, Condition, Definition
from tickets.services.rules.editing import RuleTerms
from tickets.services.rules.judging import NONE

MINUTES = {"minutes": 1, "hours": 60, "days": 1440}
UNITS = [("minutes", _("minutes")), ("hours", _("hours")), ("days", _("days"))]
LONG = 10


@dataclass(frozen=True)
class Teams:
    """The teams somebody may make rules for, and whether she may leave them all out."""

    choices: list[tuple[int, str]]
    may_be_all: bool


class RuleForm(VersionedForm):
    """Name and when; for how long where the rule waits."""

    name = forms.CharField(label=_("Name"), max_length=80)
    trigger = forms.ChoiceField(label=_("When"))
    after = forms.IntegerField(label=_("For how long"), min_value=1, max_value=525_600, required=False)
    unit = forms.ChoiceField(label=_("Unit"), choices=UNITS, initial="hours", required=False)
    is_business_time = forms.BooleanField(label=_("Count business hours only"), required=False)
    calendar = forms.TypedChoiceField(label=_("Business hours"), required=False, coerce=int, empty_value=None)
    team_ids = forms.TypedMultipleChoiceField(
        label=_("For the tickets of these teams"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose among your own teams.")},
    )  # fmt: skip

    def __init__(self, *args: Any, names: Names, teams: Teams, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team_ids"].choices = teams.choices  # type: ignore[attr-defined]
        self.fields["team_ids"].required = bool(teams.choices) and not teams.may_be_all
        self.fields["team_ids"].help_text = (
            _("Also tickets without a team in the shops these teams serve. Nothing chosen: the whole company.")
            if teams.may_be_all
            else _("Also tickets without a team in the shops these teams serve.")
        )
        events = [(code, label) for code, label in Trigger.choices if code not in TIMED]
        waits = [(code, label) for code, label in Trigger.choices if code in TIMED]
        self.fields["trigger"].choices = [  # type: ignore[attr-defined]
            (gettext("Something happens"), events),
            (gettext("Time passes"), waits),
        ]
        self.fields["calendar"].choices = [("", _("The default business hours")), *names.calendars]  # type: ignore[attr-defined]

    @property
    def is_timed(self) -> bool:
        """Say whether the trigger chosen waits for time to pass."""
        return self["trigger"].value() in TIMED

    def clean(self) -> dict[str, Any]:
        """A day of business time would not say how many hours it has."""
        data = super().clean() or {}
        if data.get("is_business_time") and data.get("unit") == "days" and data.get("trigger") in TIMED:
            self.add_error("unit", _("In business time, count in hours."))
        return data

    def terms(self, definition: Definition) -> RuleTerms:
        """Return what was filled in."""
        data = self.cleaned_data
        after = data["after"] * MINUTES[data["unit"] or "hours"] if data.get("after") else None
        return RuleTerms(
            data["name"], data["trigger"], definition, after, data["is_business_time"], data["calendar"],
            tuple(data["team_ids"]),
        )  # fmt: skip


def initial_of(version: RuleVersion, token: int) -> dict[str, Any]:
    """Return a version as the form shows it."""
    minutes = version.after_minutes
    unit = next((name for name in ("days", "hours") if minutes and minutes % MINUTES[name] == 0), "minutes")
    unit = "hours" if unit == "days" and version.is_business_time else unit
    return {
        "name": version.name, "trigger": version.trigger, "after": minutes // MINUTES[unit] if minutes else None,
        "unit": unit if minutes else "hours", "is_business_time": version.is_business_time,
        "calendar": version.calendar_id, "version": token, "team_ids": list(version.team_ids),
    }  # fmt: skip


@dataclass
class Option:
    """One choice of a row."""

    value: Any
    label: str
    chosen: bool = False


@dataclass
class Row:
    """One condition or action as the page shows it: what is chosen, and the widgets that belong to it."""

    prefix: str
    kinds: list[tuple[str, list[Option]]] = field(default_factory=list)
    ops: list[Option] = field(default_factory=list)
    widget: str = ""
    options: list[Option] = field(default_factory=list)
    text: str = ""
    hours: Any = 8
    blocks: bool = False
    errors: list[str] = field(default_factory=list)
    key: str = ""

    @property
    def number(self) -> int:
        """Return the row's place, counted from one."""
        return int(self.prefix.rpartition("-")[2]) + 1

    @property
    def is_long(self) -> bool:
        """Say whether there are so many choices that they scroll."""
        return len(self.options) > LONG


@dataclass
class Typed:
    """What stands in the rows of a form, empty rows too."""

    all: list[Condition] = field(default_factory=list)
    any: list[Condition] = field(default_factory=list)
    do: list[Action] = field(default_factory=list)

    @classmethod
    def of(cls, definition: Definition) -> Typed:
        """Return the rows of a saved definition."""
        return cls(list(definition.all_of), list(definition.any_of), list(definition.actions))

    @classmethod
    def fresh(cls) -> Typed:
        """Return the rows a new rule begins with."""
        return cls([Condition("", "")], [], [Action("")])

    @classmethod
    def read(cls, data: QueryDict) -> Typed:
        """Return what was posted."""
        groups: dict[str, list[Condition]] = {"all": [], "any": []}
        for group, rows in groups.items():
            for n in range(MOST_CONDITIONS + 1):
                prefix = f"{group}-{n}"
                if f"{prefix}-what" in data:
                    value = tuple(part for part in data.getlist(f"{prefix}-value") if part != "")
                    rows.append(Condition(str(data[f"{prefix}-what"]), str(data.get(f"{prefix}-op", "")), value))
        actions = [_posted_action(data, f"do-{n}") for n in range(MOST_ACTIONS + 1) if f"do-{n}-do" in data]
        return cls(groups["all"], groups["any"], actions)

    def press(self, data: QueryDict) -> bool:
        """Add or take away a row when such a button was pressed; return whether one was, or the page asks anew."""
        group = data.get("add", "")
        if group in {"all", "any"}:
            getattr(self, group).append(Condition("", ""))
        elif group == "do":
            self.do.append(Action(""))
        name, _mark, place = data.get("remove", "").partition("-")
        rows = getattr(self, name) if name in {"all", "any", "do"} else []
        if place.isdecimal() and int(place) < len(rows):
            rows.pop(int(place))
        return bool(group or name or "refresh" in data)

    def definition(self) -> Definition:
        """Return what is filled in; rows in which nothing is chosen are left out."""
        return Definition(
            tuple(one for one in self.all if one.what),
            tuple(one for one in self.any if one.what),
            tuple(one for one in self.do if one.do),
        )

    def drop_empty(self) -> None:
        """Leave empty rows out, so that the places of errors fit."""
        self.all = [one for one in self.all if one.what]
        self.any = [one for one in self.any if one.what]
        self.do = [one for one in self.do if one.do] or [Action("")]


def _posted_action(data: QueryDict, prefix: str) -> Action:
    do = str(data[f"{prefix}-do"])
    chosen, text = data.get(f"{prefix}-value", ""), data.get(f"{prefix}-text", "")
    value: dict[str, Any]
    if do in {Do.PRIORITY, Do.STATUS}:
        value = {do: chosen}
    elif do in {Do.ADD_TAGS, Do.REMOVE_TAGS}:
        value = {"tags": [text]}
    elif do == Do.NOTIFY:
        to, _mark, pk = chosen.partition(":")
        value = {"to": to, "id": pk} if pk else {"to": to}
    elif do == Do.TASK:
        value = {
            "id": chosen, "text": text, "hours": data.get(f"{prefix}-hours", "8"), "blocks": f"{prefix}-blocks" in data,
        }  # fmt: skip
    elif do == Do.NOTE:
        value = {"text": text}
    else:
        value = {"id": chosen}
    return Action(do, value)


class Builder:
    """Turns what is typed into rows for the page."""

    def __init__(self, typed: Typed, names: Names, language: str, errors: dict[str, list[Any]] | None = None) -> None:
        self.typed, self.names, self.language, self.problems = typed, names, language, errors or {}

    @property
    def all_rows(self) -> list[Row]:
        """Return the conditions that all have to hold."""
        return [self._condition(f"all-{n}", one) for n, one in enumerate(self.typed.all)]

    @property
    def any_rows(self) -> list[Row]:
        """Return the conditions of which one has to hold."""
        return [self._condition(f"any-{n}", one) for n, one in enumerate(self.typed.any)]

    @property
    def do_rows(self) -> list[Row]:
        """Return the actions."""
        return [self._action(f"do-{n}", one) for n, one in enumerate(self.typed.do)]

    @property
    def errors(self) -> list[str]:
        """Return what is wrong with the rows as a whole."""
        return [str(text) for text in self.problems.get("do", ())]

    def _condition(self, prefix: str, one: Condition) -> Row:
        row = Row(prefix, key=one.what, errors=[str(text) for text in self.problems.get(prefix, ())])
        plain = [Option(code, str(label), code == one.what) for code, label in What.choices]
        own = [
            Option(
                f"{FIELD}{pk}", what_words(f"{FIELD}{pk}", self.names.fields, self.language), one.what == f"{FIELD}{pk}"
            )
            for pk in self.names.fields
        ]
        row.kinds = [("", plain), *([(gettext("Custom fields"), own)] if own else [])]
        spec = spec_of(one.what, self.names) if one.what else None
        if spec is None:
            return row
        op = one.op if one.op in spec.ops else next(iter(spec.ops))
        row.ops = [Option(code, str(Op(code).label), code == op) for code in spec.ops]
        self._value(row, one, Kind(spec.ops[op]))
        return row

    def _value(self, row: Row, one: Condition, kind: Kind) -> None:
        chosen = {str(value) for value in one.value}
        if kind in {Kind.CODES, Kind.IDS, Kind.ONE}:
            options = list(self.names.options.get(one.what, ()))
            if one.what in MAY_BE_NONE:
                options.insert(0, (NONE, NOTHING[What(one.what)]()))
            row.widget = "one" if kind == Kind.ONE else "checks"
            row.options = [Option(value, label, str(value) in chosen) for value, label in options]
        elif kind == Kind.CALENDAR:
            row.widget = "one"
            row.options = [Option("", gettext("The default business hours"), not chosen)]
            row.options += [Option(pk, name, str(pk) in chosen) for pk, name in self.names.calendars]
        elif kind in {Kind.TAGS, Kind.WORDS}:
            row.widget, row.text = "words", gettext(", ").join(str(value) for value in one.value)
        elif kind in {Kind.NUMBER, Kind.DATE}:
            row.widget, row.text = str(kind.value), str(one.value[0]) if one.value else ""

    def _action(self, prefix: str, one: Action) -> Row:
        row = Row(prefix, key=one.do, errors=[str(text) for text in self.problems.get(prefix, ())])
        row.kinds = [("", [Option(code, str(label), code == one.do) for code, label in Do.choices])]
        value = one.value
        options = self._targets(one)
        if options is not None:
            row.widget = "task" if one.do == Do.TASK else "select"
            chosen = value.get(one.do) if one.do in {Do.PRIORITY, Do.STATUS} else value.get("id", "")
            if one.do == Do.NOTIFY:
                chosen = f"{value['to']}:{value['id']}" if value.get("id") else value.get("to", "")
            row.options = [Option(key, label, str(key) == str(chosen)) for key, label in options]
        if one.do in {Do.ADD_TAGS, Do.REMOVE_TAGS}:
            row.widget, row.text = "words", gettext(", ").join(str(tag) for tag in value.get("tags", ()))
        if one.do in {Do.NOTE, Do.TASK}:
            row.widget = row.widget or "text"
            row.text = str(value.get("text", ""))
        row.hours, row.blocks = value.get("hours", 8), bool(value.get("blocks"))
        return row

    def _targets(self, one: Action) -> list[tuple[Any, str]] | None:
        names = self.names
        match one.do:
            case Do.PRIORITY | Do.CATEGORY | Do.TEAM:
                return list(names.options[one.do])
            case Do.STATUS:
                return [(code, str(TicketStatus(code).label)) for code in STATUSES]
            case Do.AGENT:
                return list(names.people)
            case Do.ANSWER:
                return list(names.replies)
            case Do.TASK:
                return list(names.departments)
            case Do.NOTIFY:
                teams = [
                    (f"team:{pk}", gettext("Team: %(name)s") % {"name": name}) for pk, name in names.options["team"]
                ]
                people = [(f"staff:{pk}", name) for pk, name in names.people]
                return [*((code, str(label)) for code, label in Tell.choices), *teams, *people]
        return None

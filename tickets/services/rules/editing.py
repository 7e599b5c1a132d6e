"""What supervisors do with rules: save, switch, move, delete. A saved rule is a new version; its log names the old."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.selectors import active_teams
from core.actors import Actor
from core.errors import Conflict, InvalidInput, NotFound, Text
from core.events import Code, record
from core.jobs import schedule
from tickets.models import Rule, RuleVersion
from tickets.rule_enums import TIMED, Trigger
from tickets.rule_events import RuleFact
from tickets.selectors.rules import names_for_rules
from tickets.services.rules.checking import check_definition
from tickets.services.rules.definitions import Definition
from tickets.services.rules.wanted import forget
from tickets.services.settings_rows import lock_row
from tickets.team_reach import check_within, is_within, teams_of_actor, within

ARM_JOB = "tickets.rule_arm"
STEP = 10
MOST_RULES = 200
LONGEST = 365 * 24 * 60


@dataclass(frozen=True)
class RuleTerms:
    """What a rule says; `after_minutes` only for timed triggers, no `team_ids` for the whole company."""

    name: str
    trigger: str
    definition: Definition
    after_minutes: int | None = None
    is_business_time: bool = False
    calendar_id: int | None = None
    team_ids: tuple[int, ...] = ()


def check_terms(terms: RuleTerms, language: str = "zh-hans") -> RuleTerms:
    """Return the terms tidied. Raises InvalidInput: name, trigger, after, calendar, team_ids and those of the rows."""
    problems: dict[str, list[Text]] = {}
    names = names_for_rules(language)
    name = " ".join(terms.name.split())[:80]
    if not name:
        problems["name"] = [_("Give the rule a name.")]
    if terms.trigger not in Trigger.values:
        problems["trigger"] = [_("Choose when the rule is asked.")]
    is_timed = terms.trigger in TIMED
    if is_timed and not (terms.after_minutes and 1 <= terms.after_minutes <= LONGEST):
        problems["after"] = [_("Say for how long: up to a year.")]
    is_business = is_timed and terms.is_business_time
    if is_business and terms.calendar_id and terms.calendar_id not in dict(names.calendars):
        problems["calendar"] = [_("These business hours are no longer there.")]
    team_ids = tuple(sorted(set(terms.team_ids)))
    if active_teams().filter(pk__in=team_ids).count() != len(team_ids):
        problems["team_ids"] = [_("A team chosen here is no longer there.")]
    definition = terms.definition
    try:
        definition = check_definition(terms.definition, names)
    except InvalidInput as error:
        problems |= error.fields
    if problems:
        raise InvalidInput(fields=problems)
    after = terms.after_minutes if is_timed else None
    calendar_id = terms.calendar_id if is_business else None
    return RuleTerms(name, terms.trigger, definition, after, is_business, calendar_id, team_ids)


@transaction.atomic
def save_rule(*, pk: int | None, terms: RuleTerms, actor: Actor, at: datetime, version: int | None = None) -> Rule:
    """Add a rule, switched off and last, or give one a new version. Raises InvalidInput, NotFound, StaleEdit.

    Whoever sees only her teams makes rules for these, and finds no others.
    """
    terms, scope = check_terms(terms), teams_of_actor(actor)
    check_within(terms.team_ids, scope)
    if pk is None:
        if Rule.objects.filter(deleted_at__isnull=True).count() >= MOST_RULES:
            raise Conflict(_("Two hundred rules are the most. Delete one that nobody needs first."))
        last = Rule.objects.order_by("-position").values_list("position", flat=True).first() or 0
        rule = Rule.objects.create(name=terms.name, trigger=terms.trigger, position=last + STEP)
    else:
        rule = _lock(pk, version, {"name": terms.name, "trigger": terms.trigger}, scope)
        if rule.current is not None and _says(rule.current) == terms:
            return rule
        rule.version += 1
    rule.name, rule.trigger, rule.current = terms.name, terms.trigger, _write_version(rule, terms, actor, at)
    rule.team_ids = list(terms.team_ids)
    rule.save(update_fields=["name", "trigger", "team_ids", "current", "version"])
    _note("saved", rule, actor, at)
    _follow(rule, at)
    return rule


def _says(version: RuleVersion) -> RuleTerms:
    return RuleTerms(
        version.name, version.trigger, Definition.of(version), version.after_minutes, version.is_business_time,
        version.calendar_id, tuple(version.team_ids),
    )  # fmt: skip


def _write_version(rule: Rule, terms: RuleTerms, actor: Actor, at: datetime) -> RuleVersion:
    number = rule.current.number + 1 if rule.current else 1
    return RuleVersion.objects.create(
        rule=rule, number=number, name=terms.name, trigger=terms.trigger, after_minutes=terms.after_minutes,
        is_business_time=terms.is_business_time, calendar_id=terms.calendar_id, definition=terms.definition.as_json(),
        team_ids=list(terms.team_ids), saved_by_id=actor.id if actor.is_person else None, saved_at=at,
    )  # fmt: skip


@transaction.atomic
def switch_rule(*, pk: int, on: bool, actor: Actor, at: datetime) -> Rule:
    """Switch a rule on or off; a timed one waits for what is not over yet. Raises InvalidInput, NotFound."""
    rule = _lock(pk, None, {}, teams_of_actor(actor))
    if rule.is_active == on:
        return rule
    if on and rule.current is not None:
        check_terms(_says(rule.current))  # a team it names may be gone since it was saved
    rule.is_active = on
    rule.version += 1
    rule.save(update_fields=["is_active", "version"])
    _note("switched_on" if on else "switched_off", rule, actor, at)
    _follow(rule, at)
    return rule


@transaction.atomic
def delete_rule(*, pk: int, actor: Actor, at: datetime) -> Rule:
    """Take a rule away for good; what it did stays in the log. Raises NotFound."""
    rule = _lock(pk, None, {}, teams_of_actor(actor))
    rule.is_active, rule.deleted_at = False, at
    rule.version += 1
    rule.save(update_fields=["is_active", "deleted_at", "version"])
    _note("deleted", rule, actor, at)
    _follow(rule, at)
    return rule


@transaction.atomic
def move_rule(*, pk: int, up: bool, actor: Actor) -> Rule:
    """Have a rule asked before or after its neighbour among those this person sees. Raises NotFound."""
    rows = list(Rule.objects.select_for_update(no_key=True).filter(deleted_at__isnull=True).order_by("position", "pk"))
    scope = teams_of_actor(actor)
    seen = [n for n, row in enumerate(rows) if is_within(row.team_ids, scope)]
    place = next((n for n in seen if rows[n].pk == pk), None)
    if place is None:
        raise NotFound
    other = next((n for n in (reversed(seen) if up else seen) if (n < place if up else n > place)), None)
    if other is not None:
        rows[place], rows[other] = rows[other], rows[place]
    for number, row in enumerate(rows, start=1):
        if row.position != number * STEP:
            row.position = number * STEP
            row.save(update_fields=["position"])
    return next(row for row in rows if row.pk == pk)


def _lock(pk: int, version: int | None, wanted: dict[str, Any], scope: list[int] | None) -> Rule:
    if not within(Rule.objects.filter(pk=pk, deleted_at__isnull=True), scope).exists():
        raise NotFound
    rule = lock_row(Rule, pk, version, wanted)
    if rule.deleted_at is not None or not is_within(rule.team_ids, scope):
        raise NotFound
    return rule


def _note(what: str, rule: Rule, actor: Actor, at: datetime) -> None:
    number = rule.current.number if rule.current else 0
    fact = RuleFact(number, Code(rule.trigger), rule.is_active)
    record(f"rule.{what}", subject=rule, actor=actor, at=at, data=fact)


def _follow(rule: Rule, at: datetime) -> None:
    """Have events ask anew, and the waits of a timed rule follow in batches after commit."""
    forget()
    if rule.is_timed or rule.timers.exists():
        schedule(ARM_JOB, key=f"{rule.pk}:{rule.version}:0", due_at=at, payload={"rule_id": rule.pk, "after": 0})

"""Read rules, their log, their trials, and the names of what they speak of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.enums import Permission
from accounts.models import Staff
from accounts.permissions import team_scope
from accounts.selectors import active_teams, staff_with
from core.calendar.selectors import calendars
from core.errors import NotFound
from customers.enums import Tier
from orders.enums import OrderStatus
from orders.models import Shop
from tickets.enums import Channel, FieldKind, Priority, TicketStatus
from tickets.models import (
    CannedReply,
    CustomField,
    Department,
    Rule,
    RuleRun,
    RuleTimer,
    RuleTrial,
    RuleTrialHit,
    RuleVersion,
    Ticket,
)
from tickets.permissions import tickets_visible_to
from tickets.rule_enums import FIELD, RunState, What
from tickets.selectors.settings import category_tree
from tickets.team_reach import TeamReach, within

PAGE = 50
FIRST = 100
LANGUAGES = (("zh-hans", "简体中文"), ("en", "English"))
type Options = list[tuple[Any, str]]


def rules(staff: Staff) -> QuerySet[Rule]:
    """Return the rules this person sets, in their order, with when each last acted and how many tickets it waits at.

    She sees those for her teams only; of what they wait at, the tickets she sees.
    """
    scope = team_scope(staff)
    last = RuleRun.objects.filter(rule=OuterRef("pk")).order_by("-pk").values("at")[:1]
    timers = RuleTimer.objects.filter(rule=OuterRef("pk")).order_by()
    if scope is not None:
        timers = timers.filter(ticket__in=tickets_visible_to(staff).order_by())
    waits = timers.values("rule").annotate(n=Count("pk")).values("n")
    found = within(Rule.objects.filter(deleted_at__isnull=True).select_related("current"), scope)
    return found.annotate(last_run_at=Subquery(last), waiting=Coalesce(Subquery(waits), 0)).order_by("position", "pk")


def get_rule(pk: int, scope: list[int] | None) -> Rule:
    """Return a rule that is not deleted and within a team scope (None = every rule). Raises NotFound."""
    rule = within(Rule.objects.filter(pk=pk, deleted_at__isnull=True), scope).select_related("current").first()
    if rule is None:
        raise NotFound
    return rule


def rules_in_log(staff: Staff) -> list[tuple[int, str, bool]]:
    """Return (id, name, whether deleted) of the rules the log of this person can be narrowed to."""
    rows = within(Rule.objects.order_by("position", "pk"), team_scope(staff))
    return [(pk, name, deleted_at is not None) for pk, name, deleted_at in rows.values_list("pk", "name", "deleted_at")]


@dataclass(frozen=True)
class Names:
    """What rules can speak of, by what: (id or code, name) each; read once for a page."""

    options: dict[str, Options]
    fields: dict[int, CustomField]
    replies: Options
    departments: Options
    calendars: Options
    people: Options

    def name(self, what: str, value: Any) -> str | None:
        """Return the name of an id or code, None when it is not there (any more)."""
        return next((label for key, label in self.options.get(what, ()) if key == value), None)


def names_for_rules(language: str) -> Names:
    """Return the names; nine statements."""
    categories: Options = []
    for branch in category_tree(language):
        categories.append((branch.category.pk, branch.name))
        categories += [(leaf.category.pk, f"{branch.name} › {leaf.name}") for leaf in branch.children]
    teams: Options = [(team.pk, team.name) for team in active_teams()]
    people: Options = list(
        staff_with(Permission.TICKET_REPLY).order_by("display_name", "pk").values_list("pk", "display_name")[:500]
    )
    fields = {row.pk: row for row in CustomField.objects.filter(is_active=True).order_by("position", "pk")}
    replies = CannedReply.objects.filter(owner__isnull=True, is_active=True).order_by("folder", "title", "pk")
    departments = Department.objects.filter(is_active=True, team__archived_at__isnull=True).order_by("team__name")
    options: dict[str, Options] = {
        What.CHANNEL: [(code, str(label)) for code, label in Channel.choices],
        What.CATEGORY: categories,
        What.PRIORITY: [(code, str(label)) for code, label in Priority.choices],
        What.STATUS: [(code, str(label)) for code, label in TicketStatus.choices],
        What.TEAM: teams,
        What.ASSIGNEE: people,
        What.SHOP: list(Shop.objects.order_by("name", "pk").values_list("pk", "name")),
        What.TIER: [(code, str(label)) for code, label in Tier.choices],
        What.LANGUAGE: list(LANGUAGES),
        What.ORDER_STATUS: [(code, str(label)) for code, label in OrderStatus.choices],
    }
    for pk, row in fields.items():
        if row.kind == FieldKind.CHOICE:
            options[f"{FIELD}{pk}"] = row.choices_in(language)
    return Names(
        options=options,
        fields=fields,
        replies=[(row.pk, f"{row.folder} › {row.title}" if row.folder else row.title) for row in replies],
        departments=list(departments.values_list("pk", "team__name")),
        calendars=list(calendars().values_list("pk", "name")),
        people=people,
    )


@dataclass(frozen=True)
class LogFilter:
    """Which runs to list."""

    rule_id: int | None = None
    ticket_id: int | None = None
    state: str = ""
    before: int | None = None


def runs_for(staff: Staff, wanted: LogFilter, *, limit: int = PAGE) -> tuple[list[RuleRun], bool]:
    """Return runs on tickets this person may see, newest first, and whether there are older ones: one statement."""
    rows = RuleRun.objects.filter(ticket__in=tickets_visible_to(staff).order_by())
    if wanted.rule_id is not None:
        rows = rows.filter(rule_id=wanted.rule_id)
    if wanted.ticket_id is not None:
        rows = rows.filter(ticket_id=wanted.ticket_id)
    if wanted.state in RunState.values:
        rows = rows.filter(state=wanted.state)
    if wanted.before is not None:
        rows = rows.filter(pk__lt=wanted.before)
    found = list(rows.select_related("rule", "ticket").order_by("-pk")[: limit + 1])
    return found[:limit], len(found) > limit


def versions_of(runs: Iterable[RuleRun]) -> dict[tuple[int, int], RuleVersion]:
    """Return the versions runs went by, by rule and number: one statement."""
    wanted = {(run.rule_id, run.number) for run in runs}
    rows = RuleVersion.objects.filter(rule_id__in={pk for pk, _n in wanted}, number__in={n for _pk, n in wanted})
    return {(row.rule_id, row.number): row for row in rows}


def newest_trial(rule: Rule) -> RuleTrial | None:
    """Return the trial under way, else the newest."""
    return RuleTrial.objects.filter(rule=rule).select_related("tried", "started_by").order_by("-pk").first()


def get_trial(pk: int) -> RuleTrial:
    """Return a trial of a rule that is not deleted. Raises NotFound."""
    rows = RuleTrial.objects.filter(pk=pk, rule__deleted_at__isnull=True).select_related("rule", "tried", "started_by")
    trial = rows.first()
    if trial is None:
        raise NotFound
    return trial


def hits_for(staff: Staff, trial: RuleTrial) -> list[RuleTrialHit]:
    """Return the first hundred tickets of a trial that this person may see, the newest tickets first."""
    rows = RuleTrialHit.objects.filter(trial=trial, ticket__in=tickets_visible_to(staff).order_by())
    return list(rows.select_related("ticket").order_by("-ticket_id")[:FIRST])


def tickets_to_try(since: Any, until: Any, reach: TeamReach | None = None) -> QuerySet[Ticket]:
    """Return the tickets something could have happened to between two moments; of a reach those it covers today."""
    alive = Q(closed_at__isnull=True) | Q(closed_at__gte=since)
    rows = Ticket.objects.filter(alive, opened_at__lte=until)
    return (rows if reach is None else rows.filter(reach.condition)).order_by(F("pk").asc())

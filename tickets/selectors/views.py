"""The views of the desk: which tickets each holds, and how many, in one statement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import DateTimeField, Func, IntegerField, OuterRef, Q, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff
from accounts.permissions import shop_scope, team_scope
from accounts.selectors import active_teams
from core.errors import Text
from tickets.enums import ACTIVE_STATUSES, TicketStatus
from tickets.models import Ticket
from tickets.permissions import tickets_visible_to

CAP = 999
ACTIVE = Q(status__in=[status.value for status in ACTIVE_STATUSES])
RUNNING = ACTIVE & ~Q(status=TicketStatus.WAITING_CUSTOMER.value)
FIRST_OPEN = Q(first_response_at__isnull=True, first_response_due_at__isnull=False)
RISK_FROM = "LEAST({0} - interval '30 minutes', {0} - ({0} - tickets_ticket.opened_at) * 0.25)"


def _risk_from(column: str) -> RawSQL:
    """Return when a clock turns amber: 30 minutes or a quarter of its span before it runs out, the earlier."""
    return RawSQL(RISK_FROM.format(f"tickets_ticket.{column}"), [], output_field=DateTimeField())


@dataclass(frozen=True)
class View:
    """One entry of the view list; `tone` colours its count when something waits there."""

    key: str
    label: Text
    icon: str
    tone: str = ""
    count: int = 0
    team_id: int | None = None

    @property
    def count_words(self) -> str:
        """Return the count as shown: capped, empty for none."""
        return f"{CAP}+" if self.count > CAP else str(self.count or "")


VIEWS = (
    View("mine", _("My tickets"), "user-check"),
    View("unassigned", _("Unassigned"), "inbox"),
    View("open", _("All open"), "list"),
    View("risk", _("At risk"), "gauge", "warn"),
    View("overdue", _("Overdue"), "flame", "bad"),
    View("waiting", _("Waiting for the customer"), "hourglass-high"),
    View("resolved", _("Resolved today"), "circle-check"),
    View("spam", _("Spam"), "ban"),
)
DEFAULT_VIEW = "mine"


def _mine(rows: QuerySet[Ticket], staff: Staff, now: datetime) -> QuerySet[Ticket]:
    return rows.filter(ACTIVE, assignee_id=staff.pk, is_spam=False)


def _unassigned(rows: QuerySet[Ticket], staff: Staff, now: datetime) -> QuerySet[Ticket]:
    return rows.filter(ACTIVE, assignee__isnull=True, is_spam=False)


def _open(rows: QuerySet[Ticket], staff: Staff, now: datetime) -> QuerySet[Ticket]:
    return rows.filter(ACTIVE, is_spam=False)


def _overdue(rows: QuerySet[Ticket], staff: Staff, now: datetime) -> QuerySet[Ticket]:
    late = (FIRST_OPEN & Q(first_response_due_at__lt=now)) | Q(resolution_due_at__lt=now)
    return rows.filter(RUNNING, late, is_spam=False)


def _risk(rows: QuerySet[Ticket], staff: Staff, now: datetime) -> QuerySet[Ticket]:
    rows = rows.alias(first_risk=_risk_from("first_response_due_at"), solve_risk=_risk_from("resolution_due_at"))
    first = FIRST_OPEN & Q(first_response_due_at__gte=now, first_risk__lte=now)
    solve = Q(resolution_due_at__gte=now, solve_risk__lte=now)
    late = (FIRST_OPEN & Q(first_response_due_at__lt=now)) | Q(resolution_due_at__lt=now)
    return rows.filter(RUNNING, first | solve, ~late, is_spam=False)


def _waiting(rows: QuerySet[Ticket], staff: Staff, now: datetime) -> QuerySet[Ticket]:
    return rows.filter(status=TicketStatus.WAITING_CUSTOMER.value, is_spam=False)


def _resolved(rows: QuerySet[Ticket], staff: Staff, now: datetime) -> QuerySet[Ticket]:
    return rows.filter(status=TicketStatus.RESOLVED.value, resolved_at__gte=day_start(now), is_spam=False)


def _spam(rows: QuerySet[Ticket], staff: Staff, now: datetime) -> QuerySet[Ticket]:
    return rows.filter(is_spam=True)


FILTERS: dict[str, Callable[[QuerySet[Ticket], Staff, datetime], QuerySet[Ticket]]] = {
    "mine": _mine,
    "unassigned": _unassigned,
    "open": _open,
    "risk": _risk,
    "overdue": _overdue,
    "waiting": _waiting,
    "resolved": _resolved,
    "spam": _spam,
}


def day_start(now: datetime) -> datetime:
    """Return the midnight that began today in the company's zone."""
    zone = ZoneInfo(settings.BUSINESS_TIME_ZONE)
    return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)


def known_view(key: str) -> str:
    """Return the key of an existing view; an unknown one becomes the default."""
    return key if key in FILTERS or (key.startswith("team-") and key[5:].isdecimal()) else DEFAULT_VIEW


def tickets_in_view(staff: Staff, key: str, *, now: datetime) -> QuerySet[Ticket]:
    """Return the tickets of a view that this person may see, unordered."""
    rows = tickets_visible_to(staff).filter(merged_into__isnull=True)
    if key in FILTERS:
        return FILTERS[key](rows, staff, now)
    return rows.filter(ACTIVE, team_id=int(key[5:]), is_spam=False)


@dataclass(frozen=True)
class ViewList:
    """The views with their counts: the fixed ones, then one per team."""

    views: list[View] = field(default_factory=list)
    teams: list[View] = field(default_factory=list)

    def find(self, key: str) -> View | None:
        """Return the view with this key."""
        return next((view for view in (*self.views, *self.teams) if view.key == key), None)


def count_views(staff: Staff, *, now: datetime) -> ViewList:
    """Count every view of this person in one statement; each count stops just past 999."""
    sql, params = _counting(staff)
    times = {Moment.NOW: now, Moment.TODAY: day_start(now)}
    with connection.cursor() as cursor:
        cursor.execute(sql, [times[value] if isinstance(value, Moment) else value for value in params])
        found = cursor.fetchall()
    counts = {key: count for key, team_id, _name, count in found if team_id is None}
    views = [View(v.key, v.label, v.icon, v.tone, counts[v.key]) for v in VIEWS]
    rows = sorted((row for row in found if row[1] is not None), key=lambda row: (row[2], row[1]))
    teams = [View(f"team-{team_id}", name, "users", "", count, team_id) for _key, team_id, name, count in rows]
    return ViewList(views, teams)


class Moment(Enum):
    """A time that is filled in when a kept statement runs."""

    NOW = "now"
    TODAY = "today"


SAMPLE = datetime(2000, 1, 1, 13, 7, 11, 131, tzinfo=UTC)  # stands for "now" while a statement is built
KEPT = 500
_kept: dict[tuple[object, ...], tuple[str, list[Any]]] = {}


def _counting(staff: Staff) -> tuple[str, list[Any]]:
    """Return the counting statement for what this person sees. Building it takes longer than running it: it is kept."""
    teams, shops = team_scope(staff), shop_scope(staff)
    key = (staff.pk, staff.is_active, None if teams is None else tuple(teams), None if shops is None else tuple(shops))
    if key not in _kept:
        if len(_kept) >= KEPT:
            _kept.clear()
        _kept[key] = _build_counting(staff)
    return _kept[key]


def _build_counting(staff: Staff) -> tuple[str, list[Any]]:
    parts: list[str] = []
    params: list[Any] = []
    for view in VIEWS:
        sql, values = _capped(tickets_in_view(staff, view.key, now=SAMPLE))
        parts.append(f"SELECT %s::text, NULL::bigint, NULL::text, ({sql})")
        params += [view.key, *values]
    teams_sql, values = _teams_with_counts(staff, SAMPLE)
    times = {SAMPLE: Moment.NOW, day_start(SAMPLE): Moment.TODAY}
    params = [times.get(value, value) if isinstance(value, datetime) else value for value in [*params, *values]]
    return " UNION ALL ".join([*parts, *teams_sql]), params


def _capped(rows: QuerySet[Ticket]) -> tuple[str, tuple[Any, ...]]:
    """Return a sub-select that counts the rows and stops just past the cap."""
    try:
        sql, params = rows.order_by().annotate(one=Value(1)).values("one")[: CAP + 1].query.sql_with_params()
    except EmptyResultSet:
        return "SELECT 0", ()
    return f"SELECT count(*) FROM ({sql}) capped", params


def _teams_with_counts(staff: Staff, now: datetime) -> tuple[list[str], tuple[Any, ...]]:
    """Return a statement giving each team this person sees with the number of its open tickets."""
    scope = team_scope(staff)
    teams = active_teams() if scope is None else active_teams().filter(pk__in=scope)
    rows = tickets_visible_to(staff).filter(ACTIVE, team_id=OuterRef("pk"), is_spam=False, merged_into__isnull=True)
    number = Func(
        ArraySubquery(rows.order_by().values("pk")[: CAP + 1]), function="cardinality", output_field=IntegerField()
    )
    try:
        sql, params = (
            teams.order_by().annotate(number=number).values_list("pk", "name", "number").query.sql_with_params()
        )
    except EmptyResultSet:
        return [], ()
    return [f"SELECT 'team', team.* FROM ({sql}) team"], params

"""The views of the desk: which tickets each holds, and how many, in one statement."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import EmptyResultSet
from django.db import OperationalError, connection, transaction
from django.db.models import Func, IntegerField, OuterRef, Q, QuerySet, Value
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Staff
from accounts.permissions import scope_key, stand_in, team_scope
from accounts.selectors import active_teams
from core.errors import Text
from core.kept import Kept, run_prepared
from tickets.enums import ACTIVE_STATUSES, TicketStatus
from tickets.models import IncidentTicket, Message, SavedView, Ticket
from tickets.permissions import tickets_visible_to
from tickets.selectors.filters import (
    find_saved_view,
    is_countable,
    narrow,
    remember_views,
    saved_views_of,
    told_views,
)
from tickets.slots import SAMPLE, STAFF, day_start, moments, person_and_times

logger = logging.getLogger(__name__)
CAP = 999
ACTIVE = Q(status__in=[status.value for status in ACTIVE_STATUSES])


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
    View("mentions", _("Mentions of me"), "at"),
    View("watched", _("Watched by me"), "eye"),
    View("unassigned", _("Unassigned"), "inbox"),
    View("open", _("All open"), "list"),
    View("risk", _("At risk"), "gauge", "warn"),
    View("overdue", _("Overdue"), "flame", "bad"),
    View("waiting", pgettext_lazy("view", "Customer's turn"), "hourglass-high"),
    View("resolved", _("Resolved today"), "circle-check"),
    View("spam", _("Spam"), "ban"),
)
DEFAULT_VIEW = "mine"


def _mine(rows: QuerySet[Ticket], staff: Staff, now: datetime) -> QuerySet[Ticket]:
    return rows.filter(ACTIVE, assignee_id=staff.pk, is_spam=False)


def _mentions(rows: QuerySet[Ticket], staff: Staff, now: datetime) -> QuerySet[Ticket]:
    noted = Message.objects.filter(mentioned__contains=[staff.pk]).values("ticket_id")
    return rows.filter(ACTIVE, pk__in=noted, is_spam=False)


def _watched(rows: QuerySet[Ticket], staff: Staff, now: datetime) -> QuerySet[Ticket]:
    return rows.filter(ACTIVE, watchers__contains=[staff.pk], is_spam=False)


def _unassigned(rows: QuerySet[Ticket], staff: Staff, now: datetime) -> QuerySet[Ticket]:
    return rows.filter(ACTIVE, assignee__isnull=True, is_spam=False)


def _open(rows: QuerySet[Ticket], staff: Staff, now: datetime) -> QuerySet[Ticket]:
    return rows.filter(ACTIVE, is_spam=False)


def _overdue(rows: QuerySet[Ticket], staff: Staff, now: datetime) -> QuerySet[Ticket]:
    return rows.filter(ACTIVE, next_due_at__lt=now, is_spam=False)


def _risk(rows: QuerySet[Ticket], staff: Staff, now: datetime) -> QuerySet[Ticket]:
    return rows.filter(ACTIVE, next_due_at__gte=now, warn_at__lte=now, is_spam=False)


def _waiting(rows: QuerySet[Ticket], staff: Staff, now: datetime) -> QuerySet[Ticket]:
    return rows.filter(status=TicketStatus.WAITING_CUSTOMER.value, is_spam=False)


def _resolved(rows: QuerySet[Ticket], staff: Staff, now: datetime) -> QuerySet[Ticket]:
    return rows.filter(status=TicketStatus.RESOLVED.value, resolved_at__gte=day_start(now), is_spam=False)


def _spam(rows: QuerySet[Ticket], staff: Staff, now: datetime) -> QuerySet[Ticket]:
    return rows.filter(is_spam=True)


FILTERS: dict[str, Callable[[QuerySet[Ticket], Staff, datetime], QuerySet[Ticket]]] = {
    "mine": _mine,
    "mentions": _mentions,
    "watched": _watched,
    "unassigned": _unassigned,
    "open": _open,
    "risk": _risk,
    "overdue": _overdue,
    "waiting": _waiting,
    "resolved": _resolved,
    "spam": _spam,
}


def known_view(key: str) -> str:
    """Return the key of a view there can be; an unknown one becomes the default."""
    kind, _dash, number = key.partition("-")
    is_numbered = kind in {"team", "saved", "incident"} and number.isascii() and number.isdecimal() and len(number) < 18
    return key if key in FILTERS or is_numbered else DEFAULT_VIEW


def tickets_in_view(staff: Staff, key: str, *, now: datetime) -> QuerySet[Ticket]:
    """Return the tickets of a view that this person may see, unordered."""
    rows = tickets_visible_to(staff).filter(merged_into__isnull=True)
    if key in FILTERS:
        return FILTERS[key](rows, staff, now)
    if key.startswith("saved-"):
        saved = find_saved_view(staff, int(key[6:]))
        return narrow(rows, saved.conditions, staff, now) if saved else rows.none()
    if key.startswith("incident-"):
        links = IncidentTicket.objects.filter(incident_id=int(key[9:]), removed_at__isnull=True)
        return rows.filter(pk__in=links.values("ticket_id"), is_spam=False)
    return rows.filter(ACTIVE, team_id=int(key[5:]), is_spam=False)


@dataclass(frozen=True)
class ViewList:
    """The views with their counts: the fixed ones, one per team, and the kept filters (counted apart).

    `likes` is how this person wants lists to be: {view: {"sort": code, "facts": [codes]}}.
    """

    views: list[View] = field(default_factory=list)
    teams: list[View] = field(default_factory=list)
    saved: list[View] = field(default_factory=list)
    likes: dict[str, Any] = field(default_factory=dict)

    def find(self, key: str) -> View | None:
        """Return the view with this key."""
        return next((view for view in (*self.views, *self.teams, *self.saved) if view.key == key), None)


def count_views(staff: Staff, *, now: datetime) -> ViewList:
    """Count every view of this person in one statement; each count stops just past 999."""
    text = _counting.text(scope_key(staff), lambda: _write_counting(stand_in(staff, STAFF.sample)))
    found = run_prepared(text, {"staff": staff.pk, **moments(now)})
    counts = {key: count for key, team_id, _name, count in found if team_id is None}
    views = [View(v.key, v.label, v.icon, v.tone, counts[v.key]) for v in VIEWS]
    rows = sorted((row for row in found if row[1] is not None), key=lambda row: (row[2], row[1]))
    teams = [View(f"team-{team_id}", name, "users", "", count, team_id) for _key, team_id, name, count in rows]
    told = {key: json.loads(name) for key, _team, name, _count in found if key in {"saved", "likes"} and name}
    saved = [saved_entry(one) for one in remember_views(staff, told.get("saved", []))]
    return ViewList(views, teams, saved, told.get("likes", {}))


def saved_entry(saved: SavedView, count: int = 0) -> View:
    """Return the entry of a kept filter."""
    return View(f"saved-{saved.pk}", saved.name, "users" if saved.team_id else "filter", "", count)


SLOWEST = 1500  # ms: the counts of kept filters are left out rather than waited for


def count_saved(staff: Staff, *, now: datetime) -> list[View]:
    """Return the kept filters with their counts in one more statement, without counts when that takes too long.

    A filter that reaches beyond open tickets or into words is not counted: its list says how many there are.
    """
    saved = list(saved_views_of(staff)[:100])
    counts: dict[int, int] = {}
    parts, params = [], []
    for one in saved:
        if is_countable(one.conditions):
            rows = tickets_visible_to(staff).filter(merged_into__isnull=True)
            sql, values = _capped(narrow(rows, one.conditions, staff, now))
            parts.append(f"SELECT %s::bigint, ({sql})")
            params += [one.pk, *values]
    if parts:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {SLOWEST}")  # allowed: a constant
                cursor.execute(" UNION ALL ".join(parts), params)  # allowed: statements Django wrote
                counts = dict(cursor.fetchall())
        except OperationalError:  # cancelled: the list stands without these figures
            logger.warning("tickets.saved_counts_slow staff=%s", staff.pk)
    return [saved_entry(one, counts.get(one.pk, 0)) for one in saved]


_counting = Kept(person_and_times)


def _write_counting(staff: Staff) -> tuple[str, list[Any]]:
    parts: list[str] = []
    params: list[Any] = []
    for view in VIEWS:
        sql, values = _capped(tickets_in_view(staff, view.key, now=SAMPLE))
        parts.append(f"SELECT %s::text, NULL::bigint, NULL::text, ({sql})")
        params += [view.key, *values]
    for key, sql, own in (("saved", *_told_views(staff)), ("likes", LIKES, (staff.pk, LISTS_PREFERENCE))):
        parts.append(f"SELECT '{key}', NULL, ({sql}), 0")
        params += own
    teams_sql, values = _teams_with_counts(staff, SAMPLE)
    params += values
    return " UNION ALL ".join([*parts, *teams_sql]), params


LISTS_PREFERENCE = "desk.lists"
LIKES = "SELECT value::text FROM accounts_userpreference WHERE staff_id = %s AND key = %s"


def _told_views(staff: Staff) -> tuple[str, tuple[Any, ...]]:
    """Return a statement giving this person's kept filters as JSON text."""
    row = Staff.objects.filter(pk=staff.pk).values_list(told_views(staff))
    sql, params = row.query.sql_with_params()
    return f"SELECT to_jsonb(told.views)::text FROM ({sql}) AS told (views)", params


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

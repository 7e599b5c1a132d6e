"""What a kept filter may ask, and how it narrows a list.

Conditions are JSON: lists of codes and ids, dates, numbers of days, words. They come from a form and are read again
each time, so one that has grown old (a team that is gone) finds nothing and breaks nothing.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import JSONObject

from accounts.models import Membership, Staff
from accounts.permissions import team_scope
from tickets.enums import ACTIVE_STATUSES, AuthorType
from tickets.models import Message, SavedView, Ticket, TicketRead

LISTS = ("status", "priority", "category", "tier", "channel", "shop", "team", "assignee", "tags")
DAYS = ("opened_days", "updated_days")
DATES = ("opened_from", "opened_to", "updated_from", "updated_to")
FLAGS = ("overdue", "unread")
KEYS = (*LISTS, *DAYS, *DATES, *FLAGS, "words")
WORDS_LOOK_BACK = 5000
ACTIVE = {status.value for status in ACTIVE_STATUSES}


def narrow(rows: QuerySet[Ticket], conditions: dict[str, Any], staff: Staff, now: datetime) -> QuerySet[Ticket]:
    """Return those of the rows that fit all conditions; spam never does."""
    rows = rows.filter(is_spam=False)
    wanted = _by_codes(conditions) & _by_people(conditions, staff) & _by_dates(conditions, now)
    rows = rows.filter(wanted)
    if conditions.get("overdue"):
        from tickets.selectors.views import FILTERS  # the views know what late means

        rows = FILTERS["overdue"](rows, staff, now)
    if conditions.get("unread"):
        seen = TicketRead.objects.filter(ticket_id=OuterRef("pk"), staff_id=staff.pk, seq__gte=OuterRef("last_seq"))
        rows = rows.filter(~Exists(seen), last_message_by=AuthorType.CUSTOMER.value)
    if conditions.get("words"):
        rows = rows.filter(said_in(str(conditions["words"])))
    return rows


def _by_codes(conditions: dict[str, Any]) -> Q:
    wanted = Q()
    for key, column in (("status", "status"), ("channel", "channel"), ("tier", "customer__tier")):
        if conditions.get(key):
            wanted &= Q(**{f"{column}__in": [str(value) for value in conditions[key]]})
    if conditions.get("priority"):
        wanted &= Q(priority__in=_numbers(conditions["priority"]))
    if conditions.get("shop"):
        wanted &= Q(shop_id__in=_numbers(conditions["shop"]))
    if conditions.get("category"):
        ids = _numbers(conditions["category"])
        wanted &= Q(category_id__in=ids) | Q(category__parent_id__in=ids)
    if conditions.get("tags"):
        wanted &= Q(tags__contains=[str(tag) for tag in conditions["tags"]])
    return wanted


def _by_people(conditions: dict[str, Any], staff: Staff) -> Q:
    wanted = Q()
    for key in ("team", "assignee"):
        given = [str(value) for value in conditions.get(key) or ()]
        if not given:
            continue
        ids = [staff.pk if value == "me" else value for value in given]
        part = Q(**{f"{key}_id__in": _numbers(ids)})
        wanted &= part | Q(**{f"{key}__isnull": True}) if "nobody" in given else part
    return wanted


def _by_dates(conditions: dict[str, Any], now: datetime) -> Q:
    wanted = Q()
    zone = ZoneInfo(settings.BUSINESS_TIME_ZONE)
    for name, column in (("opened", "opened_at"), ("updated", "last_message_at")):
        days = _numbers([conditions.get(f"{name}_days") or 0])
        if days and days[0] > 0:  # said to the database as a difference: a kept statement fills in the present
            wanted &= Q(**{f"{column}__gte": Value(now) - Value(timedelta(days=min(days[0], 3650)))})
        since, until = _day(conditions.get(f"{name}_from")), _day(conditions.get(f"{name}_to"))
        if since:
            wanted &= Q(**{f"{column}__gte": datetime.combine(since, time.min, zone)})
        if until:
            wanted &= Q(**{f"{column}__lt": datetime.combine(until + timedelta(days=1), time.min, zone)})
    return wanted


def said_in(words: str) -> Q:
    """Return tickets in which the words occur, in the newest messages that hold them (the first holds the subject)."""
    said = Message.objects.filter(search__matches=words).order_by("-pk").values("ticket_id")[:WORDS_LOOK_BACK]
    return Q(pk__in=said)


def _numbers(values: list[Any]) -> list[int]:
    return [int(value) for value in values if str(value).isdecimal() and len(str(value)) < 18]


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)) if value else None
    except ValueError:
        return None


def is_countable(conditions: dict[str, Any]) -> bool:
    """Say whether a filter stays within open tickets, so that counting it live is cheap whatever it asks."""
    statuses = conditions.get("status") or []
    return bool(statuses) and set(statuses) <= ACTIVE and not conditions.get("words")


def saved_views_of(staff: Staff) -> QuerySet[SavedView]:
    """Return this person's own filters and those of the teams she is in (all teams' for who sees the company)."""
    mine = Q(owner_id=staff.pk, team__isnull=True)
    if team_scope(staff) is None:
        teams = Q(team__archived_at__isnull=True, team__isnull=False)
    else:
        member = Membership.objects.filter(staff_id=staff.pk, team__archived_at__isnull=True).values("team_id")
        teams = Q(team_id__in=member)
    return SavedView.objects.filter(mine | teams).order_by("position", "name", "pk")


def find_saved_view(staff: Staff, pk: int) -> SavedView | None:
    """Return a kept filter this person may use; read once per request."""
    memory: dict[int, SavedView | None] = staff.__dict__.setdefault("_saved_views", {})
    if pk not in memory:
        memory[pk] = saved_views_of(staff).filter(pk=pk).first()
    return memory[pk]


def told_views(staff: Staff) -> ArraySubquery:
    """Return this person's filters as an array of JSON, for a statement that asks for more than them."""
    told = JSONObject(
        id=F("pk"), name=F("name"), team=F("team_id"), owner=F("owner_id"), conditions=F("conditions"),
        sorting=F("sorting"), version=F("version"),
    )  # fmt: skip
    return ArraySubquery(saved_views_of(staff).values(told=told)[:100])


def remember_views(staff: Staff, told: list[dict[str, Any]]) -> list[SavedView]:
    """Take the filters a statement told of as rows, and remember them for this request."""
    views = [
        SavedView(
            pk=one["id"], name=one["name"], team_id=one["team"], owner_id=one["owner"], conditions=one["conditions"],
            sorting=one["sorting"], version=one["version"],
        )
        for one in told
    ]  # fmt: skip
    staff.__dict__.setdefault("_saved_views", {}).update({view.pk: view for view in views})
    return views

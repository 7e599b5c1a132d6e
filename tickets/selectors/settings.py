"""What the desk offers to choose from: colleagues, categories, blocked senders."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from accounts.enums import Permission
from accounts.models import Staff
from accounts.permissions import team_scope
from accounts.selectors import staff_with
from tickets.enums import ACTIVE_STATUSES
from tickets.models import BlockedSender, CannedReply, Category, Ticket

ACTIVE = [status.value for status in ACTIVE_STATUSES]


def assignable_staff(staff: Staff, *, query: str = "", limit: int = 30) -> list[Staff]:
    """Return colleagues of one's own teams who answer customers, with presence and `load`, free ones first."""
    people = staff_with(Permission.TICKET_REPLY)
    scope = team_scope(staff)
    if scope is not None:
        people = people.filter(memberships__team_id__in=scope).distinct()
    if query.strip():
        people = people.filter(display_name__icontains=query.strip())
    ids = list(people.values_list("pk", flat=True)[:200])
    load = Count("assigned_tickets", filter=Q(assigned_tickets__status__in=ACTIVE))
    found: list[Any] = list(Staff.objects.filter(pk__in=ids).select_related("presence").annotate(load=load))
    return sorted(found, key=lambda one: (_away(one), one.load, one.display_name))[:limit]


def _away(one: Staff) -> int:
    presence = getattr(one, "presence", None)
    order = {"online": 0, "busy": 1, "break": 2, "away": 3}
    return order.get(presence.status, 4) if presence else 4


@dataclass(frozen=True)
class Branch:
    """A category of the first level with those below it."""

    category: Category
    name: str
    children: list[Branch] = field(default_factory=list)


def category_tree(language: str, *, all_of_them: bool = False) -> list[Branch]:
    """Return the two-level tree in one query."""
    rows = Category.objects.order_by("position", "pk")
    rows = rows if all_of_them else rows.filter(is_active=True)
    tops: dict[int, Branch] = {}
    children: list[Category] = []
    for row in rows:
        if row.parent_id is None:
            tops[row.pk] = Branch(row, row.name_in(language))
        else:
            children.append(row)
    for row in children:
        branch = Branch(row, row.name_in(language))
        if row.parent_id in tops:
            tops[row.parent_id].children.append(branch)
        else:
            tops[row.pk] = branch
    return list(tops.values())


def count_by_category() -> dict[int, int]:
    """Return how many open tickets each category has."""
    rows = Ticket.objects.filter(status__in=ACTIVE, category__isnull=False).order_by().values("category_id")
    return dict(rows.annotate(n=Count("pk")).values_list("category_id", "n"))


def canned_for_settings(staff: Staff) -> QuerySet[CannedReply]:
    """Return everybody's canned replies and this person's own, resting ones too."""
    return CannedReply.objects.filter(Q(owner__isnull=True) | Q(owner=staff)).order_by(
        "-is_active", "folder", F("used_count").desc(), "title", "pk"
    )


def blocked_senders() -> QuerySet[BlockedSender]:
    """Return the block list, newest first."""
    return BlockedSender.objects.select_related("blocked_by").order_by("-pk")

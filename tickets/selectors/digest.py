"""What a department's week was: tasks, deadlines, what its area was asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q

from accounts.models import Staff, UserPreference
from accounts.permissions import Permission
from accounts.selectors import staff_with
from tickets.models import DepartmentTask, Ticket
from tickets.permissions import tickets_visible_to
from tickets.work_enums import DIGEST, TASK_RUNNING, TaskState
from tickets.work_permissions import own_team_ids

Section = Callable[[Staff, datetime, datetime, str], list[str]]
SECTIONS: list[Section] = []


def register_digest_section(section: Section) -> None:
    """Add lines to the digest: (person, from, until, language) -> sentences. For apps above this one."""
    if section not in SECTIONS:
        SECTIONS.append(section)


@dataclass(frozen=True)
class Week:
    """One department week in numbers, the running tasks due next, and the subjects customers wrote about most."""

    asked: int = 0
    answered: int = 0
    on_time: int = 0
    running: int = 0
    overdue: int = 0
    next_tasks: list[DepartmentTask] = field(default_factory=list)
    tickets: int = 0
    complaints: int = 0
    topics: list[tuple[str, str, int]] = field(default_factory=list)


def staff_for_digest() -> list[int]:
    """Return the people of other departments who did not unsubscribe."""
    people = staff_with(Permission.AREA_VIEW).filter(roles__contains=["department"])
    away = UserPreference.objects.filter(key=DIGEST, value=False).values("staff_id")
    return list(people.exclude(pk__in=away).order_by("pk").values_list("pk", flat=True))


def wants_digest(staff_id: int) -> bool:
    """Say whether somebody gets the digest."""
    return not UserPreference.objects.filter(staff_id=staff_id, key=DIGEST, value=False).exists()


def week_of(staff: Staff, begin: datetime, end: datetime) -> Week:
    """Return the week of somebody's departments from `begin` up to `end`, in three queries."""
    tasks = DepartmentTask.objects.filter(team_id__in=own_team_ids(staff))
    settled = Q(state=TaskState.ANSWERED, settled_at__gte=begin, settled_at__lt=end)
    running = Q(state__in=TASK_RUNNING)
    counts = tasks.aggregate(
        asked=Count("id", filter=Q(asked_at__gte=begin, asked_at__lt=end)),
        answered=Count("id", filter=settled),
        on_time=Count("id", filter=settled & Q(settled_at__lte=F("due_at"))),
        running=Count("id", filter=running),
        overdue=Count("id", filter=running & Q(due_at__lt=end)),
    )
    coming = list(tasks.filter(running).select_related("ticket", "team").order_by("due_at", "id")[:8])
    return Week(**counts, next_tasks=coming, **_area(staff, begin, end))


def _area(staff: Staff, begin: datetime, end: datetime) -> dict[str, Any]:
    rows = tickets_visible_to(staff).filter(opened_at__gte=begin, opened_at__lt=end, is_spam=False)
    topics = list(
        Ticket.objects.filter(pk__in=rows.values("pk"))
        .filter(category__isnull=False)
        .values("category__is_complaint", zh=F("category__name_zh"), en=F("category__name_en"))
        .annotate(n=Count("pk"))
        .order_by("-n", "zh")
    )
    return {
        "tickets": sum(row["n"] for row in topics),
        "complaints": sum(row["n"] for row in topics if row["category__is_complaint"]),
        "topics": [(row["zh"], row["en"], row["n"]) for row in topics[:5]],
    }

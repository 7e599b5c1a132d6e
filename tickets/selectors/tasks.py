"""Read department tasks: the work list, those of one ticket, the departments one can ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from accounts.models import Staff
from tickets.models import Attachment, Department, DepartmentTask, JointResponse, ProductDefect, Ticket
from tickets.permissions import tickets_visible_to
from tickets.work_enums import TASK_RUNNING
from tickets.work_permissions import own_team_ids, tasks_visible_to

PAGE = 50
TABS = ("team", "mine", "overdue", "asked", "done")


@dataclass(frozen=True)
class Keyset:
    """Where a page begins: after this moment and id."""

    at: datetime
    id: int


def _in_tab(rows: QuerySet[DepartmentTask], tab: str, staff: Staff, teams: list[int], at: datetime) -> Any:
    running = rows.filter(state__in=TASK_RUNNING)
    if tab == "done":
        return rows.exclude(state__in=TASK_RUNNING)
    if tab == "mine":
        return running.filter(owner=staff, team_id__in=teams)
    if tab == "asked":
        return running.filter(asked_by=staff)
    if tab == "overdue":
        return running.filter(due_at__lt=at)
    return running.filter(team_id__in=teams)


def task_page(staff: Staff, tab: str, *, at: datetime, after: Keyset | None = None) -> list[DepartmentTask]:
    """Return one page and one row more when there is a next: running ones by due time, settled ones newest first."""
    rows = _in_tab(tasks_visible_to(staff), tab, staff, own_team_ids(staff), at)
    rows = rows.select_related("ticket", "team", "owner", "asked_by")
    if tab == "done":
        rows = rows.order_by(F("settled_at").desc(), F("id").desc())
        if after is not None:
            rows = rows.filter(Q(settled_at__lt=after.at) | Q(settled_at=after.at, id__lt=after.id))
    else:
        rows = rows.order_by("due_at", "id")
        if after is not None:
            rows = rows.filter(Q(due_at__gt=after.at) | Q(due_at=after.at, id__gt=after.id))
    return list(rows[: PAGE + 1])


def count_tasks(staff: Staff, *, at: datetime) -> dict[str, int]:
    """Return how many running tasks each tab holds, in one query."""
    teams = own_team_ids(staff)
    return (
        tasks_visible_to(staff)
        .filter(state__in=TASK_RUNNING)
        .aggregate(
            team=Count("id", filter=Q(team_id__in=teams)),
            mine=Count("id", filter=Q(owner=staff, team_id__in=teams)),
            overdue=Count("id", filter=Q(due_at__lt=at)),
            asked=Count("id", filter=Q(asked_by=staff)),
        )
    )


def tasks_of(ticket: Ticket, staff: Staff) -> list[DepartmentTask]:
    """Return a ticket's tasks that this person sees, running ones first."""
    rows = tasks_visible_to(staff).filter(ticket=ticket).select_related("team", "owner", "answered_by")
    return sorted(rows, key=lambda one: (not one.is_running, one.due_at, one.pk))


def joints_of(ticket: Ticket) -> list[JointResponse]:
    """Return a ticket's joint responses, the newest first."""
    return list(JointResponse.objects.filter(ticket=ticket).order_by("-pk"))


def parts_of_joint(joint: JointResponse) -> list[DepartmentTask]:
    """Return the parts of a joint response in the order of their departments' names."""
    rows = DepartmentTask.objects.filter(joint=joint).select_related("team", "owner", "answered_by", "note")
    return list(rows.order_by("team__name", "pk"))


def departments(*, tier: bool | None = None) -> QuerySet[Department]:
    """Return the departments one can ask, by name; with `tier` only lines of support, or only the others."""
    rows = Department.objects.filter(is_active=True, team__archived_at__isnull=True).select_related("team")
    if tier is not None:
        rows = rows.filter(tier__isnull=not tier)
    return rows.order_by(F("tier").asc(nulls_first=True), "team__name", "pk")


def files_of_ticket(ticket: Ticket) -> list[Attachment]:
    """Return the files of a ticket's messages one can point to, the newest first."""
    return list(Attachment.objects.filter(ticket=ticket, message__isnull=False).order_by("-pk")[:20])


def defects_visible_to(staff: Staff) -> list[ProductDefect]:
    """Return the newest product defects reported on tickets this person sees."""
    rows = ProductDefect.objects.filter(ticket__in=tickets_visible_to(staff))
    rows = rows.select_related("product", "ticket", "task__team", "reported_by")
    return list(rows.order_by("-reported_at", "-id")[:100])

"""When a department task is due, and who hears that it is late: owner, lead, supervisor. Due jobs, never a scan."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse

from accounts.models import Team
from accounts.services import notify
from core.actors import SYSTEM, Actor
from core.calendar import BusinessCalendar, DeadlineUnreachable, due
from core.calendar.selectors import default_calendar, load_calendar
from core.events import Code, record
from core.jobs import cancel, schedule
from core.live import announce
from tickets.models import Department, DepartmentTask
from tickets.selectors.supervising import leads_of, members_to_tell, supervisors_of
from tickets.work_enums import TASK_RUNNING
from tickets.work_events import TaskFact

DUE_JOB = "tickets.task_due"
LEVELS = 3


def calendar_of_team(team_id: int) -> BusinessCalendar:
    """Return the hours of a department, the company's without its own."""
    calendar_id = Team.objects.filter(pk=team_id).values_list("calendar_id", flat=True).first()
    return load_calendar(calendar_id) if calendar_id else default_calendar()


def business_due(calendar: BusinessCalendar, start: datetime, hours: int) -> datetime:
    """Return when so many business hours have passed; plain hours for a calendar that never opens."""
    try:
        return due(calendar, start, timedelta(hours=hours))
    except DeadlineUnreachable:
        return start + timedelta(hours=hours)


def _key(task: DepartmentTask, level: int) -> str:
    return f"{task.pk}:{task.round}:{level}"


def owe_clock(task: DepartmentTask) -> None:
    """Owe the first step of escalation at the due time."""
    _owe(task, 1, task.due_at)


def _owe(task: DepartmentTask, level: int, due_at: datetime) -> None:
    payload = {"task_id": task.pk, "round": task.round, "level": level}
    schedule(DUE_JOB, key=_key(task, level), due_at=due_at, payload=payload)


def stop_clock(task: DepartmentTask) -> None:
    """Take back what is owed of this round."""
    cancel(DUE_JOB, _key(task, min(task.escalation + 1, LEVELS)))


@transaction.atomic
def escalate_task(*, task_id: int, round_: int, level: int, at: datetime) -> bool:
    """Raise an overdue task one step and tell whom it concerns; return whether it was still late.

    Only the task is locked: nothing of its ticket changes.
    """
    rows = DepartmentTask.objects.select_for_update(no_key=True, of=("self",)).select_related("team")
    task = rows.filter(pk=task_id).first()
    if task is None or task.state not in TASK_RUNNING or (task.round, task.escalation) != (round_, level - 1):
        return False
    task.escalation = level
    if level == 1:
        task.overdue_at = task.due_at
    task.version += 1
    task.save(update_fields=["escalation", "overdue_at", "version"])
    record_task(task, "overdue" if level == 1 else "escalated", SYSTEM, at)
    for staff_id in _whom(task, level):
        notify_task(staff_id, task, "task.overdue" if level == 1 else "task.escalated", at)
    if level < LEVELS:
        department = Department.objects.filter(pk=task.team_id).first() or Department(pk=task.team_id)
        hours = department.lead_after_hours if level == 1 else department.supervisor_after_hours
        _owe(task, level + 1, business_due(calendar_of_team(task.team_id), at, hours))
    announce_task(task)
    announce(f"ticket.{task.ticket_id}", "task", task.ticket_id, 0)
    return True


def _whom(task: DepartmentTask, level: int) -> list[int]:
    """Return whom a step tells: the owner and the ticket's agent, the lead, the supervisors."""
    if level == 1:
        people = [task.owner_id] if task.owner_id else members_to_tell(task.team_id)
        found = {*people, task.ticket.assignee_id}
    elif level == 2:
        found = set(leads_of(task.team_id) or supervisors_of(task.ticket))
    else:
        found = set(supervisors_of(task.ticket))
    return sorted(pk for pk in found if pk is not None)


def record_task(task: DepartmentTask, step: str, actor: Actor, at: datetime) -> None:
    """Write a step of a task down."""
    ticket = task.ticket
    data = TaskFact(
        team_id=task.team_id,
        kind=Code(task.kind),
        due_at=task.due_at,
        agent_id=task.owner_id,
        tier=task.tier,
        category=Code(ticket.category.key) if ticket.category else None,
        seconds=int((at - task.asked_at).total_seconds()),
        late=int((at - task.due_at).total_seconds()),
        level=task.escalation,
        is_overdue=task.overdue_at is not None,
        version=ticket.version,
    )
    record(f"task.{step}", subject=task, actor=actor, at=at, data=data)


def notify_task(staff_id: int, task: DepartmentTask, kind: str, at: datetime) -> None:
    """Put a task into somebody's notification centre."""
    params = {"task_id": task.pk, "ticket_id": task.ticket_id, "number": task.ticket.number}
    notify(staff_id=staff_id, kind=kind, params=params, url=reverse("tickets:task", args=[task.pk]), at=at)


def announce_task(task: DepartmentTask) -> None:
    """After commit, have the lists and the open task look again."""
    announce("tasks", "task", task.pk, task.version)
    announce(f"task.{task.pk}", "task", task.pk, task.version)
